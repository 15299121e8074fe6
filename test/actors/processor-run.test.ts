/** A processor that runs: what it handles, in which order, and when it saves its cursor. */
import { expect, test } from 'vitest';
import { fakeProcessors, settle } from '../kit/processor-store-fake.ts';

test('a processor handles what is there, then what comes, in order and once', async () => {
  const { store, processors } = fakeProcessors();
  const seen: number[] = [];
  store.append('a', 'b', 'a');
  const processor = processors.create({ name: 'p', handle: ({ position }) => seen.push(position) });

  processor.start();
  await processor.caughtUp();
  store.append('c');
  await processor.caughtUp();

  expect(seen).toEqual([1, 2, 3, 4]);
  expect(processor.status).toMatchObject({
    state: 'live',
    tags: ['running'],
    context: { position: 4, lag: 0, handled: 4 },
  });
  await processor.close();
  await settle();
  expect(store.head$.observed).toBe(false);
  expect(store.cursors.get('p')).toEqual({ position: 4, generation: 1 });
});

test.each([
  ['beginning', [1, 2, 3, 4], undefined],
  ['now', [4], { position: 3, generation: 1 }],
  [3, [3, 4], { position: 2, generation: 1 }],
  [99, [4], { position: 3, generation: 1 }],
] as const)('a new processor from %s handles %j', async (from, handled, firstCursor) => {
  const { store, processors } = fakeProcessors();
  const seen: number[] = [];
  store.appendMany(3);
  const processor = processors.create({ name: 'p', from, handle: ({ position }) => seen.push(position) });

  processor.start();
  await processor.caughtUp();
  const cursor = store.moves.at(0)?.expected === undefined ? store.moves.at(0)?.to : undefined;
  store.append('a');
  await processor.caughtUp();

  expect(seen).toEqual(handled);
  expect(cursor).toEqual(firstCursor);
});

test('a processor that has a cursor goes on behind it, whatever its options say', async () => {
  const { store, processors } = fakeProcessors();
  const seen: number[] = [];
  store.appendMany(3);
  store.cursors.set('p', { position: 1, generation: 4 });
  const processor = processors.create({ name: 'p', from: 'now', handle: ({ position }) => seen.push(position) });

  processor.start();
  await processor.caughtUp();

  expect(seen).toEqual([2, 3]);
  expect(processor.status.context.generation).toBe(4);
});

test('a processor passes over events it does not want', async () => {
  const { store, processors } = fakeProcessors();
  const seen: string[] = [];
  store.append('a', 'b', 'a', 'b');
  const processor = processors.create({ name: 'p', types: ['a'], handle: ({ type }) => seen.push(type) });

  processor.start();
  await processor.caughtUp();
  await processor.stop();

  expect(seen).toEqual(['a', 'a']);
  expect(store.cursors.get('p')?.position).toBe(4);
});

test('a processor of batches gets them in the size it asked for', async () => {
  const { store, processors } = fakeProcessors();
  const sizes: number[] = [];
  store.appendMany(7);
  const processor = processors.create({ name: 'p', batch: 3, handleBatch: (events) => sizes.push(events.length) });

  processor.start();
  await processor.caughtUp();

  expect(sizes).toEqual([3, 3, 1]);
});

test('a processor waits for the promise of a handler before it calls it again', async () => {
  const { store, processors } = fakeProcessors();
  const log: string[] = [];
  store.appendMany(3);
  const processor = processors.create({
    name: 'p',
    handle: async ({ position }) => {
      log.push(`begin ${position}`);
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`end ${position}`);
    },
  });

  processor.start();
  await processor.caughtUp();

  expect(log).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3']);
});

test('a drain saves its cursor every so many events, and not more often', async () => {
  const { store, processors } = fakeProcessors();
  store.appendMany(1000);
  const checkpoint = { events: 400 };
  const processor = processors.create({ name: 'p', batch: 100, checkpoint, handle: () => undefined });

  processor.start();
  await processor.caughtUp();
  await settle();

  expect(store.moves.map(({ to }) => to.position)).toEqual([400, 800]);
});

test('a processor without work saves what it has handled after a while', async () => {
  const { store, processors } = fakeProcessors();
  store.appendMany(3);
  const processor = processors.create({ name: 'p', handle: () => undefined });
  processor.start();
  await processor.caughtUp();

  store.clock.increment(49);
  await settle();
  const before = store.moves.length;
  store.clock.increment(1);
  await settle();

  expect(before).toBe(0);
  expect(store.cursors.get('p')?.position).toBe(3);
  expect(processor.status).toMatchObject({ state: 'live', context: { cursor: 3 } });
});

test('a processor that is never without work saves when the time for it has come', async () => {
  const { store, processors } = fakeProcessors();
  const processor = processors.create({ name: 'p', checkpoint: { ms: 200 }, handle: () => undefined });
  processor.start();
  await processor.waitFor('live');

  for (let round = 0; round < 12; round++) {
    store.append('a');
    await processor.caughtUp();
    await settle();
    store.clock.increment(20);
  }

  expect(store.moves.map(({ to }) => to.position)).toEqual([11]);
});

test('a processor that handled nothing does not save each time it has passed over an event', async () => {
  const { store, processors } = fakeProcessors();
  const processor = processors.create({ name: 'p', types: ['wanted'], handle: () => undefined });
  processor.start();

  for (let round = 0; round < 10; round++) {
    store.append('other');
    await processor.caughtUp();
    store.clock.increment(1000);
    await settle();
  }

  expect(processor.status.context.position).toBe(10);
  expect(store.moves).toEqual([]);
});

test('a pause saves the cursor, and resume goes on behind it', async () => {
  const { store, processors } = fakeProcessors();
  const seen: number[] = [];
  store.appendMany(2);
  const processor = processors.create({ name: 'p', handle: ({ position }) => seen.push(position) });
  processor.start();
  await processor.caughtUp();

  processor.pause();
  await processor.waitFor('paused');
  store.append('a');
  await settle();
  const seenPaused = [...seen];
  processor.resume();
  await processor.caughtUp();

  expect(seenPaused).toEqual([1, 2]);
  expect(store.moves[0]?.to.position).toBe(2);
  expect(seen).toEqual([1, 2, 3]);
});

test('a reset goes back in a new generation, and until pauses where it says', async () => {
  const { store, processors } = fakeProcessors();
  const seen: number[] = [];
  store.appendMany(5);
  const processor = processors.create({ name: 'p', handle: ({ position }) => seen.push(position) });
  processor.start();
  await processor.caughtUp();
  seen.length = 0;

  await processor.reset({ to: 1, until: 3 });
  const durable = store.cursors.get('p');
  await processor.waitFor('paused');
  const seenUntil = [...seen];
  processor.resume();
  await processor.caughtUp();

  expect(durable).toEqual({ position: 1, generation: 2 });
  expect(seenUntil).toEqual([2, 3]);
  expect(seen).toEqual([2, 3, 4, 5]);
});

test.each(['idle', 'paused', 'stopped', 'failed', 'retrying'] as const)('a reset works in state %s', async (state) => {
  const { store, processors } = fakeProcessors();
  let isBroken = state === 'failed' || state === 'retrying';
  store.appendMany(2);
  const processor = processors.create({
    name: 'p',
    retry: { attempts: state === 'failed' ? 0 : 5 },
    handle: () => {
      if (isBroken) throw new Error('broken');
    },
  });
  if (state !== 'idle') processor.start();
  if (state === 'paused') processor.pause();
  if (state === 'stopped') await processor.stop();
  await processor.waitFor(state);
  isBroken = false;

  await processor.reset({ to: 1 });
  await settle();

  const after = { idle: 'idle', paused: 'paused', stopped: 'idle', failed: 'live', retrying: 'live' };
  expect(processor.status.state).toBe(after[state]);
  expect(store.moves[0]?.to).toEqual({ position: 1, generation: 2 });
});

test('a processor that has paused at until stays paused over another reset', async () => {
  const { store, processors } = fakeProcessors();
  store.appendMany(5);
  const processor = processors.create({ name: 'p', handle: () => undefined });
  processor.start();
  await processor.reset({ to: 0, until: 3 });
  await processor.waitFor('paused');

  await processor.reset({ to: 1 });
  await settle();

  expect(processor.status).toMatchObject({ state: 'paused', context: { position: 1, cursor: 1, generation: 3 } });
});

test('a reset to where there is no event yet is a TypeError', async () => {
  const { store, processors } = fakeProcessors();
  store.append('a');
  const processor = processors.create({ name: 'p', handle: () => undefined });

  for (const to of [2, -1, 0.5, Number.NaN]) await expect(processor.reset({ to })).rejects.toThrow(TypeError);
  await expect(processor.reset({ to: 1, until: 0 })).rejects.toThrow(TypeError);
});

test('the event loop gets its turn while a processor drains', async () => {
  const { store, processors } = fakeProcessors();
  store.appendMany(20);
  let turns = 0;
  const turn = () => {
    turns++;
    if (processor.status.state !== 'stopped') setImmediate(turn);
  };
  const processor = processors.create({
    name: 'p',
    handle: () => {
      const end = performance.now() + 5;
      while (performance.now() < end);
    },
  });

  processor.start();
  setImmediate(turn);
  await processor.caughtUp();
  const turnsTaken = turns;
  await processor.stop();

  expect(turnsTaken).toBeGreaterThanOrEqual(5);
});
