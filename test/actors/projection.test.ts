/** Projections on one bus: what handlers see and may do, what is refused, and how what they make is read. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  type Bus,
  isBusError,
  limits,
  type ProjectionEntry,
  type ProjectionOptions,
  type ProjectionView,
} from '#store';
import { collect } from '../kit/collect.ts';
import { engineKinds, tempBus, tempStore } from '../kit/temp-store.ts';

type Shop =
  | { type: 'Added'; data: { item: string; count: number } }
  | { type: 'Removed'; data: { item: string } }
  | { type: 'Noted' };

const added = (item: string, count = 1): Shop => ({ type: 'Added', data: { item, count } });

const stock: ProjectionOptions<Shop, number> = {
  name: 'stock',
  version: 1,
  on: {
    Added: (view, { data }) => view.update(data.item, (count = 0) => count + data.count),
    Removed: (view, { data }) => view.delete(data.item),
  },
};

/** A projection of one type whose handler is `handle`, which has handled one event for each of `calls`. */
async function handled(handle: (view: ProjectionView<unknown>, call: number) => void, calls = 1) {
  const bus = await tempBus();
  const projection = bus.projection({
    name: 'any',
    version: 1,
    on: { called: (view, { data }) => handle(view, data) },
    retry: { attempts: 0 },
  });
  for (let call = 1; call <= calls; call++) await bus.append('calls', { type: 'called', data: call });
  projection.start();
  await projection.caughtUp();
  return projection;
}

const entriesOf = (entries: Iterable<ProjectionEntry<unknown>>) => [...entries].map(({ key, value }) => [key, value]);

test.each(engineKinds)('a projection is what its handlers make of the log, with its position (%s)', async (kind) => {
  const bus = await tempBus<Shop>({}, kind);
  await bus.append('shop', [added('pear'), added('apple', 2), added('pear'), { type: 'Noted' }]);
  await bus.append('shop', { type: 'Removed', data: { item: 'apple' } });
  const projection = bus.projection(stock);

  projection.start();
  await projection.caughtUp();

  expect(await projection.get('pear')).toBe(2);
  expect(await projection.get('apple')).toBeUndefined();
  expect(projection.position).toBe(5);
  expect(projection.version).toBe(1);
});

test.each(engineKinds)('a projection goes on where it was saved, and handles nothing twice (%s)', async (kind) => {
  const store = tempStore(kind);
  const first = await store.openBus<Shop>();
  const before = first.projection(stock);
  await first.append('shop', [added('pear'), added('pear')]);
  before.start();
  await before.caughtUp();
  await first.close();
  const second = await store.openBus<Shop>();
  await second.append('shop', added('pear'));

  const after = second.projection(stock);
  after.start();
  await after.caughtUp();

  expect(await after.get('pear')).toBe(3);
  expect(after.status.context.handled).toBe(1);
});

describe('a handler', () => {
  test('sees what calls before it have set, saved or not', async () => {
    const seen: unknown[] = [];

    await handled((view, call) => {
      seen.push(view.get('last'));
      view.set('last', call);
    }, 3);

    expect(seen).toEqual([undefined, 1, 2]);
  });

  test('that throws leaves nothing behind, and its neighbours keep what they did', async () => {
    const bus = await tempBus();
    let isBroken = true;
    const projection = bus.projection({
      name: 'any',
      version: 1,
      on: {
        called: (view, { data }) => {
          view.set(`seen-${data}`, true);
          view.set('last', data);
          view.delete('first');
          if (data === 2 && isBroken) throw new Error('planted');
          if (data === 1) view.set('first', 1);
        },
      },
      retry: { attempts: 0 },
    });
    bus.errors$.subscribe();
    await bus.append(
      'calls',
      [1, 2, 3].map((data) => ({ type: 'called', data })),
    );

    projection.start();
    await projection.waitFor('failed');
    const atFailure = await collect(projection.range());
    isBroken = false;
    projection.start();
    await projection.caughtUp();

    expect(entriesOf(atFailure)).toEqual([
      ['first', 1],
      ['last', 1],
      ['seen-1', true],
    ]);
    expect(entriesOf(await collect(projection.range()))).toEqual([
      ['last', 3],
      ['seen-1', true],
      ['seen-2', true],
      ['seen-3', true],
    ]);
  });

  test('that returns a promise is a failure that says so, and its promise harms nobody', async () => {
    const bus = await tempBus();
    bus.errors$.subscribe();
    const projection = bus.projection({
      name: 'any',
      version: 1,
      // @ts-expect-error the type refuses it, too
      on: { called: (view) => Promise.reject(new Error(String(view.set('set', 1)))) },
      retry: { attempts: 0 },
    });
    await bus.append('calls', { type: 'called' });

    projection.start();
    await projection.waitFor('failed');

    expect(projection.status.context.lastError?.message).toMatch(
      /handler of called in the projection "any" returned a promise/,
    );
    expect(await projection.get('set')).toBeUndefined();
  });

  test('has values of its own: what is changed without being set does not change the view', async () => {
    const given = { list: [1] };
    const seen: unknown[] = [];

    const projection = await handled((view, call) => {
      if (call === 1) {
        view.set('key', given);
        given.list.push(2);
      }
      const value = view.get('key') as typeof given;
      value.list.push(3);
      seen.push(view.get('key'));
    }, 2);

    expect(seen).toEqual([{ list: [1] }, { list: [1] }]);
    expect(await projection.get('key')).toEqual({ list: [1] });
  });

  test('can not use its view after it has returned', async () => {
    let kept: ProjectionView<unknown> | undefined;
    let iterator: Iterator<unknown> | undefined;

    await handled((view) => {
      kept ??= view;
      view.set('a', 1);
      view.set('b', 2);
      iterator = view.range()[Symbol.iterator]();
      iterator.next();
    });

    const message = /view of the projection "any" is used after its handler has returned/;
    expect(() => kept?.get('a')).toThrow(message);
    expect(() => kept?.set('a', 1)).toThrow(message);
    expect(() => kept?.delete('a')).toThrow(message);
    expect(() => [...(kept?.range() ?? [])]).toThrow(message);
    expect(() => iterator?.next()).toThrow(message);
  });

  test('may store whatever an event may hold', async () => {
    const values = [
      0,
      -1.5,
      '',
      'text',
      true,
      null,
      2n ** 70n,
      new Date(5),
      new Map([['a', new Set([1])]]),
      [undefined],
      { a: {} },
    ];

    const projection = await handled((view) => {
      for (const [index, value] of values.entries()) view.set(`${index}`, value);
    });

    const stored = await Promise.all(values.map((_, index) => projection.get(`${index}`)));
    expect(stored).toEqual(values);
  });

  test.each<[string, unknown, RegExp]>([
    ['a function', () => 1, /^the value of "key" in the projection "any" can't be stored: data is a function/],
    ['an instance of a class', { a: new URL('http://a') }, /can't be stored: data.a is an instance of URL/],
    ['undefined', undefined, /can't be undefined: delete the key instead/],
    ['a lone surrogate', '\ud800', /can't be stored: data has a lone surrogate/],
    [
      'what is too large',
      'x'.repeat(limits.projectionValueBytesMax),
      /has \d+ bytes, more than the 2097152 of one value/,
    ],
  ])('is told when it sets %s', async (_, value, message) => {
    await handled((view) => expect(() => view.set('key', value)).toThrow(message));
  });

  test.each<[string, unknown]>([
    ['empty', ''],
    ['too long', 'é'.repeat(513)],
    ['not text', 5],
    ['not well-formed', '\ud800'],
  ])('is told when a key is %s', async (_, key) => {
    await handled((view) => {
      expect(() => view.set(key as string, 1)).toThrow(/a key must be 1 to 1024 bytes of well-formed text/);
      expect(() => view.get(key as string)).toThrow(TypeError);
    });
  });

  test('finds the longest key of the longest name', async () => {
    const bus = await tempBus({}, 'lmdb');
    const key = 'k'.repeat(limits.projectionKeyBytesMax);
    const projection = bus.projection<number>({
      name: 'n'.repeat(limits.nameBytesMax),
      version: 2 ** 32 - 1,
      on: { called: (view) => view.update(key, (count = 0) => count + 1) },
      checkpoint: { events: 1 },
    });
    await bus.append('calls', [{ type: 'called' }, { type: 'called' }]);

    projection.start();
    await projection.caughtUp();

    expect(await collect(projection.range({ prefix: key }))).toEqual([{ key, value: 2 }]);
    expect(await collect(projection.range({ prefix: `${key}k` }))).toEqual([]);
  });
});

test('a large range is given in pages, while its entries are deleted', async () => {
  let left = 0;

  const projection = await handled((view, call) => {
    if (call === 1) for (let index = 0; index < 1000; index++) view.set(`key-${index}`, index);
    if (call === 2) for (const { key } of view.range({ prefix: 'key-9' })) view.delete(key);
    if (call === 2) for (const _ of view.range()) left++;
  }, 2);

  expect(left).toBe(889);
  expect(await collect(projection.range())).toHaveLength(889);
  expect(entriesOf(await collect(projection.range({ from: 'key-10', to: 'key-101' })))).toEqual([
    ['key-10', 10],
    ['key-100', 100],
    ['key-101', 101],
  ]);
  expect(entriesOf(await collect(projection.range({ prefix: 'key-88', reverse: true, limit: 2 })))).toEqual([
    ['key-889', 889],
    ['key-888', 888],
  ]);
});

describe('reading', () => {
  test('a view of a projection that was never built is empty', async () => {
    const bus = await tempBus();
    const view = bus.view('nothing');

    expect(await view.get('key')).toBeUndefined();
    expect(await collect(view.range())).toEqual([]);
    expect(view.version).toBeUndefined();
    expect(view.position).toBe(0);
    await view.waitFor(0);
  });

  test('a wait for a position ends when the projection has it, also when it wants none of the events', async () => {
    const bus = await tempBus<Shop>({}, 'lmdb');
    const view = bus.view<number>('stock');
    bus.projection(stock).start();

    const { lastPosition: first } = await bus.append('shop', added('pear'));
    await view.waitFor(first);
    const pears = await view.get('pear');
    const { lastPosition: second } = await bus.append('shop', { type: 'Noted' });
    await view.waitFor(second);

    expect(pears).toBe(1);
    expect(view.position).toBe(second);
  });

  test('a wait ends when its signal is aborted, and when the bus closes', async () => {
    const bus = await tempBus<Shop>();
    const view = bus.view('stock');
    const left = new AbortController();
    const aborted = view.waitFor(1, { signal: left.signal });
    const closed = view.waitFor(1);

    left.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
    await bus.close();

    await expect(closed).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    await expect(view.waitFor(1)).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    await expect(view.waitFor(-1)).rejects.toThrow(/position must be a position from 0 on/);
  });

  test('a wait with a wrong signal is refused, and keeps no process alive', async () => {
    const bus = await tempBus<Shop>();
    const started = vi.spyOn(globalThis, 'setInterval');
    const ended = vi.spyOn(globalThis, 'clearInterval');
    onTestFinished(() => {
      started.mockRestore();
      ended.mockRestore();
    });
    const timers = () =>
      started.mock.results.filter(({ value }) => value.hasRef() && !ended.mock.calls.some(([timer]) => timer === value))
        .length;
    const left = new AbortController();

    const waiting = bus.view('stock').waitFor(1, { signal: left.signal });
    const whileWaiting = timers();
    left.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(bus.view('stock').waitFor(1, { signal: new AbortController() as never })).rejects.toThrow(TypeError);

    expect([whileWaiting, timers()]).toEqual([1, 0]);
  });

  test('a watch tells the value, then what it becomes, and nothing of other keys', async () => {
    const bus = await tempBus<Shop>();
    const projection = bus.projection(stock);
    const told: unknown[] = [];
    let isComplete = false;
    projection.start();
    projection.watch('pear').subscribe({ next: (value) => told.push(value), complete: () => (isComplete = true) });

    for (const event of [
      added('pear'),
      added('apple'),
      added('pear', 2),
      { type: 'Removed', data: { item: 'pear' } } as const,
    ]) {
      await bus.append('shop', event);
      await projection.caughtUp();
      await expect.poll(() => told.length).toBeGreaterThanOrEqual(event.type === 'Removed' ? 4 : 2);
    }
    await bus.close();

    expect(told).toEqual([undefined, 1, 3, undefined]);
    expect(isComplete).toBe(true);
  });

  test('a watch tells what a dead letter has changed that was tried again', async () => {
    const bus = await tempBus<Shop>();
    bus.errors$.subscribe();
    let isBroken = true;
    const projection = bus.projection<number>({
      name: 'stock',
      version: 1,
      on: {
        Added: (view, { data }) => {
          if (isBroken) throw new Error('planted');
          view.set(data.item, data.count);
        },
      },
      onFailure: 'dead-letter',
      retry: { attempts: 0 },
    });
    await bus.append('shop', added('pear', 3));
    projection.start();
    await projection.caughtUp();
    const told: unknown[] = [];
    projection.watch('pear').subscribe((value) => told.push(value));
    isBroken = false;

    await bus.deadLetters('stock').retry('all');

    await expect.poll(() => told).toEqual([undefined, 3]);
  });

  test('nobody listens for commits while nobody watches', async () => {
    const bus = await tempBus<Shop>();
    const timers = vi.spyOn(Atomics, 'waitAsync');
    const view = bus.view('stock');
    const subscription = view.watch('pear').subscribe();
    subscription.unsubscribe();
    await bus.append('shop', added('pear'));
    const waits = timers.mock.calls.length;
    await bus.append('shop', added('pear'));
    timers.mockRestore();

    expect(waits).toBeLessThanOrEqual(2);
  });

  test('a subscriber that throws is reported, and harms nobody', async () => {
    const bus = await tempBus<Shop>();
    const reported: unknown[] = [];
    bus.errors$.subscribe((error) => reported.push(error));
    const planted = new Error('planted');

    bus
      .view('stock')
      .watch('pear')
      .subscribe(() => {
        throw planted;
      });

    expect(reported).toEqual([planted]);
  });
});

describe('options', () => {
  const on = { Added: () => undefined };

  test.each<[string, object, RegExp]>([
    ['no version', { on }, /version must be 1 to 4294967295, got undefined/],
    ['a version of 0', { version: 0, on }, /version must be 1 to/],
    ['no handlers', { version: 1 }, /on must be an object of handlers/],
    ['an empty on', { version: 1, on: {} }, /on must have a handler for one type of events at least/],
    ['a handler that is none', { version: 1, on: { Added: 1 } }, /on.Added must be a function, got 1/],
    [
      'an async handler',
      { version: 1, on: { Added: async () => undefined } },
      /on.Added must be a synchronous function/,
    ],
    ['types', { version: 1, on, types: ['Added'] }, /a projection has no option "types"/],
    ['from', { version: 1, on, from: 'now' }, /a projection has no option "from"/],
    ['what nobody knows', { version: 1, on, nam: 1 }, /no option "nam"/],
    ['a checkpoint out of range', { version: 1, on, checkpoint: { ms: 0 } }, /checkpoint.ms must be/],
  ])('%s is refused', async (_, options, message) => {
    const bus = await tempBus();

    expect(() => bus.projection({ name: 'p', ...options } as ProjectionOptions)).toThrow(message);
  });

  test('a name is taken by one processor or projection, until that is closed', async () => {
    const bus = await tempBus();
    const processor = bus.processor({ name: 'taken', handle: () => undefined });
    expect(() => bus.projection({ name: 'taken', version: 1, on })).toThrow(/there is a processor "taken"/);
    await processor.close();

    const projection = bus.projection({ name: 'taken', version: 1, on });

    expect(() => bus.projection({ name: 'taken', version: 1, on })).toThrow(/there is a processor "taken"/);
    expect(bus.projections).toEqual([projection]);
    expect(bus.processors).toEqual([]);
    await projection.close();
    expect(bus.projections).toEqual([]);
    expect(() => projection.start()).toThrow(/was stopped/);
    await expect(projection.rebuild()).rejects.toMatchObject({ code: 'PROCESSOR_STOPPED' });
  });

  test('a bus that can not write has no projections, but their views', async () => {
    const store = tempStore();
    await (await store.openBus()).close();
    const bus: Bus = await store.openBus({ readOnly: true });

    expect(() => bus.projection({ name: 'p', version: 1, on })).toThrow(/read-only/);
    expect(bus.view('p').position).toBe(0);
    expect(() => bus.view('')).toThrow(TypeError);
  });
});

test('caughtUp rejects when the projection fails, and when it is stopped', async () => {
  const bus = await tempBus();
  bus.errors$.subscribe();
  const on = {
    called: () => {
      throw new Error('planted');
    },
  };
  const projection = bus.projection({ name: 'p', version: 1, on, retry: { attempts: 0 } });
  await bus.append('calls', { type: 'called' });

  projection.start();
  const failed = await projection.caughtUp().catch((error: unknown) => error);
  await projection.stop();

  expect(isBusError(failed, 'PROCESSOR_FAILED')).toBe(true);
  await expect(projection.caughtUp()).rejects.toMatchObject({ code: 'PROCESSOR_STOPPED' });
  await expect(projection.caughtUp({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
});

test('the order of pause, resume, stop and start is that of a processor', async () => {
  const bus = await tempBus<Shop>();
  const projection = bus.projection(stock);
  projection.start();
  await projection.waitFor('live');
  projection.pause();
  await projection.waitFor('paused');
  await bus.append('shop', added('pear'));
  projection.resume();
  await projection.waitFor(1);
  await projection.stop();

  expect(projection.status).toMatchObject({
    name: 'stock',
    state: 'stopped',
    version: 1,
    active: { version: 1, position: 1 },
    isBuilding: false,
  });
});
