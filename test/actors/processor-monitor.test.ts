/** A processor that is watched: told of when nothing moves, and when it falls too far behind. */
import { expect, test, vi } from 'vitest';
import type { ProcessorStatus } from '#store';
import { type FakeProcessorStore, fakeProcessors, settle } from '../kit/processor-store-fake.ts';

const never = () => new Promise<void>(() => undefined);

/** Time goes by in small steps, so that timers can follow timers. */
function pass({ clock }: FakeProcessorStore, ms: number): void {
  for (let left = ms; left > 0; left -= 50) clock.increment(Math.min(50, left));
}

test('a handler that does not end makes a processor stalled: said once, shown, and gone when it moves', async () => {
  const { store, processors } = fakeProcessors();
  const { promise, resolve } = Promise.withResolvers<void>();
  const told: ProcessorStatus[] = [];
  store.appendMany(3);
  const processor = processors.create({ name: 'p', stalledMs: 1000, handle: () => promise });
  processor.state$.subscribe((status) => told.push(status));
  processor.start();
  await settle();

  pass(store, 999);
  const before = processor.status.tags;
  pass(store, 300);
  const stalled = processor.status.tags;
  pass(store, 10_000);
  const later = told.at(-1)?.tags;
  resolve();
  await processor.caughtUp();

  expect(before).toEqual(['running']);
  expect(stalled).toEqual(['running', 'stalled']);
  expect(later).toEqual(['running', 'stalled']);
  expect(processor.status.tags).toEqual(['running']);
  expect(store.reported).toMatchObject([
    { code: 'PROCESSOR_STALLED', detail: { processor: 'p', position: 0, lag: 3, stalledMs: 1000 } },
  ]);
});

test('who hears of processors, or looks at them, is told when one stalls and when it moves again, though nothing else changes', async () => {
  const { store, processors } = fakeProcessors();
  const { promise, resolve } = Promise.withResolvers<void>();
  store.append('a');
  const processor = processors.create({ name: 'p', stalledMs: 1000, handle: () => promise });
  processor.start();
  await settle();
  const tags: (readonly string[])[] = [];
  const looked: string[] = [];
  processors.lookers.hear(() => tags.push(processor.status.tags));
  processors.lookers.attach((name) => looked.push(name));

  pass(store, 2000);
  const stalled = [...tags];
  resolve();
  await processor.caughtUp();

  expect(stalled).toEqual([['running', 'stalled']]);
  expect(tags.at(-1)).toEqual(['running']);
  expect(looked[0]).toBe('p');
});

test('one that stalls again is told of again', async () => {
  const { store, processors } = fakeProcessors();
  let waits = Promise.withResolvers<void>();
  store.append('a');
  const processor = processors.create({ name: 'p', stalledMs: 1000, handle: () => waits.promise });
  processor.start();
  await settle();
  pass(store, 2000);
  waits.resolve();
  await processor.caughtUp();

  waits = Promise.withResolvers();
  store.append('a');
  await settle();
  pass(store, 2000);

  expect(store.reported).toMatchObject([{ detail: { position: 0 } }, { detail: { position: 1 } }]);
});

test('a processor that moves now and then, or has nothing to do, is not stalled', async () => {
  const { store, processors } = fakeProcessors();
  const processor = processors.create({ name: 'p', stalledMs: 1000, handle: () => undefined });
  processor.start();

  for (let round = 0; round < 10; round++) {
    store.append('a');
    await settle();
    pass(store, 900);
    await settle();
  }
  pass(store, 100_000);

  expect(processor.status.context.lag).toBe(0);
  expect(store.reported).toEqual([]);
});

test('what comes after a long rest starts the time anew', async () => {
  const { store, processors } = fakeProcessors();
  const processor = processors.create({ name: 'p', stalledMs: 1000, handle: never });
  processor.start();
  await settle();
  pass(store, 10_000 - 10);
  store.append('a');
  await settle();

  pass(store, 990);

  expect(processor.status.tags).toEqual(['running']);
});

test('waits between tries count, whatever fails', async () => {
  const { store, processors } = fakeProcessors();
  store.append('a');
  const retry = { minMs: 100, maxMs: 100, attempts: Number.POSITIVE_INFINITY };
  const handle = () => Promise.reject(new Error('broken'));
  const handling = processors.create({ name: 'handling', stalledMs: 1000, retry, handle });
  const loading = processors.create({ name: 'loading', stalledMs: 1000, retry, handle: () => undefined });
  handling.start();
  await handling.waitFor('retrying');
  store.onLoad = () => {
    throw new Error('unreadable');
  };
  loading.start();

  for (let round = 0; round < 20; round++) {
    await settle();
    pass(store, 100);
  }

  expect(handling.status.tags).toContain('stalled');
  expect(loading.status.tags).toContain('stalled');
  expect(store.reported).toMatchObject([{ code: 'PROCESSOR_STALLED' }, { code: 'PROCESSOR_STALLED' }]);
});

test.each(['pause', 'stop', 'fail'] as const)('a processor that rests is not stalled (%s)', async (how) => {
  const { store, processors } = fakeProcessors();
  store.append('a');
  const handle = () => (how === 'fail' ? Promise.reject(new Error('broken')) : never());
  const options = { name: 'p', stalledMs: 1000, drainMs: 10, retry: { attempts: 1, minMs: 5000, jitter: 0 } };
  const processor = processors.create({ ...options, handle });
  processor.start();
  await settle();
  pass(store, 2000);
  const stalled = processor.status.tags;

  if (how === 'pause') processor.pause();
  if (how === 'stop') void processor.stop();
  if (how === 'fail') processor.retryNow();
  pass(store, 20);
  await settle();
  pass(store, 100_000);

  expect(stalled).toContain('stalled');
  expect(processor.status.tags).not.toContain('stalled');
  expect(store.reported.filter((error) => (error as { code: string }).code === 'PROCESSOR_STALLED')).toHaveLength(1);
});

test('stalledMs: Infinity looks at nothing', async () => {
  const { store, processors } = fakeProcessors();
  store.append('a');
  const processor = processors.create({ name: 'p', stalledMs: Number.POSITIVE_INFINITY, handle: never });
  processor.start();
  await settle();

  pass(store, 1e6);

  expect(store.reported).toEqual([]);
  expect((Reflect.get(store.clock, 'timeouts') as ReadonlyMap<number, unknown>).size).toBe(0);
});

test('maxLag is told each time the lag goes beyond it, and not before it fell below half', async () => {
  const { store, processors } = fakeProcessors();
  const lags: unknown[] = [];
  let waits = Promise.withResolvers<void>();
  const maxLag = { events: 10, onExceeded: (...given: unknown[]) => lags.push(given) };
  const handle = () => waits.promise;
  const processor = processors.create({ name: 'p', batch: 1, maxLag, stalledMs: Number.POSITIVE_INFINITY, handle });
  processor.start();
  store.appendMany(10);
  await settle();
  pass(store, 1000);
  expect(lags).toEqual([]);

  store.append('a');
  pass(store, 1000);
  store.appendMany(5);
  pass(store, 1000);
  expect(lags).toEqual([[11, { processor: 'p', position: 0, head: 11 }]]);

  waits.resolve();
  await processor.caughtUp();
  waits = Promise.withResolvers();
  store.appendMany(20);
  await settle();
  pass(store, 1000);

  expect(lags).toHaveLength(2);
});

test('a lag that goes up and down near its limit is told of once', async () => {
  const { store, processors } = fakeProcessors();
  const lags: number[] = [];
  const gates: (() => void)[] = [];
  const handle = () => new Promise<void>((resolve) => gates.push(resolve));
  const maxLag = { events: 10, onExceeded: (lag: number) => lags.push(lag) };
  const processor = processors.create({ name: 'p', checkpoint: { events: 1 }, maxLag, handle });
  const handleOne = async () => {
    gates.shift()?.();
    await settle();
    pass(store, 1000);
  };
  processor.start();
  store.appendMany(11);
  await settle();
  pass(store, 1000);

  for (let left = 6; left > 0; left--) await handleOne();
  store.appendMany(6);
  pass(store, 1000);
  const near = [...lags];
  for (let left = 7; left > 0; left--) await handleOne();
  store.appendMany(10);
  pass(store, 1000);

  expect(near).toEqual([11]);
  expect(lags).toEqual([11, 14]);
});

test('a hook that throws, or rejects, is reported', async () => {
  const { store, processors } = fakeProcessors();
  const hooks = [
    vi.fn(() => Promise.reject(new Error('later'))),
    vi.fn(() => {
      throw new Error('at once');
    }),
  ];
  store.appendMany(3);
  for (const [at, onExceeded] of hooks.entries()) {
    const processor = processors.create({ name: `p${at}`, maxLag: { events: 1, onExceeded }, handle: never });
    processor.start();
  }
  await settle();
  pass(store, 1000);
  await settle();

  expect(store.reported).toMatchObject([{ message: 'at once' }, { message: 'later' }]);
});

test.each([
  [{ stalledMs: 9 }, 'stalledMs must be 10 to 86400000 (milliseconds), or Infinity, got 9'],
  [{ stalledMs: Number.NaN }, 'stalledMs must be'],
  [{ maxLag: 5 }, 'maxLag must be an object, got 5'],
  [{ maxLag: { events: 0, onExceeded: () => undefined } }, 'maxLag.events must be 1 to 1000000000, got 0'],
  [{ maxLag: { events: 1 } }, 'maxLag.onExceeded must be a function, got undefined'],
  [{ maxLag: { events: 1, onExeeded: () => undefined } }, 'maxLag has no option "onExeeded"'],
])('%j is refused', (options, message) => {
  const { processors } = fakeProcessors();

  const create = () => processors.create({ name: 'p', handle: () => undefined, ...(options as object) });

  expect(create).toThrow(TypeError);
  expect(create).toThrow(message);
});
