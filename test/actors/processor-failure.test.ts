/** A processor whose handler, or whose store, fails: how it tries again, and how it gives up. */
import { expect, test } from 'vitest';
import { BusError } from '#store';
import { FakeProcessorStore, fakeProcessors, settle } from '../kit/processor-store-fake.ts';

const retry = { attempts: 3, minMs: 100, maxMs: 250, factor: 2, jitter: 0.5 };

test('a processor waits longer after each failure, up to a limit, and then gives up', async () => {
  const { store, processors } = fakeProcessors();
  const attempts: number[] = [];
  const waits: number[] = [];
  store.append('a');
  const processor = processors.create({
    name: 'p',
    retry,
    handle: (_, { attempt }) => {
      attempts.push(attempt);
      throw new Error('broken');
    },
  });
  processor.start();

  for (let round = 0; round < 3; round++) {
    await processor.waitFor('retrying');
    const waitMs = (processor.status.context.nextRetryAt as number) - store.now();
    waits.push(waitMs);
    store.clock.increment(waitMs - 1);
    expect(processor.status.state).toBe('retrying');
    store.clock.increment(1);
    await settle();
  }

  expect(waits).toEqual([100, 200, 250]);
  expect(attempts).toEqual([1, 2, 3, 4]);
  expect(processor.status).toMatchObject({
    state: 'failed',
    tags: ['resting', 'unhealthy'],
    context: { attempts: 4, retries: 3, position: 0, lastError: { name: 'Error', message: 'broken' } },
  });
  expect(store.reported).toMatchObject([
    { code: 'PROCESSOR_FAILED', detail: { processor: 'p', position: 0, attempts: 4 }, cause: { message: 'broken' } },
  ]);
});

test('chance shortens a wait by the share it was given', async () => {
  const { store, processors } = fakeProcessors(() => 1);
  store.append('a');
  const handle = () => Promise.reject(new Error('broken'));
  const processor = processors.create({ name: 'p', retry, handle });

  processor.start();
  await processor.waitFor('retrying');

  expect((processor.status.context.nextRetryAt as number) - store.now()).toBe(50);
});

test('a processor handles the event that failed again, and none before it', async () => {
  const { store, processors } = fakeProcessors();
  const seen: string[] = [];
  store.appendMany(3);
  const processor = processors.create({
    name: 'p',
    retry,
    handle: ({ position }, { attempt }) => {
      seen.push(`${position}:${attempt}`);
      if (position === 2 && attempt < 3) throw new Error('broken');
    },
  });

  processor.start();
  for (let round = 0; round < 2; round++) {
    await processor.waitFor('retrying');
    processor.retryNow();
    await settle();
  }
  await processor.caughtUp();

  expect(seen).toEqual(['1:1', '2:1', '2:2', '2:3', '3:1']);
  expect(processor.status.context).toMatchObject({ attempts: 0, retries: 2, handled: 3 });
  expect(store.moves[0]?.to.position).toBe(1);
});

test('a batch that fails comes again in halves, at once, until the event that fails is alone', async () => {
  const { store, processors } = fakeProcessors();
  const seen: string[] = [];
  store.appendMany(10);
  const processor = processors.create({
    name: 'p',
    batch: 8,
    retry,
    handleBatch: async (events, { attempt }) => {
      seen.push(`${events.map(({ position }) => position)}:${attempt}`);
      if (events.some(({ position }) => position === 6) && attempt < 3) throw new Error('broken');
    },
  });

  processor.start();
  for (let round = 0; round < 2; round++) {
    await processor.waitFor('retrying');
    processor.retryNow();
    await settle();
  }
  await processor.caughtUp();

  const halves = ['1,2,3,4,5,6,7,8:1', '1,2,3,4:1', '5,6:1', '5:1', '6:1', '6:2', '6:3'];
  expect(seen).toEqual([...halves, '7,8,9,10:1']);
});

const hostile = new Proxy({}, { get: throwing(new Error('hands off')) });

test.each([
  ['a string', throwing('text'), "'text'"],
  ['undefined', throwing(undefined), 'undefined'],
  ['a rejection with null', () => Promise.reject(null), 'null'],
  ['a proxy that throws', throwing(hostile), expect.any(String)],
  ['in a then', () => Object.defineProperty({}, 'then', { value: throwing(new Error('in then')) }), 'in then'],
  ['at a look at then', () => Object.defineProperty({}, 'then', { get: throwing(new Error('no then')) }), 'no then'],
])('a handler may throw %s', async (_, handle, message) => {
  const { store, processors } = fakeProcessors();
  store.append('a');
  const processor = processors.create({ name: 'p', retry: { attempts: 0 }, handle });

  processor.start();
  await processor.waitFor('failed');

  expect(processor.status.context.lastError?.message).toEqual(message);
  expect(store.reported).toHaveLength(1);
});

test('a processor that failed goes on when it is told to, with new tries', async () => {
  const { store, processors } = fakeProcessors();
  let isBroken = true;
  store.append('a');
  const processor = processors.create({
    name: 'p',
    retry: { attempts: 0 },
    handle: () => {
      if (isBroken) throw new Error('broken');
    },
  });
  processor.start();
  await processor.waitFor('failed');
  await expect(processor.caughtUp()).rejects.toMatchObject({ code: 'PROCESSOR_FAILED', cause: { message: 'broken' } });

  isBroken = false;
  processor.retryNow();
  await processor.caughtUp();

  expect(processor.status).toMatchObject({ state: 'live', context: { position: 1, attempts: 0 } });
});

test('a save that fails is tried again before anything else is handled, and then given up', async () => {
  const { store, processors } = fakeProcessors();
  const seen: number[] = [];
  store.appendMany(4);
  store.onMove = () => {
    throw new BusError('STORE_FULL', 'full', { path: 'p' });
  };
  const processor = processors.create({
    name: 'p',
    retry: { ...retry, attempts: 1 },
    checkpoint: { events: 2 },
    handle: ({ position }) => seen.push(position),
  });

  processor.start();
  await processor.waitFor('retrying');
  store.clock.increment(100);
  await processor.waitFor('failed');

  expect(seen).toEqual([1, 2]);
  expect(processor.status.context.lastError).toMatchObject({ code: 'STORE_FULL' });
});

test('a cursor that somebody else has moved fails the processor at once', async () => {
  const { store, processors } = fakeProcessors();
  store.appendMany(4);
  const processor = processors.create({
    name: 'p',
    checkpoint: { events: 2 },
    handle: ({ position }) => {
      if (position === 1) store.cursors.set('p', { position: 4, generation: 9 });
    },
  });

  processor.start();
  await processor.waitFor('failed');
  const { lastError, retries } = processor.status.context;
  processor.retryNow();
  await processor.caughtUp();

  expect([lastError?.code, retries]).toEqual(['CURSOR_MOVED', 0]);
  expect(processor.status.context).toMatchObject({ cursor: 4, generation: 9 });
});

test.each(['onLoad', 'onRead'] as const)(
  'a store that fails in %s is tried again, and nothing is passed over',
  async (hook) => {
    const { store, processors } = fakeProcessors();
    const seen: number[] = [];
    store.appendMany(2);
    let failures = 2;
    store[hook] = () => {
      if (failures-- > 0) throw new BusError('STORE_CORRUPT', 'corrupt', { table: 'blocks', position: 1 });
    };
    const processor = processors.create({ name: 'p', retry, handle: ({ position }) => seen.push(position) });

    processor.start();
    for (const waitMs of [100, 200]) {
      await processor.waitFor('retrying');
      store.clock.increment(waitMs);
      await settle();
    }
    await processor.caughtUp();

    expect(seen).toEqual([1, 2]);
  },
);

test('a processor stops when its store is closed under it', async () => {
  const { store, processors } = fakeProcessors();
  const processor = processors.create({ name: 'p', handle: () => undefined });
  processor.start();
  await processor.waitFor('live');

  store.head$.complete();
  await processor.waitFor('stopped');

  expect(store.reported).toEqual([]);
});

test('the fake store refuses a move from elsewhere, as the real one does', async () => {
  const store = new FakeProcessorStore();
  const move = { name: 'p', expected: { position: 1, generation: 1 }, to: { position: 0, generation: 2 }, rows: [] };

  await expect(store.moveCursor(move)).rejects.toMatchObject({ code: 'CURSOR_MOVED' });
});

/** A function that throws `value`. */
function throwing(value: unknown): () => never {
  return () => {
    throw value;
  };
}
