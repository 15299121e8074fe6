/** A processor of several partitions: side by side, each stream in order, behind one handle. */
import { expect, test } from 'vitest';
import { processorLogicOn } from '#actors/processor-logic';
import { Processors } from '#actors/processors';
import { partitionCursorName, partitionOf } from '#kernel/log/partitions';
import type { Bus, HandlerContext, ProcessorState, StoredEvent } from '#store';
import { collect } from '../kit/collect.ts';
import { fakeProcessors, settle } from '../kit/processor-store-fake.ts';
import { LogProcessorStore } from '../kit/processor-store-log.ts';
import { TempStore, tempBus, tempStore } from '../kit/temp-store.ts';

/** Two streams of each of four partitions, in order of their partitions. */
const streams = [0, 1, 2, 3].flatMap((index) =>
  Array.from({ length: 100 }, (_, at) => `s${at}`)
    .filter((stream) => partitionOf(stream, 4) === index)
    .slice(0, 2),
);

async function fill(bus: Bus, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const stream of streams) await bus.append(stream, { type: 'x' });
  }
}

function cursorOf(store: { readonly cursors: Map<string, { position: number }> }, index: number, of = 4) {
  return store.cursors.get(partitionCursorName('p', { index, of }))?.position;
}

test('partitions handle side by side; one that waits holds up its own streams only', async () => {
  const bus = await tempBus();
  await fill(bus, 2);
  const { promise, resolve } = Promise.withResolvers<void>();
  const seen: string[] = [];
  const slow = streams[0] as string;
  const handle = async ({ stream, version }: StoredEvent) => {
    if (stream === slow) await promise;
    seen.push(`${stream}@${version}`);
  };
  const processor = bus.processor({ name: 'p', partitions: 4, handle });
  processor.start();

  await expect.poll(() => seen.length).toBe(12);
  const { position, lag, handled } = processor.status.context;
  resolve();
  await processor.caughtUp();

  expect({ position, lag, handled: handled >= 0 }).toEqual({ position: 0, lag: 16, handled: true });
  expect(seen).toHaveLength(16);
  for (const stream of streams) {
    expect(seen.filter((one) => one.startsWith(`${stream}@`))).toEqual([`${stream}@1`, `${stream}@2`]);
  }
});

test('one handle shows all partitions, and each', async () => {
  const { store, processors } = fakeProcessors();
  store.append(...streams, ...streams);
  const bad = streams[2] as string;
  const handle = ({ stream }: StoredEvent) => {
    if (stream === bad) throw new Error('broken');
  };
  const processor = processors.create({ name: 'p', partitions: 4, retry: { attempts: 1, jitter: 0 }, handle });
  const states: ProcessorState[] = [];
  processor.state$.subscribe(({ state }) => states.push(state));
  processor.start();
  await settle();

  const { status } = processor;
  expect(status).toMatchObject({
    name: 'p',
    state: 'retrying',
    tags: ['running', 'unhealthy'],
    context: { position: 0, head: 16, lag: 16, attempts: 1, handled: 12, lastError: { message: 'broken' } },
  });
  expect(status.context.nextRetryAt).toBe(store.now() + 100);
  expect(status.partitions?.map(({ name, state, context }) => [name, state, context.position])).toEqual([
    ['p', 'live', 16],
    ['p', 'retrying', 0],
    ['p', 'live', 16],
    ['p', 'live', 16],
  ]);
  expect(new Set(states).has('retrying')).toBe(true);
  store.clock.increment(100);
  await settle();
  expect(processor.status.state).toBe('failed');
  await expect(processor.caughtUp()).rejects.toMatchObject({ code: 'PROCESSOR_FAILED' });
  expect(store.reported).toMatchObject([{ code: 'PROCESSOR_FAILED', detail: { processor: 'p', position: 0 } }]);

  store.append(...streams);
  await settle();
  expect(processor.status.partitions?.map(({ context }) => context.position)).toEqual([24, 0, 24, 24]);
  processor.skip();
  await settle();
  expect(processor.status.context.skipped).toBe(1);
});

test('one handle shows that the circuit of a partition is open', async () => {
  const { store, processors } = fakeProcessors();
  store.append(...streams);
  let isBroken = true;
  const bad = streams[2] as string;
  const processor = processors.create({
    name: 'p',
    partitions: 4,
    retry: { attempts: 0 },
    onFailure: 'skip',
    circuit: { failures: 1, waitMs: 5000 },
    handle: ({ stream }) => {
      if (isBroken && partitionOf(stream, 4) === partitionOf(bad, 4)) throw new Error('down');
    },
  });
  processor.start();
  await processor.waitFor('retrying');
  await settle();

  const whileOpen = processor.status;
  isBroken = false;
  store.clock.increment(5000);
  await processor.caughtUp();

  expect(whileOpen.context.isCircuitOpen).toBe(true);
  expect(whileOpen.partitions?.map(({ context }) => context.isCircuitOpen)).toEqual([
    undefined,
    true,
    undefined,
    undefined,
  ]);
  expect(processor.status.context.isCircuitOpen).toBeUndefined();
});

test('pause, resume, stop and start are for all partitions', async () => {
  const { store, processors } = fakeProcessors();
  store.append(...streams);
  const seen: number[] = [];
  const processor = processors.create({ name: 'p', partitions: 4, handle: ({ position }) => seen.push(position) });
  processor.start();
  await processor.caughtUp();

  processor.pause();
  await processor.waitFor('paused');
  store.append(...streams);
  await settle();
  expect(seen).toHaveLength(8);
  expect([0, 1, 2, 3].map((index) => cursorOf(store, index))).toEqual([8, 8, 8, 8]);
  processor.resume();
  await processor.caughtUp();
  await processor.stop();

  expect(processor.status).toMatchObject({ state: 'stopped', tags: ['resting'], context: { cursor: 16, lag: 0 } });
  await expect(processor.reached(99)).rejects.toMatchObject({ code: 'PROCESSOR_STOPPED' });
  store.append(...streams);
  processor.start();
  await processor.caughtUp();
  await processor.close();
  expect(seen).toHaveLength(24);
  expect(() => processor.start()).toThrow('was stopped');
  await settle();
  expect(store.head$.observed).toBe(false);
});

test('two processors of one name are refused, partitioned or not, and a closed one gives its name back', async () => {
  const { processors } = fakeProcessors();
  const handle = () => undefined;
  const first = processors.create({ name: 'p', partitions: 4, handle });

  expect(() => processors.create({ name: 'p', handle })).toThrow('there is a processor "p"');
  expect(() => processors.create({ name: 'p', partitions: 2, handle })).toThrow('there is a processor "p"');
  await first.close();
  const second = processors.create({ name: 'p', handle });
  expect(() => processors.create({ name: 'p', partitions: 2, handle })).toThrow('there is a processor "p"');
  await second.close();
});

test.each([0, 257, 1.5, '4'])('partitions: %j is refused', (partitions) => {
  const { processors } = fakeProcessors();

  const create = () => processors.create({ name: 'p', partitions: partitions as number, handle: () => undefined });

  expect(create).toThrow(TypeError);
  expect(create).toThrow('partitions must be 1 to 256');
});

test('a machine of the user runs no partitions', () => {
  const { processors } = fakeProcessors();
  const logic = () => processorLogicOn(processors, { name: 'p', partitions: 2, handle: () => undefined });

  expect(logic).toThrow(TypeError);
  expect(logic).toThrow('leave out partitions');
});

test("'now' is one moment for all partitions, also for those that begin later", async () => {
  const { store, processors } = fakeProcessors();
  store.append(...streams);
  const seen: number[] = [];
  const options = { name: 'p', from: 'now', partitions: 4 } as const;
  const first = processors.create({ ...options, handle: ({ position }) => seen.push(position) });
  let moves = 0;
  store.onMove = () => {
    // The cursors of two partitions are made, then the store fails.
    if (++moves > 3) throw new Error('no space');
  };
  first.start();
  await first.waitFor('retrying');
  store.append(...streams);
  await settle();
  await first.close();
  store.onMove = () => undefined;

  const second = processors.create({ ...options, handle: ({ position }) => seen.push(position) });
  second.start();
  await second.caughtUp();

  expect([...new Set(seen)].sort((a, b) => a - b)).toEqual([9, 10, 11, 12, 13, 14, 15, 16]);
});

test('another number of partitions begins at the lowest cursor of the old ones, and removes them in one move', async () => {
  const bus = await tempBus();
  await fill(bus, 2);
  let blocked: string | undefined = streams[4];
  const seen: number[] = [];
  const handle = ({ stream, position }: StoredEvent) => {
    if (stream === blocked) throw new Error('broken');
    seen.push(position);
  };
  const run = async (partitions: number) => {
    seen.length = 0;
    await using processor = bus.processor({ name: 'p', partitions, retry: { attempts: 0 }, handle });
    processor.start();
    if (blocked === undefined) await processor.caughtUp();
    else {
      await processor.waitFor('failed');
      const others = () => processor.status.partitions?.filter(({ context }) => context.lag > 0).length ?? 1;
      await expect.poll(others).toBe(1);
    }
    return processor.status.context;
  };

  await run(1);
  const of1 = [...seen];
  await run(4);
  const of4 = [...seen];
  blocked = undefined;
  const { generation } = await run(2);
  const of2 = [...seen].sort((a, b) => a - b);
  await run(4);
  await run(1);

  expect(of1).toEqual([1, 2, 3, 4]);
  // All but those of the partition that fails, behind its first event.
  expect(of4.toSorted((a, b) => a - b)).toEqual([7, 8, 9, 10, 11, 12, 15, 16]);
  expect(of2).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
  expect(generation).toBe(1);
  expect(seen).toEqual([]);
});

test('cursors of an old number of partitions are gone once another one began, and none begins before 1 did', async () => {
  const store = tempStore('lmdb');
  const seen: number[] = [];
  const run = async (partitions: number) => {
    await using bus = await store.openBus();
    await fill(bus, 1);
    const processor = bus.processor({ name: 'p', partitions, handle: ({ position }) => seen.push(position) });
    processor.start();
    await processor.caughtUp();
  };

  for (const partitions of [1, 4, 2, 1]) await run(partitions);

  expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 32 }, (_, at) => at + 1));
  const engine = await store.openEngine();
  const names: string[] = [];
  engine.read((snapshot) =>
    snapshot.walkRows('consumer_cursors', {}, (key) => {
      names.push(Buffer.from(key).toString());
      return true;
    }),
  );
  expect(names).toEqual(['p']);
});

test('a handler of another number of partitions that was left behind is waited for', async () => {
  const { store, processors } = fakeProcessors();
  store.append(...streams);
  const { promise, resolve } = Promise.withResolvers<void>();
  let running = 0;
  let most = 0;
  const first = processors.create({
    name: 'p',
    partitions: 4,
    drainMs: 10,
    handle: async () => {
      most = Math.max(most, ++running);
      await promise;
      running--;
    },
  });
  first.start();
  await settle();
  expect(running).toBe(4);
  const closed = first.close();
  store.clock.increment(10);
  await closed;

  const order: string[] = [];
  const second = processors.create({
    name: 'p',
    partitions: 2,
    handle: () => {
      expect(running).toBe(0);
      order.push('handled');
    },
  });
  second.start();
  await settle();
  order.push('let go');
  resolve();
  await second.caughtUp();

  expect(order[0]).toBe('let go');
  expect(order).toHaveLength(9);
});

test('a stream is parked in its partition; letters are listed and tried under the name of the processor', async () => {
  const bus = await tempBus();
  await fill(bus, 3);
  const [bad, neighbour] = streams as [string, string];
  let isBroken = true;
  const seen: string[] = [];
  const handle = ({ stream, version }: StoredEvent) => {
    if (isBroken && (stream === bad || stream === streams[6])) throw new Error('broken');
    seen.push(`${stream}@${version}`);
  };
  const options = { name: 'p', onFailure: 'park-stream', retry: { attempts: 0 }, handle } as const;
  const processor = bus.processor({ ...options, partitions: 4 });
  processor.start();
  await processor.caughtUp();
  processor.pause();
  await processor.waitFor('paused');

  const { deadLettered, parked } = processor.status.context;
  const letters = (await collect(bus.deadLetters('p').list())).map((one) => [one.stream, one.parkedBehind]);
  const handledBefore = seen.length;
  isBroken = false;
  processor.resume();
  const outcome = await bus.deadLetters('p').retry('all');

  expect({ deadLettered, parked }).toEqual({ deadLettered: 2, parked: 4 });
  expect(letters).toEqual([
    [bad, 2],
    [streams[6], 2],
  ]);
  expect(handledBefore).toBe(18);
  expect(seen).toContain(`${neighbour}@3`);
  expect(outcome).toEqual({ handled: 2, failed: 0, waiting: 0 });
  for (const stream of [bad, streams[6]]) {
    expect(seen.filter((one) => one.startsWith(`${stream}@`))).toEqual([`${stream}@1`, `${stream}@2`, `${stream}@3`]);
  }
});

test('a retry does not wait for a partition that has failed', async () => {
  const bus = await tempBus();
  await fill(bus, 1);
  const [bad] = streams as [string];
  let isBroken = true;
  const processor = bus.processor({
    name: 'p',
    partitions: 4,
    onFailure: 'dead-letter',
    retry: { attempts: 0 },
    keepMax: 1,
    handle: ({ stream }) => {
      if (stream === bad && isBroken) throw new Error('broken');
    },
  });
  processor.start();
  await processor.caughtUp();
  await bus.append(bad, { type: 'x' });
  await processor.waitFor('failed');
  isBroken = false;

  const outcome = await bus.deadLetters('p').retry('all');

  expect(outcome).toEqual({ handled: 0, failed: 0, waiting: 1 });
  expect(processor.status.partitions?.map(({ state }) => state)).toEqual(['failed', 'live', 'live', 'live']);
});

test('a reset moves all partitions, and takes the letters of each behind it back', async () => {
  const bus = await tempBus();
  await fill(bus, 2);
  let isBroken = true;
  const seen: number[] = [];
  const processor = bus.processor({
    name: 'p',
    partitions: 4,
    onFailure: 'park-stream',
    retry: { attempts: 0 },
    handle: ({ stream, position }) => {
      if (isBroken && (stream === streams[0] || stream === streams[7])) throw new Error('broken');
      seen.push(position);
    },
  });
  processor.start();
  await processor.caughtUp();
  isBroken = false;
  seen.length = 0;

  await processor.reset({ to: 1 });
  await processor.caughtUp();

  // Stream 0 has failed at position 1, which the reset leaves alone: position 9 is parked behind it.
  expect(seen.toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16]);
  expect((await collect(bus.deadLetters('p').list())).map(({ position }) => position)).toEqual([1]);
  expect(processor.status.context.generation).toBe(2);
  await expect(processor.reset({ to: 17 })).rejects.toThrow(TypeError);
});

test('letters of events that come again with another number of partitions are forgotten', async () => {
  const bus = await tempBus();
  await fill(bus, 1);
  let isBroken = true;
  const seen: number[] = [];
  const options = {
    name: 'p',
    onFailure: 'dead-letter',
    retry: { attempts: 0 },
    handle: ({ position }: StoredEvent, { stop }: HandlerContext) => {
      if (isBroken && position === 2) return stop('enough');
      if (isBroken && position === 8) throw new Error('broken');
      return seen.push(position);
    },
  } as const;
  const first = bus.processor({ ...options, partitions: 4 });
  first.start();
  await expect.poll(() => first.status.partitions?.map(({ state }) => state)).toContain('stopped');
  await expect.poll(() => first.status.context.deadLettered).toBe(1);
  await first.close();
  expect(await collect(bus.deadLetters('p').list())).toHaveLength(1);
  isBroken = false;
  seen.length = 0;

  await using second = bus.processor({ ...options, partitions: 2 });
  second.start();
  await second.caughtUp();

  expect(seen.toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8]);
  expect(await collect(bus.deadLetters('p').list())).toEqual([]);
});

test('a partition that is reset later than others leaves their letters alone', async () => {
  const bus = await tempBus();
  await fill(bus, 1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const processor = bus.processor({
    name: 'p',
    partitions: 4,
    onFailure: 'dead-letter',
    retry: { attempts: 0 },
    handle: async ({ position }) => {
      if (position === 1) throw new Error('broken');
      if (position === 8) await promise;
    },
  });
  processor.start();
  const first = () => processor.status.partitions?.[0]?.context;
  await expect.poll(() => first()?.deadLettered).toBe(1);

  const reset = processor.reset({ to: 0 });
  await expect.poll(() => first()?.deadLettered).toBe(2);
  resolve();
  await reset;
  await processor.caughtUp();

  expect((await collect(bus.deadLetters('p').list())).map(({ position }) => position)).toEqual([1]);
});

test('a partition that never got a cursor counts with the place where it would have begun', async () => {
  await using store = new TempStore('memory');
  const log = new LogProcessorStore(await store.openEngine());
  log.append(
    'a',
    Array.from({ length: 6 }, () => ({ type: 'x' })),
  );
  const place = (name: string, position: number) =>
    log.moveCursor({ name, expected: undefined, to: { position, generation: 1 }, rows: [] });
  await place('p', 2);
  await place(partitionCursorName('p', { index: 1 - partitionOf('a', 2), of: 2 }), 6);
  const seen: number[] = [];
  const processors = new Processors(log);

  const processor = processors.create({ name: 'p', handle: ({ position }) => seen.push(position) });
  processor.start();
  await processor.caughtUp();
  await processors.close(1000);

  expect(seen).toEqual([3, 4, 5, 6]);
});

test('a change of the number of partitions after a reset keeps the generation, and goes back to the lowest', async () => {
  const bus = await tempBus();
  await fill(bus, 1);
  const seen: number[] = [];
  const run = async (partitions: number, to: number | undefined) => {
    seen.length = 0;
    await using processor = bus.processor({ name: 'p', partitions, handle: ({ position }) => seen.push(position) });
    if (to !== undefined) await processor.reset({ to });
    else {
      processor.start();
      await processor.caughtUp();
    }
    return processor.status.context.generation;
  };
  await run(1, undefined);
  await run(4, undefined);
  await run(4, 3);

  const generation = await run(2, undefined);

  expect(generation).toBe(2);
  expect(seen.toSorted((a, b) => a - b)).toEqual([4, 5, 6, 7, 8]);
});
