/** What becomes of events whose handler fails: each policy, what handlers answer, timeouts and the circuit. */
import { describe, expect, test } from 'vitest';
import type { HandlerContext, OnFailure, StoredEvent } from '#store';
import { type FakeProcessorStore, fakeProcessors, settle } from '../kit/processor-store-fake.ts';

const retry = { attempts: 1, minMs: 100, maxMs: 100, jitter: 0 };
const immediate = { attempts: 0 };

function failingAt(...positions: number[]) {
  return ({ position }: StoredEvent) => {
    if (positions.includes(position)) throw new Error(`broken at ${position}`);
  };
}

function tables(store: FakeProcessorStore): { readonly letters: number; readonly parked: number } {
  let letters = 0;
  let parked = 0;
  store.read((snapshot) => {
    snapshot.walkRows('dead_letters', {}, () => {
      letters++;
      return true;
    });
    snapshot.walkRows('parked', {}, () => {
      parked++;
      return true;
    });
  });
  return { letters, parked };
}

test('a skipped event is tried as often as it may be, then counted, reported and passed', async () => {
  const { store, processors } = fakeProcessors();
  const seen: string[] = [];
  store.appendMany(3);
  const processor = processors.create({
    name: 'p',
    retry,
    onFailure: 'skip',
    handle: (event, { attempt }) => {
      seen.push(`${event.position}:${attempt}`);
      failingAt(2)(event);
    },
  });

  processor.start();
  await processor.waitFor('retrying');
  store.clock.increment(100);
  await processor.caughtUp();

  expect(seen).toEqual(['1:1', '2:1', '2:2', '3:1']);
  expect(processor.status).toMatchObject({ state: 'live', context: { skipped: 1, handled: 2, position: 3 } });
  expect(store.reported).toMatchObject([
    {
      code: 'EVENT_GIVEN_UP',
      detail: { processor: 'p', position: 2, count: 1, how: 'skip' },
      cause: { message: 'broken at 2' },
    },
  ]);
  expect(tables(store)).toEqual({ letters: 0, parked: 0 });
});

test('a dead letter is written in the same move as the cursor behind it', async () => {
  const { store, processors } = fakeProcessors();
  store.appendMany(3);
  const processor = processors.create({ name: 'p', retry: immediate, onFailure: 'dead-letter', handle: failingAt(2) });

  processor.start();
  await processor.caughtUp();
  await processor.stop();

  const moves = store.moves.map(({ to, rows }) => [to.position, rows.map(({ table }) => table)]);
  expect(moves).toEqual([[3, ['dead_letters']]]);
  expect(processor.status.context).toMatchObject({ deadLettered: 1, handled: 2 });
});

test('many events that fail at once are put away together', async () => {
  const { store, processors } = fakeProcessors();
  store.appendMany(500);
  const handle = () => Promise.reject(new Error('no'));
  const processor = processors.create({ name: 'p', retry: immediate, onFailure: 'dead-letter', handle });

  processor.start();
  await processor.caughtUp();
  await processor.stop();

  expect(tables(store).letters).toBe(500);
  expect(store.moves.length).toBeLessThan(100);
});

test('behind a parked event the later ones of its stream wait, and all other streams go on', async () => {
  const { store, processors } = fakeProcessors();
  const handled: number[] = [];
  // Streams are named like types here.
  store.append('a', 'b', 'a', 'c', 'b', 'a');
  const processor = processors.create({
    name: 'p',
    retry: immediate,
    onFailure: 'park-stream',
    handle: (event) => {
      failingAt(1)(event);
      handled.push(event.position);
    },
  });

  processor.start();
  await processor.caughtUp();
  await processor.stop();
  processor.start();
  store.append('a', 'b');
  await processor.caughtUp();
  await processor.stop();

  expect(handled).toEqual([2, 4, 5, 8]);
  expect(tables(store)).toEqual({ letters: 1, parked: 3 });
});

test('one poisoned stream of a thousand delays the others by its retries and by nothing else', async () => {
  const { store, processors } = fakeProcessors();
  const streams = Array.from({ length: 1000 }, (_, index) => `s${index}`);
  const handledAt: number[] = [];
  const versions = new Map<string, number[]>();
  const waits = { attempts: 2, minMs: 100, maxMs: 1000, factor: 2, jitter: 0 };
  for (let round = 0; round < 3; round++) store.append(...streams);
  const processor = processors.create({
    name: 'p',
    retry: waits,
    onFailure: 'park-stream',
    handle: ({ stream, position }) => {
      if (stream === 's7') throw new Error('poison');
      handledAt.push(store.clock.now());
      versions.set(stream, [...(versions.get(stream) ?? []), position]);
    },
  });

  processor.start();
  for (const waitMs of [100, 200]) {
    await processor.waitFor('retrying');
    store.clock.increment(waitMs);
    await settle();
  }
  await processor.caughtUp();
  store.append(...streams);
  await processor.caughtUp();

  expect(handledAt).toHaveLength(4 * 999);
  expect(Math.max(...handledAt)).toBe(300);
  expect(processor.status.context.retries).toBe(2);
  for (const positions of versions.values())
    expect(positions).toEqual(positions.toSorted((left, right) => left - right));
});

test('a batch leaves the parked streams out', async () => {
  const { store, processors } = fakeProcessors();
  const batches: number[][] = [];
  store.append('a', 'b', 'a', 'b', 'a');
  const processor = processors.create({
    name: 'p',
    retry: immediate,
    onFailure: 'park-stream',
    handleBatch: (events) => {
      if (events.some(({ position }) => position === 1)) throw new Error('broken');
      batches.push(events.map(({ position }) => position));
    },
  });

  processor.start();
  await processor.caughtUp();
  await processor.stop();

  expect(batches.flat()).toEqual([2, 4]);
  expect(tables(store)).toEqual({ letters: 1, parked: 2 });
});

test('a skip of what has no room passes nothing else of its batch', async () => {
  const { store, processors } = fakeProcessors();
  const handled: number[] = [];
  store.append('bad');
  const processor = processors.create({
    name: 'p',
    retry: immediate,
    onFailure: 'park-stream',
    keepMax: 1,
    handleBatch: (events) => {
      for (const event of events) failingAt(1)(event);
      handled.push(...events.map(({ position }) => position));
    },
  });
  processor.start();
  await processor.caughtUp();
  await processor.stop();
  store.append('good', 'bad', 'bad', 'good');
  processor.start();
  await processor.waitFor('failed');
  const { lastError } = processor.status.context;

  processor.skip();
  await processor.caughtUp();
  await processor.stop();

  expect(lastError?.code).toBe('DEAD_LETTERS_FULL');
  expect(handled).toEqual([2, 5]);
  expect(processor.status.context).toMatchObject({ skipped: 1, parked: 1, position: 5 });
  expect(store.reported.at(-1)).toMatchObject({ detail: { how: 'skip', position: 4 } });
  expect(tables(store)).toEqual({ letters: 1, parked: 1 });
});

test('a skip of an event behind parked ones of its batch leaves those parked', async () => {
  const { store, processors } = fakeProcessors();
  store.append('bad');
  const processor = processors.create({
    name: 'p',
    retry,
    onFailure: 'park-stream',
    handleBatch: (events) => {
      for (const event of events) failingAt(1, 4)(event);
    },
  });
  processor.start();
  await processor.waitFor('retrying');
  store.clock.increment(100);
  await processor.caughtUp();
  await processor.stop();
  store.append('bad', 'bad', 'worse');
  processor.start();
  await processor.waitFor('retrying');

  processor.skip();
  await processor.caughtUp();
  await processor.stop();

  expect(store.reported.at(-1)).toMatchObject({ detail: { how: 'skip', position: 4 } });
  expect(tables(store)).toEqual({ letters: 1, parked: 2 });
});

test.each<[OnFailure]>([['dead-letter'], ['park-stream']])(
  'without room for more the processor fails, and passes nothing (%s)',
  async (onFailure) => {
    const { store, processors } = fakeProcessors();
    store.append('a', 'a', 'b', 'b', 'c');
    const handle = ({ stream }: StoredEvent) => {
      if (stream !== 'c') throw new Error('no');
    };
    const processor = processors.create({ name: 'p', retry: immediate, onFailure, keepMax: 1, handle });

    processor.start();
    await processor.waitFor('failed');

    const last = onFailure === 'dead-letter' ? 1 : 2;
    expect(processor.status.context).toMatchObject({
      position: last,
      cursor: last,
      lastError: { code: 'DEAD_LETTERS_FULL' },
    });
  },
);

describe('a handler may answer', () => {
  const answers: (context: HandlerContext) => unknown[] = ({ retryIn, skip, deadLetter, stop }) => [
    retryIn(700),
    skip('old news'),
    deadLetter('no such customer'),
    stop('enough'),
  ];
  const answering = (index: number) => {
    const { store, processors } = fakeProcessors();
    store.appendMany(3);
    const handle = (event: StoredEvent, context: HandlerContext) =>
      event.position === 2 && context.attempt === 1 ? answers(context)[index] : undefined;
    return { store, processor: processors.create({ name: 'p', handle }) };
  };

  test('to be called again, after as long as it says', async () => {
    const { store, processor } = answering(0);
    processor.start();
    await processor.waitFor('retrying');
    expect(processor.status.context).toMatchObject({ position: 1, nextRetryAt: store.now() + 700, attempts: 1 });
    store.clock.increment(700);
    await processor.caughtUp();
    expect(processor.status.context.handled).toBe(3);
  });

  test('that the event is to be skipped', async () => {
    const { store, processor } = answering(1);
    processor.start();
    await processor.caughtUp();
    await settle();
    expect(store.reported).toMatchObject([{ detail: { position: 2, how: 'skip' }, cause: { message: 'old news' } }]);
  });

  test('that the event is a dead letter', async () => {
    const { store, processor } = answering(2);
    processor.start();
    await processor.caughtUp();
    await settle();
    expect(tables(store).letters).toBe(1);
    expect(processor.status).toMatchObject({ state: 'live', context: { handled: 2, deadLettered: 1 } });
  });

  test('that the processor is to stop before the event, and why', async () => {
    const { store, processor } = answering(3);
    processor.start();
    await processor.waitFor('stopped');
    expect(store.cursors.get('p')?.position).toBe(1);
    expect(processor.status.context.lastError).toMatchObject({ name: 'HandlerAnswer', message: 'enough' });
  });
});

describe('a call that takes too long', () => {
  test('is told to end, and its event comes again when it has ended, whatever it came to', async () => {
    const { store, processors } = fakeProcessors();
    const calls: { readonly signal: AbortSignal; readonly end: () => void }[] = [];
    store.appendMany(1);
    const processor = processors.create({
      name: 'p',
      retry,
      timeoutMs: 500,
      handle: (_, { signal }) => new Promise<void>((resolve) => calls.push({ signal, end: resolve })),
    });
    processor.start();
    await settle();
    expect(calls[0]?.signal.aborted).toBe(false);

    store.clock.increment(500);
    await settle();
    expect(calls[0]?.signal.reason).toMatchObject({
      code: 'HANDLER_TIMEOUT',
      detail: { processor: 'p', timeoutMs: 500 },
    });
    expect(processor.status.state).toBe('catching-up');

    calls[0]?.end();
    await processor.waitFor('retrying');
    store.clock.increment(100);
    await settle();
    expect(calls).toHaveLength(2);
    calls[1]?.end();
    await processor.caughtUp();
  });

  test('is given up alone: the events behind it are called with a signal of their own', async () => {
    const { store, processors } = fakeProcessors();
    const calls: string[] = [];
    store.appendMany(3);
    const processor = processors.create({
      name: 'p',
      retry: immediate,
      onFailure: 'dead-letter',
      timeoutMs: 500,
      handle: ({ position }, { signal }) => {
        calls.push(`${position}:${signal.aborted}`);
        signal.throwIfAborted();
        if (position > 1) return;
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    });
    processor.start();
    await settle();

    store.clock.increment(500);
    await processor.caughtUp();

    expect(calls).toEqual(['1:false', '2:false', '3:false']);
    expect(processor.status.context).toMatchObject({ handled: 2, deadLettered: 1 });
  });

  test('fails the processor if it does not end, and keeps its turn until it does', async () => {
    const { store, processors } = fakeProcessors();
    const ends: (() => void)[] = [];
    store.appendMany(1);
    const handle = () => new Promise<void>((resolve) => ends.push(resolve));
    const processor = processors.create({ name: 'p', timeoutMs: 500, abandonMs: 1000, handle });
    processor.start();
    await settle();
    store.clock.increment(500);
    await settle();
    store.clock.increment(1000);
    await processor.waitFor('failed');
    expect(processor.status.context.lastError).toMatchObject({ code: 'HANDLER_TIMEOUT' });

    processor.start();
    await settle();
    expect(ends).toHaveLength(1);
    ends[0]?.();
    await settle();
    expect(ends).toHaveLength(2);
  });
});

test('after so many events given up in a row the circuit opens: the next one waits until something works again', async () => {
  const { store, processors } = fakeProcessors();
  let isBroken = true;
  store.appendMany(10);
  const processor = processors.create({
    name: 'p',
    retry: immediate,
    onFailure: 'dead-letter',
    circuit: { failures: 3, waitMs: 5000 },
    handle: () => {
      if (isBroken) throw new Error('down');
    },
  });

  processor.start();
  await processor.waitFor('retrying');
  expect(processor.status.context).toMatchObject({ position: 3, cursor: 3, nextRetryAt: store.now() + 5000 });
  store.clock.increment(5000);
  await settle();
  expect(processor.status).toMatchObject({
    state: 'retrying',
    context: { position: 3, retries: 2, isCircuitOpen: true },
  });

  isBroken = false;
  store.clock.increment(5000);
  await processor.caughtUp();
  expect(processor.status.context).toMatchObject({ handled: 7, deadLettered: 3 });
  expect(processor.status.context.isCircuitOpen).toBeUndefined();
});

test.each(['retrying', 'failed'] as const)(
  'skip passes the event that fails, durably, while it is %s',
  async (state) => {
    const { store, processors } = fakeProcessors();
    store.appendMany(3);
    const attempts = state === 'failed' ? 0 : 5;
    const processor = processors.create({ name: 'p', retry: { attempts }, handle: failingAt(2) });
    processor.start();
    await processor.waitFor(state);

    processor.skip();
    await processor.caughtUp();

    expect(processor.status.context).toMatchObject({ skipped: 1, handled: 2 });
    expect(store.moves.map(({ to }) => to.position)).toContain(2);
    expect(store.reported.at(-1)).toMatchObject({ code: 'EVENT_GIVEN_UP', detail: { how: 'skip', position: 2 } });
  },
);

test('a skip without an event that fails does nothing', async () => {
  const { store, processors } = fakeProcessors();
  store.appendMany(2);
  store.onLoad = () => {
    throw new Error('no disk');
  };
  const processor = processors.create({ name: 'p', retry: immediate, handle: () => undefined });
  processor.start();
  await processor.waitFor('failed');

  processor.skip();
  await settle();

  expect(processor.status).toMatchObject({ state: 'failed', context: { position: 0, skipped: 0 } });
});

test('what could not be put away is not passed: after a crash it comes again', async () => {
  const { store, processors } = fakeProcessors();
  store.appendMany(2);
  store.onMove = () => Promise.reject(new Error('disk full'));
  const processor = processors.create({ name: 'p', retry, onFailure: 'dead-letter', handle: failingAt(1) });
  processor.start();
  await processor.waitFor('retrying');
  store.clock.increment(100);
  await settle();
  expect(processor.status).toMatchObject({ state: 'retrying' });
  processor.abandon();
  expect([store.cursors.get('p'), tables(store).letters]).toEqual([undefined, 0]);
});

test('a reset forgets the dead letters of events that come again, and keeps the others', async () => {
  const { store, processors } = fakeProcessors();
  store.append('a', 'b', 'a', 'b');
  let isBroken = true;
  const handled: number[] = [];
  const handle = ({ position }: StoredEvent) => {
    if (isBroken) throw new Error('no');
    handled.push(position);
  };
  const processor = processors.create({ name: 'p', retry: immediate, onFailure: 'park-stream', handle });
  processor.start();
  await processor.caughtUp();
  await processor.stop();
  expect(tables(store)).toEqual({ letters: 2, parked: 2 });

  isBroken = false;
  await processor.reset({ to: 1 });
  processor.start();
  await processor.caughtUp();
  await processor.stop();

  expect(tables(store)).toEqual({ letters: 1, parked: 1 });
  expect(handled).toEqual([2, 4]);
});
