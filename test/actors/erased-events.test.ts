/** Handlers and erased events: passed and counted, unless a handler asks for them. */
import { describe, expect, test } from 'vitest';
import { type Bus, openBus, type ProcessorOptions, type StoredEvent } from '#store';
import { collect } from '../kit/collect.ts';
import { ConnectedThread } from '../kit/connected-thread.ts';
import { sealedBus } from '../kit/sealed-bus.ts';
import { tempDirectory, tempStore } from '../kit/temp-store.ts';
import { testKey } from '../kit/test-key.ts';

/** Ten events on three streams; those at 1, 2, 5, 9 and 10 are erased. */
async function scene() {
  const sealed = await sealedBus();
  await fill(sealed.bus);
  await sealed.bus.erase({ subject: 'ada' });
  return sealed;
}

const erasedPositions = [1, 2, 5, 9, 10];
const otherPositions = [3, 4, 6, 7, 8];

async function fill(bus: Bus): Promise<void> {
  for (let position = 1; position <= 10; position++) {
    const whose = erasedPositions.includes(position) ? { subject: 'ada' } : {};
    await bus.append(`s-${position % 3}`, { type: 'T', data: { position, act: 'nothing' }, ...whose });
  }
}

type Ways = 'handle' | 'handleBatch';

/** Handles until `head`, and gives what the handler was called with. */
async function handled(bus: Bus, way: Ways, options: Partial<ProcessorOptions> = {}) {
  const seen: StoredEvent[] = [];
  const code = {
    handle: { handle: (event: StoredEvent) => void seen.push(event) },
    handleBatch: { handleBatch: (events: readonly StoredEvent[]) => void seen.push(...events) },
  }[way];
  const processor = bus.processor({ name: 'p', types: ['T'], ...code, ...options } as ProcessorOptions);
  processor.start();
  await processor.caughtUp();
  await processor.waitFor('live');
  return { seen, processor, status: processor.status.context };
}

const positionsOf = (events: readonly StoredEvent[]) => events.map(({ position }) => position);

describe.each(['handle', 'handleBatch'] as const)('%s', (way) => {
  test('does not get erased events, which are counted, and the cursor passes them', async () => {
    const { bus } = await scene();

    const { seen, status, processor } = await handled(bus, way);
    await processor.stop();

    expect(positionsOf(seen)).toEqual(otherPositions);
    expect(status).toMatchObject({ handled: 5, erased: 5, skipped: 0 });
    // The fact of the erasure is the last event.
    expect(processor.status.context.cursor).toBe(11);
  });

  test('gets them when it asks for them, without data', async () => {
    const { bus } = await scene();

    const { seen, status } = await handled(bus, way, { erased: 'include' });

    expect(positionsOf(seen)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(seen.filter(({ erased }) => erased).map(({ position, data }) => [position, data])).toEqual(
      erasedPositions.map((position) => [position, undefined]),
    );
    expect(status).toMatchObject({ handled: 10, erased: 0 });
  });

  test('passes them in partitions too', async () => {
    const { bus } = await scene();

    const { seen, status } = await handled(bus, way, { partitions: 3 });

    expect(positionsOf(seen).sort((first, second) => first - second)).toEqual(otherPositions);
    expect(status).toMatchObject({ handled: 5, erased: 5 });
  });

  test('passes them in batches of one, and where nothing else is left', async () => {
    const { bus } = await scene();
    await bus.erase({ stream: 's-0' });
    await bus.erase({ stream: 's-1' });
    await bus.erase({ stream: 's-2' });

    const { seen, status } = await handled(bus, way, { batch: 1 });

    expect(seen).toEqual([]);
    expect(status).toMatchObject({ handled: 0, erased: 10, lag: 0 });
  });
});

test('an event that is erased while those before it are handled does not come any more', async () => {
  const { bus } = await sealedBus();
  await fill(bus);
  const seen: number[] = [];
  const processor = bus.processor({
    name: 'p',
    types: ['T'],
    handle: async ({ position }) => {
      seen.push(position);
      if (position === 3) await bus.erase({ subject: 'ada' });
    },
  });

  processor.start();
  await processor.caughtUp();

  expect(seen).toEqual([1, 2, 3, 4, 6, 7, 8]);
  expect(processor.status.context.erased).toBe(3);
});

test('an event that fails and is erased then is passed, and the next one begins with its first attempt', async () => {
  const { bus, reported } = await sealedBus();
  await bus.append('s', { type: 'T', data: {}, subject: 'ada' });
  await bus.append('s', { type: 'T', data: {} });
  const attempts: [position: number, attempt: number][] = [];
  const processor = bus.processor({
    name: 'p',
    types: ['T'],
    retry: { attempts: 5, minMs: 10 },
    handle: async ({ position }, { attempt }) => {
      attempts.push([position, attempt]);
      if (attempts.length === 2) await bus.erase({ subject: 'ada' });
      if (attempts.length < 3) throw new Error('not yet');
    },
  });

  processor.start();
  await processor.caughtUp();

  expect(attempts).toEqual([
    [1, 1],
    [1, 2],
    [2, 1],
  ]);
  expect(processor.status.context).toMatchObject({ handled: 1, erased: 1 });
  expect(reported).toEqual([]);
});

test('a batch that fails comes again without what is erased, and nothing is counted twice', async () => {
  const { bus } = await scene();
  const calls: number[][] = [];
  const processor = bus.processor({
    name: 'p',
    types: ['T'],
    retry: { attempts: 5, minMs: 1 },
    handleBatch: (events) => {
      calls.push(positionsOf(events));
      if (calls.length === 1) throw new Error('not yet');
    },
  });

  processor.start();
  await processor.caughtUp();
  await processor.waitFor('live');

  expect(calls[0]).toEqual(otherPositions);
  expect(calls.slice(1).flat()).toEqual(otherPositions);
  expect(processor.status.context).toMatchObject({ handled: 5, erased: 5 });
});

test('a handler in a thread does not get erased events either', async () => {
  const called: unknown[] = [];
  const log = (...given: unknown[]) => void called.push(given);
  const logger = { debug: log, info: log, warn: log, error: log };
  const encryption = { masterKey: Buffer.alloc(32, 7), mode: 'all' } as const;
  const bus = await openBus({ path: tempDirectory(), encryption, logger });
  try {
    await fill(bus);
    await bus.erase({ subject: 'ada' });
    const processor = bus.processor({
      name: 'p',
      types: ['T'],
      handler: new URL('./handler-modules/scripted.ts', import.meta.url),
    });
    processor.start();
    await processor.caughtUp();

    expect(processor.status.context).toMatchObject({ erased: 5, handled: 5 });
    expect(called.length).toBe(5);
  } finally {
    await bus.close();
  }
});

test('a query does not step over erased events either, unless it asks for them', async () => {
  const bus = await openBus({ path: tempDirectory(), encryption: { masterKey: testKey } });
  try {
    await fill(bus);
    await bus.erase({ subject: 'ada' });
    const module = new URL('./query-modules/collecting.ts', import.meta.url);
    const options = { types: ['T'] };

    const skipping = await bus.query<{ position: number }[]>(module, options);
    const including = await bus.query<unknown[]>(module, { ...options, erased: 'include' });

    expect(skipping.map(({ position }) => position)).toEqual(otherPositions);
    expect(including.filter((data) => data === undefined).length).toBe(5);
    await expect(bus.query(module, { erased: true as never })).rejects.toThrow(TypeError);
  } finally {
    await bus.close();
  }
});

test('a projection passes them, unless it asks for them', async () => {
  const { bus } = await scene();
  const options = {
    version: 1,
    on: {
      T: (view: { set(key: string, value: unknown): void }, { position, erased }: StoredEvent) => {
        view.set(String(position).padStart(2, '0'), erased ?? false);
      },
    },
  };
  const skipping = bus.projection({ name: 'skipping', ...options });
  const including = bus.projection({ name: 'including', erased: 'include', ...options });
  for (const projection of [skipping, including]) {
    projection.start();
    await projection.caughtUp();
  }

  const entries = async (projection: typeof skipping) =>
    (await collect(projection.range())).map(({ key, value }) => [Number(key), value]);

  expect(await entries(skipping)).toEqual(otherPositions.map((position) => [position, false]));
  expect((await entries(including)).filter(([, value]) => value).map(([position]) => position)).toEqual(
    erasedPositions,
  );
});

test('a listener does not get an event that was erased while it waited, unless it asks for it', async () => {
  const { bus } = await sealedBus();
  const seen = { skipping: [] as number[], including: [] as number[], observed: [] as number[] };
  const first = Promise.withResolvers<void>();
  let isFirst = true;
  bus.on(['T'], async ({ position }) => {
    seen.skipping.push(position);
    if (!isFirst) return;
    isFirst = false;
    await first.promise;
  });
  bus.on(['T'], ({ position }) => seen.including.push(position), { erased: 'include' });
  bus.events({ types: ['T'] }).subscribe(({ position }) => seen.observed.push(position));

  await bus.append('s', [
    { type: 'T', data: 1 },
    { type: 'T', data: 2, subject: 'ada' },
    { type: 'T', data: 3 },
  ]);
  await expect.poll(() => seen.including.length).toBe(3);
  await bus.erase({ subject: 'ada' });
  first.resolve();

  await expect.poll(() => seen.skipping).toEqual([1, 3]);
  expect(seen).toMatchObject({ including: [1, 2, 3], observed: [1, 2, 3] });
});

test('reads, subscriptions and single events give what is erased', async () => {
  const { bus } = await scene();

  const read = await collect(bus.read({ to: 10 }));
  const single = await bus.event(1);

  expect(positionsOf(read)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(single).toMatchObject({ erased: true, data: undefined });
});

test('an event that was read before the erasure is erased when it is touched, though its neighbours were opened', async () => {
  const { bus } = await sealedBus();
  await bus.append('s', [
    { type: 'T', data: 1, subject: 'ada' },
    { type: 'T', data: 2, metadata: { by: 'ada' }, subject: 'ada' },
  ]);
  const [first, second] = await collect(bus.read());
  expect(first?.data).toBe(1);

  await bus.erase({ subject: 'ada' });

  expect(second?.data).toBeUndefined();
  expect(second).toMatchObject({ erased: true, metadata: undefined });
  expect(first?.data).toBe(1);
});

test('metadata is there when the bus has closed, of an event whose data was looked at', async () => {
  const { bus } = await sealedBus();
  await bus.append('s', { type: 'T', data: 1, metadata: { by: 'ada' } });
  const event = await bus.event(1);
  expect(event?.data).toBe(1);

  await bus.close();

  expect(event?.metadata).toEqual({ by: 'ada' });
});

test('an event that another thread has read, and has not touched, is erased there too', async () => {
  const bus = await tempStore('lmdb').openBus({ encryption: { masterKey: testKey } });
  await bus.append('s', { type: 'T', data: 'secret', subject: 'ada' });
  await bus.append('s', { type: 'T', data: 'other', subject: 'ada' });
  const thread = await ConnectedThread.start(bus);
  expect(await thread.data()).toEqual(['secret', 'other']);
  await thread.hold(1);

  await bus.erase({ subject: 'ada' });

  expect(await thread.touch()).toBeUndefined();
});

test.each(['all', true, null])('erased: %o is refused', async (erased) => {
  const { bus } = await sealedBus();
  const wrong = { erased: erased as never };

  expect(() => bus.processor({ name: 'p', handle: () => undefined, ...wrong })).toThrow(TypeError);
  expect(() => bus.on('T', () => undefined, wrong)).toThrow(TypeError);
  expect(() => bus.events(wrong)).toThrow(TypeError);
});
