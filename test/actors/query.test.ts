import { threadId } from 'node:worker_threads';
import fc from 'fast-check';
import { expect, expectTypeOf, test } from 'vitest';
import { type QueryOptions, type QueryResult, runQuery } from '#actors/query';
import { BusError } from '#store';
import { eventAt, failureOf, filledStore, tempPool } from './query-modules/filled-store.ts';
import { moduleUrl } from './query-modules/module-url.ts';
import type * as trail from './query-modules/trail.ts';

type Trail = QueryResult<typeof trail.query>;

const trailModule = moduleUrl('trail');
const failingModule = moduleUrl('failing');
const range = (low: number, high: number) =>
  Array.from({ length: Math.max(0, high - low + 1) }, (_, index) => low + index);

/** What a query gives, folded plainly. */
function expectedPositions(head: number, { from = 1, to = head, types, streams, prefix = '' }: QueryOptions): number[] {
  return range(Math.max(1, from), Math.min(to, head)).filter((position) => {
    const { stream, type } = eventAt(position);
    return (types?.includes(type) ?? true) && (streams?.includes(stream) ?? true) && stream.startsWith(prefix);
  });
}

test('a query gives what a plain fold over the events gives, however its range is split', {
  timeout: 60_000,
}, async () => {
  const head = 9000;
  const store = await filledStore(head);
  const pool = tempPool(store.path, { threads: 3 });
  const position = fc.integer({ min: 0, max: head + 500 });
  const options = fc.record(
    {
      from: position,
      to: position,
      types: fc.subarray(['placed', 'paid', 'sent', 'unknown']),
      streams: fc.subarray(['order-0', 'cart-1', 'order-2', 'cart-2', 'nowhere']),
      prefix: fc.constantFrom('', 'order', 'cart-', 'none'),
      parallel: fc.integer({ min: 1, max: 4 }),
    },
    { requiredKeys: [] },
  );

  await fc.assert(
    fc.asyncProperty(options, async (given) => {
      const result = await runQuery<Trail>(pool, head, trailModule, given);

      expect(result.positions).toEqual(expectedPositions(head, given));
    }),
    { numRuns: 30, examples: [[{}], [{ from: 5, to: 4 }], [{ from: 1024, to: 1025 }], [{ parallel: 1 }]] },
  );
  expect(pool.errors).toEqual([]);
});

test('parts are merged in the order of their positions, neighbours with neighbours', async () => {
  const store = await filledStore(4096);
  const pool = tempPool(store.path);

  const result = await runQuery<Trail>(pool, 4096, trailModule, { parallel: 2 });

  expect(result.positions).toEqual(range(1, 4096));
  expect(result.shape).toBe('(((1024+1024)2048+1024)3072+1024)');
});

test('a query folds in several threads, none of them the caller', async () => {
  const store = await filledStore(8000);
  const pool = tempPool(store.path);

  const ids = await runQuery<number[]>(pool, 8000, trailModule, { export: 'threads' });

  expect(ids).toHaveLength(2);
  expect(ids).not.toContain(threadId);
});

test('a query with parallel 1 has one part', async () => {
  const store = await filledStore(8000);
  const pool = tempPool(store.path);

  const result = await runQuery<Trail>(pool, 8000, trailModule, { parallel: 1 });

  expect(result.shape).toBe('');
});

test('functions of a query may be asynchronous', async () => {
  const store = await filledStore(3000);
  const pool = tempPool(store.path);

  const result = await runQuery<QueryResult<typeof trail.asynchronous>>(pool, 3000, trailModule, {
    export: 'asynchronous',
  });

  expectTypeOf(result).toEqualTypeOf<string>();
  expect(result).toBe(range(2991, 3000).join(' '));
});

test('args reach init and step as they were at the call', async () => {
  const store = await filledStore(3000);
  const pool = tempPool(store.path);
  const args = { factor: 2 };

  const result = runQuery<number>(pool, 3000, trailModule, { export: 'sum', args });
  args.factor = 1000;

  expect(await result).toBe(range(1, 3000).reduce((total, position) => total + 2 * (position % 100), 0));
});

test('a query looks at nothing beyond the head of the call', async () => {
  const store = await filledStore(2000);
  const pool = tempPool(store.path);

  const result = runQuery<Trail>(pool, 2000, trailModule, { to: 1_000_000 });
  store.append(1000);

  expect((await result).positions).toEqual(range(1, 2000));
});

test('a query sees what was appended after an earlier one', async () => {
  const store = await filledStore(10);
  const pool = tempPool(store.path);
  await runQuery(pool, 10, trailModule);

  store.append(5);
  const result = await runQuery<Trail>(pool, 15, trailModule);

  expect(result.positions).toEqual(range(1, 15));
});

test('the result of no events is what init and finish give', async () => {
  const store = await filledStore(0);
  const pool = tempPool(store.path);

  expect(await runQuery(pool, 0, trailModule)).toEqual({ positions: [], shape: '' });
  expect(await runQuery(pool, 0, trailModule, { export: 'sum', args: { factor: 1 } })).toBe(0);
});

test('a result keeps what structured clone keeps', async () => {
  const store = await filledStore(5000);
  const pool = tempPool(store.path);

  const result = await runQuery(pool, 5000, trailModule, { export: 'kinds' });

  expect(result).toEqual({
    streams: new Set(range(1, 21).map((position) => eventAt(position).stream)),
    last: expect.any(Date),
    bytes: new Float64Array([1, 2]),
    big: 1n,
  });
});

test('several queries at once do not disturb each other', async () => {
  const store = await filledStore(6000);
  const pool = tempPool(store.path);

  const results = await Promise.all(
    range(1, 20).map((from) =>
      from % 4 === 0
        ? failureOf(runQuery(pool, 6000, failingModule, { args: { place: 'step', isAsync: false } }))
        : runQuery<Trail>(pool, 6000, trailModule, { from: from * 100 }),
    ),
  );

  for (const [index, result] of results.entries()) {
    const from = index + 1;
    if (from % 4 === 0) expect(result).toMatchObject({ code: 'QUERY_FAILED' });
    else expect((result as Trail).positions).toEqual(range(from * 100, 6000));
  }
});

test.each(['init', 'step', 'merge', 'finish'])(
  'an error in %s, thrown or rejected, fails the query with the error as cause',
  async (place) => {
    const store = await filledStore(3000);
    const pool = tempPool(store.path);

    for (const isAsync of [false, true]) {
      const error = await failureOf(runQuery(pool, 3000, failingModule, { args: { place, isAsync } }));

      expect(error).toBeInstanceOf(BusError);
      expect(error).toMatchObject({ code: 'QUERY_FAILED', detail: { module: failingModule.href, export: 'query' } });
      expect(error.message).toContain(place === 'step' ? 'step at position 1500' : `${place} failed`);
      const cause = error.cause as Error;
      expect(cause).toMatchObject({ name: 'CardError', code: 'CARD_DECLINED', detail: { card: 4 } });
      expect(cause.message).toBe(`${place} declined`);
      expect(cause.stack).toMatch(/failing\.ts:\d+/);
      expect(cause.cause).toBeInstanceOf(RangeError);
    }
    expect(pool.errors).toEqual([]);
  },
);

test('what was thrown may be no error', async () => {
  const store = await filledStore(10);
  const pool = tempPool(store.path);

  const error = await failureOf(runQuery(pool, 10, failingModule, { export: 'throwsText' }));

  expect(error).toMatchObject({ code: 'QUERY_FAILED', cause: 'just text' });
});

const reasonByExport = {
  forgetsInit: 'init returned undefined',
  forgetsStep: 'step returned undefined',
  forgetsStepLater: 'step returned undefined',
  forgetsMerge: 'merge returned undefined',
  incomplete: 'incomplete.merge must be a function, got undefined',
  nothing: 'nothing.init must be a function',
  missing: 'has no export "missing"; it has forgetsInit,',
  toString: 'has no export "toString"',
  functionInAccumulator: 'cloning the accumulator',
  functionAsResult: 'cloning the result',
};

test('a query that can not work fails and says why', async () => {
  const store = await filledStore(3000);
  const pool = tempPool(store.path);

  for (const [name, reason] of Object.entries(reasonByExport)) {
    const error = await failureOf(runQuery(pool, 3000, failingModule, { export: name }));

    expect(error).toMatchObject({ code: 'QUERY_FAILED', detail: { module: failingModule.href, export: name } });
    expect(error.message).toContain(reason);
    expect(error.cause).toBeInstanceOf(Error);
  }
});

test.each([
  ['broken', { code: 'TARIFF_MISSING', message: 'no such tariff' }],
  ['absent', { code: 'ERR_MODULE_NOT_FOUND' }],
])('a module that can not be loaded fails the query with the cause: %s', async (name, cause) => {
  const store = await filledStore(10);
  const pool = tempPool(store.path);

  const error = await failureOf(runQuery(pool, 10, moduleUrl(name)));

  expect(error).toMatchObject({ code: 'QUERY_FAILED', detail: { module: moduleUrl(name).href }, cause });
});

test.each([
  ['a module by name', 'lodash', {}, 'module must be a file: URL'],
  ['a path', '/tmp/query.js', {}, 'module must be a file: URL'],
  ['code in a URL', 'data:text/javascript,export const query = 1', {}, 'module must be a file: URL'],
  ['a misspelt option', trailModule, { form: 1 }, 'query has no option "form"'],
  ['from', trailModule, { from: -1 }, 'from must be'],
  ['to', trailModule, { to: 1.5 }, 'to must be'],
  ['parallel', trailModule, { parallel: 0 }, 'parallel must be'],
  ['types', trailModule, { types: 'placed' }, 'types must be'],
  ['export', trailModule, { export: 1 }, 'export must be'],
  ['args', trailModule, { args: () => 1 }, 'args must be something structured clone takes'],
])('a query refuses %s', async (_, module, options, message) => {
  const pool = tempPool('/nowhere');

  const error = await failureOf(runQuery(pool, 10, module, options as QueryOptions));

  expect(error).toBeInstanceOf(TypeError);
  expect(error.message).toContain(message);
});

test('a store that can not be read fails the query with its own code', async () => {
  const pool = tempPool('/nowhere');

  const error = await failureOf(runQuery(pool, 10, trailModule));

  expect(error).toBeInstanceOf(BusError);
  expect(error).toMatchObject({ code: 'STORE_NOT_FOUND' });
});
