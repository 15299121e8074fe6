/** Dead letters on a real bus: listed, tried again, discarded; parked streams that open again in order. */
import { afterEach, expect, test } from 'vitest';
import { type Bus, type DeadLetter, openBus, type Processor, type StoredEvent } from '#store';
import { collect } from '../kit/collect.ts';
import { tempDirectory } from '../kit/temp-store.ts';

let bus: Bus;
afterEach(() => bus.close());

interface Scene {
  readonly processor: Processor;
  readonly handled: number[];
  /** Positions that fail for now. */
  readonly broken: Set<number>;
}

/** A bus with streams a, b, c in turn, `count` events, and a processor that gives up what is broken at once. */
async function scene(onFailure: 'dead-letter' | 'park-stream', broken: readonly number[], count = 9): Promise<Scene> {
  bus = await openBus({ path: ':memory:' });
  bus.errors$.subscribe(() => undefined);
  for (let index = 0; index < count; index++) {
    await bus.append('abc'[index % 3] as string, { type: 'T', data: { index } });
  }
  return start(bus, onFailure, broken);
}

function start(on: Bus, onFailure: 'dead-letter' | 'park-stream', broken: readonly number[]): Scene {
  const handled: number[] = [];
  const failing = new Set(broken);
  const processor = on.processor({
    name: 'p',
    retry: { attempts: 0 },
    onFailure,
    handle: ({ position }) => {
      if (failing.has(position)) throw Object.assign(new RangeError(`no ${position}`), { code: 'E_NO' });
      handled.push(position);
    },
  });
  processor.start();
  return { processor, handled, broken: failing };
}

const positions = (letters: readonly DeadLetter[]) => letters.map(({ position }) => position);

async function caughtUp(processor: Processor): Promise<void> {
  await processor.caughtUp();
  await processor.stop();
  processor.start();
  await processor.waitFor('live');
}

test('a dead letter tells of its event, its error and its tries', async () => {
  const { processor } = await scene('dead-letter', [2]);
  await caughtUp(processor);

  const [letter, ...others] = await collect(bus.deadLetters('p').list());

  expect(others).toEqual([]);
  expect(letter).toMatchObject({
    position: 2,
    stream: 'b',
    version: 1,
    type: 'T',
    state: 'dead',
    isParked: false,
    attempts: 1,
    generation: 1,
    error: { name: 'RangeError', message: 'no 2', code: 'E_NO', stack: expect.stringContaining('dead-letters.test') },
    event: { position: 2, data: { index: 1 } },
  });
  expect(await bus.deadLetters('p').get(2)).toEqual(letter);
  expect(await bus.deadLetters('p').get(3)).toBeUndefined();
});

test('letters are listed page by page, filtered, and from a position on', async () => {
  const { processor } = await scene('dead-letter', [1, 2, 3, 4, 5, 6, 7, 8, 9], 9);
  await caughtUp(processor);
  const letters = bus.deadLetters('p');

  expect(positions(await collect(letters.list({ stream: 'a' })))).toEqual([1, 4, 7]);
  expect(positions(await collect(letters.list({ after: 3, limit: 2 })))).toEqual([4, 5]);
  expect(positions(await collect(letters.list({ type: 'Other' })))).toEqual([]);
  expect(() => letters.list({ after: -1 })).toThrow(TypeError);
});

test('a limit of no letters lists none', async () => {
  const { processor } = await scene('dead-letter', [1, 2]);
  await processor.caughtUp();

  expect(await collect(bus.deadLetters('p').list({ limit: 0 }))).toEqual([]);
});

test('who is caught up finds the letters, and can have them tried again', async () => {
  const { processor } = await scene('dead-letter', []);
  await processor.close();
  const again = start(bus, 'dead-letter', [10]);
  await bus.append('d', { type: 'T' });
  await again.processor.caughtUp();
  expect(positions(await collect(bus.deadLetters('p').list()))).toEqual([10]);

  again.broken.clear();
  expect(await bus.deadLetters('p').retry('all')).toEqual({ handled: 1, failed: 0, waiting: 0 });
  expect(again.handled.at(-1)).toBe(10);
});

test('a retry counts each letter once, also those that wait already', async () => {
  const { processor } = await scene('dead-letter', [1, 2]);
  await processor.caughtUp();
  await processor.close();
  const letters = bus.deadLetters('p');

  expect(await letters.retry([1, 1])).toEqual({ handled: 0, failed: 0, waiting: 1 });
  expect(await letters.retry(1)).toEqual({ handled: 0, failed: 0, waiting: 1 });
  expect(await letters.retry('all')).toEqual({ handled: 0, failed: 0, waiting: 2 });
  start(bus, 'dead-letter', [2]);

  await expect.poll(async () => positions(await collect(letters.list()))).toEqual([2]);
});

test('a retry of what waits already waits for it, too', async () => {
  const { processor } = await scene('dead-letter', [1]);
  await processor.caughtUp();
  await processor.close();
  const { promise, resolve } = Promise.withResolvers<void>();
  const { promise: called, resolve: tell } = Promise.withResolvers<void>();
  const handle = () => {
    tell();
    return promise;
  };
  bus.processor({ name: 'p', handle }).start();
  const letters = bus.deadLetters('p');

  const first = letters.retry(1);
  await called;
  const second = letters.retry(1);
  resolve();

  expect(await first).toEqual({ handled: 1, failed: 0, waiting: 0 });
  expect(await second).toEqual({ handled: 1, failed: 0, waiting: 0 });
});

test('a letter that is tried again is handled without moving the cursor, or is dead again with its new error', async () => {
  const { processor, handled } = await scene('dead-letter', []);
  await caughtUp(processor);
  await processor.close();
  const second = start(bus, 'dead-letter', [10, 11, 12]);
  for (let index = 0; index < 3; index++) await bus.append('d', { type: 'T' });
  await caughtUp(second.processor);
  second.broken.delete(11);

  const outcome = await bus.deadLetters('p').retry([10, 11]);

  expect(outcome).toEqual({ handled: 1, failed: 1, waiting: 0 });
  expect(handled).toHaveLength(9);
  expect(second.handled).toEqual([11]);
  expect(second.processor.status.context).toMatchObject({ position: 12, cursor: 12, replayed: 1 });
  const left = await collect(bus.deadLetters('p').list());
  expect(left.map(({ position, attempts }) => [position, attempts])).toEqual([
    [10, 2],
    [12, 1],
  ]);
});

test('a parked stream replays in order behind its letter, also what comes meanwhile, and is open again', async () => {
  const { processor, handled } = await scene('park-stream', [1]);
  await caughtUp(processor);
  expect(handled).toEqual([2, 3, 5, 6, 8, 9]);
  expect(await bus.deadLetters('p').get(1)).toMatchObject({ isParked: true, parkedBehind: 2 });
  await processor.close();
  const again = start(bus, 'park-stream', []);
  await bus.append('a', { type: 'T' });
  await again.processor.caughtUp();

  expect(await bus.deadLetters('p').retry('all')).toEqual({ handled: 1, failed: 0, waiting: 0 });
  await bus.append('a', { type: 'T' });
  await again.processor.caughtUp();

  expect(again.handled).toEqual([1, 4, 7, 10, 11]);
  expect(await collect(bus.deadLetters('p').list())).toEqual([]);
});

test('a retry waits for what is parked behind its letter, whatever it is told meanwhile', async () => {
  const { processor } = await scene('park-stream', [1, 2], 12);
  await caughtUp(processor);
  await processor.close();
  const handled: number[] = [];
  const slow = bus.processor({
    name: 'p',
    handle: async ({ position }) => {
      // Longer than one round may take.
      for (const endMs = performance.now() + 11; performance.now() < endMs; );
      if (position === 7) await bus.deadLetters('p').discard(2, { reason: 'a test order' });
      handled.push(position);
    },
  });
  slow.start();
  await slow.waitFor('live');

  await bus.deadLetters('p').retry(1);

  expect(handled.filter((position) => position % 3 === 1)).toEqual([1, 4, 7, 10]);
});

test('a parked event that fails in its turn is the new letter, and the rest goes on waiting', async () => {
  const { processor } = await scene('park-stream', [1]);
  await caughtUp(processor);
  await processor.close();
  const again = start(bus, 'park-stream', [4]);
  await again.processor.waitFor('live');

  expect(await bus.deadLetters('p').retry(1)).toEqual({ handled: 1, failed: 0, waiting: 0 });

  expect(again.handled).toEqual([1]);
  const letters = await collect(bus.deadLetters('p').list());
  expect(letters).toMatchObject([{ position: 4, isParked: true, parkedBehind: 1, error: { message: 'no 4' } }]);
});

test('a parked event that fails in its turn is reported and counted', async () => {
  const { processor } = await scene('park-stream', [1]);
  await processor.caughtUp();
  await processor.close();
  const errors: unknown[] = [];
  bus.errors$.subscribe((error) => errors.push(error));
  const again = start(bus, 'park-stream', [4]);
  await again.processor.waitFor('live');

  await bus.deadLetters('p').retry(1);

  expect(errors).toMatchObject([
    {
      code: 'EVENT_GIVEN_UP',
      detail: { processor: 'p', position: 4, count: 1, how: 'park-stream' },
      cause: { message: 'no 4' },
    },
  ]);
  expect(again.processor.status.context).toMatchObject({ deadLettered: 1, replayed: 1 });
});

test('what parks behind a discarded letter follows, and the record stays until it is purged', async () => {
  const { processor, handled } = await scene('park-stream', [1]);
  await caughtUp(processor);
  const letters = bus.deadLetters('p');

  expect(await letters.discard({ stream: 'a' }, { reason: 'a test order' })).toBe(1);
  await expect.poll(() => handled).toEqual([2, 3, 5, 6, 8, 9, 4, 7]);

  expect(await collect(letters.list())).toEqual([]);
  expect(await collect(letters.list({ state: 'discarded' }))).toMatchObject([{ position: 1, reason: 'a test order' }]);
  expect(await letters.purge()).toBe(1);
  expect(await letters.get(1)).toBeUndefined();
});

test('discarded letters make room for others', async () => {
  bus = await openBus({ path: ':memory:' });
  bus.errors$.subscribe(() => undefined);
  await bus.append('a', { type: 'T' });
  const processor = bus.processor({
    name: 'p',
    retry: { attempts: 0 },
    onFailure: 'dead-letter',
    keepMax: 1,
    handle: () => Promise.reject(new Error('no')),
  });
  processor.start();
  await caughtUp(processor);

  await bus.deadLetters('p').discard(1, { reason: 'a test order' });
  await bus.append('a', { type: 'T' });
  await processor.caughtUp();

  expect(positions(await collect(bus.deadLetters('p').list()))).toEqual([2]);
});

test('without a processor letters wait for the next start, also through a crash', async () => {
  const directory = tempDirectory();
  bus = await openBus({ path: directory, inline: true });
  bus.errors$.subscribe(() => undefined);
  await bus.append('a', [{ type: 'T' }, { type: 'T' }]);
  const first = start(bus, 'park-stream', [1]);
  await first.processor.caughtUp();
  await first.processor.close();
  expect(await bus.deadLetters('p').retry('all')).toEqual({ handled: 0, failed: 0, waiting: 1 });
  await bus.close();

  bus = await openBus({ path: directory, inline: true });
  const second = start(bus, 'park-stream', []);
  await expect.poll(() => second.handled).toEqual([1, 2]);
  await expect.poll(() => collect(bus.deadLetters('p').list())).toEqual([]);
  expect(await bus.verify()).toMatchObject({ ok: true });
});

test('a letter that is discarded while it is tried again stays discarded, whatever the try comes to', async () => {
  const { processor } = await scene('dead-letter', [1]);
  await caughtUp(processor);
  await processor.close();
  const { promise, reject } = Promise.withResolvers<void>();
  const { promise: called, resolve: tell } = Promise.withResolvers<void>();
  const slow = bus.processor({
    name: 'p',
    handle: () => {
      tell();
      return promise;
    },
  });
  slow.start();
  await slow.waitFor('live');

  const retried = bus.deadLetters('p').retry(1);
  await called;
  await bus.deadLetters('p').discard(1, { reason: 'never mind' });
  reject(new Error('no again'));

  expect(await retried).toEqual({ handled: 0, failed: 0, waiting: 0 });
  expect(await bus.deadLetters('p').get(1)).toMatchObject({ state: 'discarded', attempts: 1 });
});

test('a retry ends when its letter is discarded while the processor tries something else', async () => {
  const { processor } = await scene('dead-letter', [1]);
  await processor.caughtUp();
  await processor.close();
  await bus.append('d', { type: 'T' });
  const busy = bus.processor({
    name: 'p',
    retry: { minMs: 60_000, maxMs: 60_000 },
    handle: () => Promise.reject(new Error('no')),
  });
  busy.start();
  await busy.waitFor('retrying');
  const letters = bus.deadLetters('p');

  const retried = letters.retry(1);
  await expect.poll(() => letters.get(1)).toMatchObject({ state: 'waiting' });
  await letters.discard(1, { reason: 'never mind' });

  expect(await retried).toEqual({ handled: 0, failed: 0, waiting: 0 });
});

/** A stopped processor of `partitions` that has parked the stream `a` behind its first event. */
async function parkedScene(partitions: number) {
  await (await scene('park-stream', [])).processor.close();
  const broken = new Set([1]);
  const processor = bus.processor({
    name: 'q',
    partitions,
    retry: { attempts: 0 },
    onFailure: 'park-stream',
    handle: ({ position }) => {
      if (broken.has(position)) throw new Error(`no ${position}`);
    },
  });
  const park = async () => {
    broken.add(1);
    processor.start();
    await processor.caughtUp();
    await processor.stop();
    broken.clear();
  };
  await park();
  return { processor, park, letters: bus.deadLetters('q') };
}

/** Lets so many microtasks have their turn. */
async function pass(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve();
}

test.each([1, 3])(
  'a letter that is marked while its processor is reset does not come back (%i partitions)',
  async (partitions) => {
    const { processor, park, letters } = await parkedScene(partitions);
    for (let turns = 0; turns < 12; turns++) {
      const reset = processor.reset({ to: 0 });
      await pass(turns);
      await Promise.all([letters.retry('all'), reset]);

      expect(positions(await collect(letters.list()))).toEqual([]);
      await park();
    }
  },
);

test.each([1, 3])(
  'a letter that is marked while its processor starts is tried again (%i partitions)',
  async (partitions) => {
    const { processor, park, letters } = await parkedScene(partitions);
    for (let turns = 0; turns < 12; turns++) {
      processor.start();
      await pass(turns);
      await letters.retry('all');

      await expect.poll(() => collect(letters.list()), { interval: 1 }).toEqual([]);
      await processor.stop();
      await processor.reset({ to: 0 });
      await park();
    }
  },
);

test('a wait for a retry ends with its signal; the mark stays', async () => {
  const { processor, broken } = await scene('dead-letter', [1]);
  await caughtUp(processor);
  await processor.close();
  broken.clear();
  const { promise, resolve } = Promise.withResolvers<void>();
  const blocked = bus.processor({ name: 'p', handle: () => promise });
  blocked.start();
  await blocked.waitFor('live');
  const stop = new AbortController();

  const waiting = bus.deadLetters('p').retry(1, { signal: stop.signal });
  await expect.poll(() => bus.deadLetters('p').get(1)).toMatchObject({ state: 'waiting' });
  stop.abort();

  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
  resolve();
  await expect.poll(() => bus.deadLetters('p').get(1)).toBeUndefined();
});

test('a read-only bus shows letters, and changes none', async () => {
  const directory = tempDirectory();
  const writing = await openBus({ path: directory });
  writing.errors$.subscribe(() => undefined);
  await writing.append('a', { type: 'T' });
  const { processor } = start(writing, 'dead-letter', [1]);
  await processor.caughtUp();
  await processor.stop();

  bus = await openBus({ path: directory, readOnly: true });
  expect(await collect(bus.deadLetters('p').list())).toMatchObject([{ position: 1 }]);
  await expect(bus.deadLetters('p').retry(1)).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
  await bus.close();
  await writing.close();
});

test('what a handler appends is appended once, however often its event comes, and carries on the trace', async () => {
  bus = await openBus({ path: ':memory:' });
  const metadata = { correlationId: 'order-1', traceparent: '00-aa-bb-01', secret: 1 };
  await bus.append('orders', { type: 'Placed', id: 'cause', metadata });
  let tries = 0;
  const processor = bus.processor({
    name: 'p',
    types: ['Placed'],
    retry: { minMs: 0 },
    handle: async (event: StoredEvent, { append, position }) => {
      expect(position).toBe(event.position);
      await append('bills', { type: 'Billed', data: { try: ++tries } });
      await append('mails', { type: 'Mailed' }, { metadata: { by: 'p' } });
      if (tries < 3) throw new Error('after the appends');
    },
  });
  processor.start();
  await processor.caughtUp();
  await processor.stop();
  await processor.reset({ to: 0 });
  processor.start();
  await processor.reached(1);
  await processor.stop();

  const bills = await collect(bus.readStream('bills'));
  expect(tries).toBe(4);
  expect(bills.map(({ data }) => data)).toEqual([{ try: 1 }, { try: 4 }]);
  expect(bills[0]?.metadata).toEqual({ correlationId: 'order-1', traceparent: '00-aa-bb-01', causationId: 'cause' });
  const mails = await collect(bus.readStream('mails'));
  expect(mails.map((mail) => mail.metadata?.by)).toEqual(['p', 'p']);
});

test('in a batch an append names its cause', async () => {
  bus = await openBus({ path: ':memory:' });
  bus.errors$.subscribe(() => undefined);
  await bus.append('orders', [
    { type: 'Placed', id: 'one' },
    { type: 'Placed', id: 'two' },
  ]);
  const refusals: unknown[] = [];
  const processor = bus.processor({
    name: 'p',
    types: ['Placed'],
    handleBatch: async (events, { append }) => {
      await append('bills', { type: 'Billed' }).catch((error: unknown) => refusals.push(error));
      for (const event of events) await append('bills', { type: 'Billed' }, { cause: event });
    },
  });
  processor.start();
  await processor.reached(2);

  expect(refusals).toMatchObject([{ name: 'TypeError', message: expect.stringContaining('cause') }]);
  const causes = (await collect(bus.readStream('bills'))).map(({ metadata }) => metadata?.causationId);
  expect(causes).toEqual(['one', 'two']);
});

test('a handler writes to the logger of the bus, and it knows where from', async () => {
  const logged: unknown[] = [];
  const log = (...given: unknown[]) => void logged.push(given);
  bus = await openBus({ path: ':memory:', logger: { debug: log, info: log, warn: log, error: log } });
  await bus.append('a', { type: 'T' });
  const processor = bus.processor({ name: 'p', handle: (_, { logger }) => logger.info('hello', { customer: 7 }) });

  processor.start();
  await processor.caughtUp();

  expect(logged).toEqual([['hello', { processor: 'p', position: 1, attempt: 1, customer: 7 }]]);
});
