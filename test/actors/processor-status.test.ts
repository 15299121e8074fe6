/** What a processor shows of itself, and how often. */
import { expect, test } from 'vitest';
import { fakeProcessors, settle } from '../kit/processor-store-fake.ts';

test('state$ gives the current status, then each state at once, and the end', async () => {
  const { store, processors } = fakeProcessors();
  store.append('a');
  const processor = processors.create({ name: 'p', handle: () => undefined });
  const states: string[] = [];
  processor.state$.subscribe({ next: ({ state }) => states.push(state), complete: () => states.push('complete') });

  processor.start();
  await processor.waitFor('live');
  await processor.close();

  expect(states.filter((state, index) => state !== states[index - 1])).toEqual([
    'idle',
    'loading',
    'catching-up',
    'live',
    'stopped',
    'complete',
  ]);
});

test('numbers are told at most twenty times a second, the last ones always', async () => {
  const { store, processors } = fakeProcessors();
  const processor = processors.create({ name: 'p', handle: () => undefined });
  processor.start();
  await processor.waitFor('live');
  const positions: number[] = [];
  processor.state$.subscribe(({ context }) => positions.push(context.position));
  store.clock.increment(1000);
  positions.length = 0;

  for (let count = 0; count < 100; count++) {
    store.append('a');
    await processor.caughtUp();
    store.clock.increment(1);
  }
  store.clock.increment(50);
  await settle();

  expect(positions.length).toBeLessThanOrEqual(6);
  expect(positions.at(-1)).toBe(100);
});

test('a processor at rest shows how far it falls behind', async () => {
  const { store, processors } = fakeProcessors();
  const processor = processors.create({ name: 'p', handle: () => undefined });
  const lags: number[] = [];
  const subscription = processor.state$.subscribe(({ context }) => lags.push(context.lag));

  store.appendMany(7);
  store.clock.increment(50);

  expect(lags.at(-1)).toBe(7);
  subscription.unsubscribe();
  expect(store.head$.observed).toBe(false);
});

test('a subscriber that throws is reported and harms nobody', async () => {
  const { store, processors } = fakeProcessors();
  store.append('a');
  const processor = processors.create({ name: 'p', handle: () => undefined });
  const error = new Error('not mine');
  processor.state$.subscribe(() => {
    throw error;
  });

  processor.start();
  await processor.caughtUp();

  expect(processor.status.context.position).toBe(1);
  expect(store.reported.length).toBeGreaterThan(1);
  expect(new Set(store.reported)).toEqual(new Set([error]));
});

test('since is when the state began', async () => {
  const { store, processors } = fakeProcessors();
  const processor = processors.create({ name: 'p', handle: () => undefined });
  processor.start();
  await processor.waitFor('live');
  const { since } = processor.status.context;

  store.clock.increment(500);
  store.append('a');
  await processor.caughtUp();
  const sinceLive = processor.status.context.since;
  await processor.stop();

  expect(sinceLive).toBe(since);
  expect(processor.status.context.since).toBe(since + 500);
});

test.each([
  { name: '' },
  { handle: undefined },
  { handle: 1 },
  { handleBatch: () => undefined },
  { form: 'now' },
  { from: 0 },
  { from: 'end' },
  { types: 'a' },
  { batch: 0 },
  { batch: 1025 },
  { checkpoint: { events: 0 } },
  { checkpoint: { event: 1 } },
  { checkpoint: { ms: 0 } },
  { retry: { attempts: -1 } },
  { retry: { attempts: 0.5 } },
  { retry: { minMs: 10, maxMs: 5 } },
  { retry: { factor: 0 } },
  { retry: { jitter: 2 } },
  { retry: null },
  { drainMs: -1 },
])('a processor with %j is a TypeError, and takes no name', (wrong) => {
  const { processors } = fakeProcessors();
  const options = { name: 'p', handle: () => undefined };

  expect(() => processors.create({ ...options, ...wrong } as never)).toThrow(TypeError);
  expect(() => processors.create(options)).not.toThrow();
});
