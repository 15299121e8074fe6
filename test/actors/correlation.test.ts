/** Metadata that goes with appends without being handed along. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type Bus, messagesStream, type Processor } from '#store';
import { collect } from '../kit/collect.ts';
import { engineKinds, tempBus } from '../kit/temp-store.ts';

/** A processor that appends to the stream `out` for each event of type x. */
function copying(bus: Bus, trouble = { isBroken: false }): Processor {
  return bus.processor({
    name: 'copying',
    types: ['x'],
    onFailure: 'dead-letter',
    retry: { attempts: 0 },
    handle: async (_, { append }) => {
      if (trouble.isBroken) throw new Error('planted');
      await append('out', { type: 'copied' });
    },
  });
}

async function appendAndWait(bus: Bus, processor: Processor): Promise<void> {
  for (let call = 0; call < 3; call++) {
    await bus.append('in', { type: 'x' });
    await processor.caughtUp();
    await setImmediate();
  }
}

const tenantsOfCopies = async (bus: Bus) =>
  (await collect(bus.readStream('out'))).map(({ metadata }) => metadata?.tenant);

test('publish appends to one stream, in order, as one commit, unless another is named', async () => {
  const bus = await tempBus();

  const first = await bus.publish([{ type: 'x' }, { type: 'y' }]);
  const second = await bus.publish({ type: 'z' }, { stream: 'room', metadata: { by: 'ann' } });

  expect(first).toEqual({
    stream: messagesStream,
    firstVersion: 1,
    lastVersion: 2,
    firstPosition: 1,
    lastPosition: 2,
    duplicate: false,
  });
  expect(second.stream).toBe('room');
  expect((await bus.event(3))?.metadata).toEqual({ by: 'ann' });
});

test('the metadata of an event goes over that of its call, of its view, and of its scope', async () => {
  const bus = await tempBus();
  const view = bus.with({ metadata: { view: 1, outer: 'view' } }).with({ metadata: { inner: 1, call: 'view' } });

  await bus.run({ metadata: { scope: 1, view: 'scope', call: 'scope' } }, () =>
    bus.run({ metadata: { nested: 1, scope: 2 } }, () =>
      view.append(
        'a',
        { type: 'x', metadata: { event: 1, own: 'event' } },
        { metadata: { call: 1, own: 'call', event: 'call' } },
      ),
    ),
  );

  expect((await bus.event(1))?.metadata).toEqual({
    scope: 2,
    nested: 1,
    view: 1,
    outer: 'view',
    inner: 1,
    call: 1,
    own: 'event',
    event: 1,
  });
});

test('a scope holds for all that is awaited in it, for every way to append, and for nothing else', async () => {
  const bus = await tempBus({ schemas: { checked: z.undefined().refine(async () => true) } });
  const aggregate = bus.aggregate({ name: 'agg', initial: 0, evolve: (n) => n + 1, decide: () => ({ type: 'x' }) });
  const request = async (id: number) => {
    await setImmediate();
    await bus.publish({ type: 'x' });
    await bus.appendMany([{ stream: `s-${id}`, events: { type: 'x' } }]);
    await bus.with({ metadata: {} }).publish({ type: 'checked' });
    await aggregate.execute(`${id}`, undefined);
    await bus.schedule(`t-${id}`, { type: 'checked' }, { delayMs: 0 });
  };

  await Promise.all([
    ...[1, 2, 3].map((id) => bus.run({ metadata: { id } }, () => request(id))),
    bus.append('outside', { type: 'x' }),
  ]);

  await expect.poll(() => bus.head).toBe(16);
  const ids = (await collect(bus.read())).map(({ stream, metadata }) => [stream === 'outside', metadata?.id]);
  const inside = ids.filter(([isOutside]) => !isOutside).map(([, id]) => id);
  expect(inside.sort()).toEqual([1, 2, 3].flatMap((id) => Array(5).fill(id)));
  expect(ids.filter(([isOutside]) => isOutside)).toEqual([[true, undefined]]);
});

test('a scope in which somebody began to wait is not that of others who are woken with them', async () => {
  const bus = await tempBus();
  const contexts: unknown[] = [];
  const context = new AsyncLocalStorage<string>();
  const waiting = context.run('inside', () => collect(bus.subscribe(), 3));
  bus.head$.subscribe(() => contexts.push(context.getStore()));

  for (let n = 0; n < 3; n++) {
    await context.run('publisher', () => bus.publish({ type: 'x' }));
    await expect.poll(() => contexts.length, { interval: 1 }).toBe(n + 2);
  }
  await waiting;

  expect(contexts).toEqual([undefined, undefined, undefined, undefined]);
});

test.each(engineKinds)('the scope of who waits first for a view is not that of handlers (%s)', async (kind) => {
  const bus = await tempBus({}, kind);
  const left = new AbortController();
  const waiting = bus.run({ metadata: { tenant: 'acme' } }, () => bus.view('any').waitFor(1, { signal: left.signal }));
  const processor = copying(bus);
  processor.start();
  await processor.caughtUp();

  await appendAndWait(bus, processor);
  left.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });

  expect(await tenantsOfCopies(bus)).toEqual([undefined, undefined, undefined]);
});

test.each(engineKinds)('the scope of who waits first for a view is not that of who watches it (%s)', async (kind) => {
  const bus = await tempBus({}, kind);
  const projection = bus.projection<number>({
    name: 'counts',
    version: 1,
    on: { x: (view) => view.update('all', (count = 0) => count + 1) },
  });
  projection.start();
  await projection.caughtUp();
  const left = new AbortController();
  const context = new AsyncLocalStorage<string>();
  const waiting = context.run('inside', () => projection.waitFor(100, { signal: left.signal }));
  const told: unknown[] = [];
  projection.watch('all').subscribe((value) => told.push([value, context.getStore()]));

  for (let count = 1; count <= 3; count++) {
    await bus.append('in', { type: 'x' });
    await expect.poll(() => told.length, { interval: 1 }).toBe(count + 1);
  }
  left.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });

  expect(told).toEqual([undefined, 1, 2, 3].map((value) => [value, undefined]));
});

test('the scope in which a processor is started is not that of its handler', async () => {
  const bus = await tempBus();
  await bus.append('in', { type: 'x' });
  const processor = copying(bus);

  await bus.run({ metadata: { tenant: 'acme' } }, () => {
    processor.start();
    return processor.caughtUp();
  });
  await appendAndWait(bus, processor);

  expect(await tenantsOfCopies(bus)).toEqual([undefined, undefined, undefined, undefined]);
});

test('the scope in which a dead letter is tried again is not that of its handler', async () => {
  const bus = await tempBus();
  bus.errors$.subscribe();
  const broken = { isBroken: true };
  const processor = copying(bus, broken);
  await bus.append('in', { type: 'x' });
  processor.start();
  await processor.caughtUp();
  broken.isBroken = false;

  await bus.run({ metadata: { tenant: 'acme' } }, () => bus.deadLetters('copying').retry('all'));
  await appendAndWait(bus, processor);

  expect(await tenantsOfCopies(bus)).toEqual([undefined, undefined, undefined, undefined]);
});

test('a retry under an idempotency key may come from another scope', async () => {
  const bus = await tempBus();
  const append = () => bus.append('a', { type: 'x', data: 1 }, { idempotencyKey: 'k', metadata: { by: 'ann' } });
  await bus.run({ metadata: { request: 1 } }, append);

  const again = await bus.run({ metadata: { request: 2 } }, append);
  const other = bus.append('a', { type: 'x', data: 1 }, { idempotencyKey: 'k', metadata: { by: 'ben' } });

  expect(again.duplicate).toBe(true);
  await expect(other).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  expect((await bus.event(1))?.metadata).toEqual({ request: 1, by: 'ann' });
});

test('metadata is taken when it is given', async () => {
  const bus = await tempBus();
  const metadata = { n: 1 };
  const view = bus.with({ metadata });
  metadata.n = 2;

  await view.publish({ type: 'x' });

  expect((await bus.event(1))?.metadata).toEqual({ n: 1 });
});

test('run gives what its function gives, and throws what it throws', async () => {
  const bus = await tempBus();

  expect(bus.run({ metadata: {} }, () => 7)).toBe(7);
  expect(() =>
    bus.run({ metadata: {} }, () => {
      throw new RangeError('own');
    }),
  ).toThrow(RangeError);
});

test.each<[string, object]>([
  ['must be a plain object', { metadata: undefined }],
  ['must be a plain object', { metadata: null }],
  ['must be a plain object', { metadata: [] }],
  ['must be a plain object', { metadata: new Map() }],
  ['has no option "meta"', { meta: {} }],
])('metadata that %s is a TypeError', async (message, options) => {
  const bus = await tempBus();

  expect(() => bus.with(options as never)).toThrow(message);
  expect(() => bus.run(options as never, () => undefined)).toThrow(message);
});

test('an option that publish does not have is refused', async () => {
  const bus = await tempBus();

  await expect(bus.publish({ type: 'x' }, { expectedVersion: 3 } as never)).rejects.toThrow('publish has no option');
});
