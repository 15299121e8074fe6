/** Listeners of a bus: what they are given, and what becomes of events that come faster than they are taken. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { PageBacklog } from '#actors/backlog';
import { LiveReading } from '#actors/live-reading';
import type { Bus, ListenOptions, LiveSubscription, StoredEvent } from '#store';
import { collect } from '../kit/collect.ts';
import { ConnectedThread } from '../kit/connected-thread.ts';
import { engineKinds, tempBus, tempStore } from '../kit/temp-store.ts';
import { unhandledRejections } from '../kit/unhandled-rejections.ts';

const times = (count: number, type = 'placed') => Array.from({ length: count }, (_, n) => ({ type, data: { n } }));
const oneTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** A listener that takes an event only when it is told to. */
class SlowListener {
  readonly taken: number[] = [];
  readonly subscription: LiveSubscription;
  #proceed: (() => void) | undefined;
  #isFree = false;

  constructor(bus: Bus, options: ListenOptions) {
    this.subscription = bus.on(
      () => true,
      (event) => this.#take(event),
      options,
    );
    onTestFinished(() => this.subscription.close());
  }

  /** Is done with the event it has, once it has one. */
  async takeOne(): Promise<void> {
    await expect.poll(() => this.#proceed, { interval: 1 }).toBeDefined();
    this.#proceed?.();
  }

  takeAll(): void {
    this.#isFree = true;
    this.#proceed?.();
  }

  async hasOne(): Promise<void> {
    await expect.poll(() => this.#proceed, { interval: 1 }).toBeDefined();
  }

  async #take({ position }: StoredEvent): Promise<void> {
    this.taken.push(position);
    if (this.#isFree) return;
    await new Promise<void>((resolve) => {
      this.#proceed = resolve;
    });
    this.#proceed = undefined;
  }
}

async function untilTaken(taken: readonly unknown[], count: number): Promise<void> {
  await expect.poll(() => taken.length, { interval: 1 }).toBe(count);
}

test.each(engineKinds)('a listener gets every event from its beginning on, in order, each once (%s)', async (kind) => {
  const bus = await tempBus({ durability: 'os' }, kind);
  await bus.append('before', times(10));
  const taken: number[] = [];

  bus.on(
    () => true,
    ({ position }) => void taken.push(position),
    { buffer: 7 },
  );
  for (let call = 0; call < 100; call++) {
    void bus.append(`s-${call % 5}`, times(30));
    if (call % 7 === 0) await setImmediate();
  }

  await untilTaken(taken, 3000);
  expect(taken).toEqual(oneTo(3010).slice(10));
});

test('a listener gets the types it wants, or what its function lets through', async () => {
  const bus = await tempBus();
  const taken: [string, number][] = [];
  bus.on('paid', ({ position }) => void taken.push(['one', position]));
  bus.on(['paid', 'sent'], ({ position }) => void taken.push(['two', position]));
  bus.on(
    ({ data }) => data.n === 0,
    ({ position }) => void taken.push(['function', position]),
  );

  await bus.publish([...times(2, 'placed'), ...times(2, 'paid'), ...times(1, 'sent')]);

  await untilTaken(taken, 2 + 3 + 3);
  const of = (name: string) => taken.filter(([listener]) => listener === name).map(([, position]) => position);
  expect([of('one'), of('two'), of('function')]).toEqual([
    [3, 4],
    [3, 4, 5],
    [1, 3, 5],
  ]);
});

test('a listener may want some streams only, and says behind which position it began', async () => {
  const bus = await tempBus();
  const taken: number[] = [];
  await bus.append('room-1', times(2));
  const take = ({ position }: StoredEvent) => void taken.push(position);
  const { after } = bus.on('placed', take, { streams: ['room-2'] });
  bus.on(() => true, take, { prefix: 'hall' });

  for (const stream of ['room-1', 'room-2', 'hall-1']) await bus.append(stream, times(1));

  await untilTaken(taken, 2);
  expect([after, taken]).toEqual([2, [4, 5]]);
});

test('a listener never sees an event before it is durable', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  const seen: number[] = [];
  const duringCommit: number[] = [];
  bus.on(
    () => true,
    ({ position }) => void seen.push(position),
  );
  store.storage.afterNextCommit = () => void duringCommit.push(seen.length);

  await bus.publish({ type: 'placed' });
  await untilTaken(seen, 1);

  expect(duringCommit).toEqual([0]);
});

test('calls of an asynchronous listener never overlap', async () => {
  const bus = await tempBus();
  let [running, most, done] = [0, 0, 0];
  bus.on('placed', async () => {
    most = Math.max(most, ++running);
    await setImmediate();
    running--;
    done++;
  });

  await bus.publish(times(50));
  await expect.poll(() => done).toBe(50);

  expect(most).toBe(1);
});

test('a listener, or its function, that throws or rejects is reported, and goes on', async () => {
  const bus = await tempBus();
  const errors: unknown[] = [];
  const taken: number[] = [];
  bus.errors$.subscribe((error) => errors.push((error as Error).message));
  bus.on(
    ({ position }) => {
      if (position === 1) throw new Error('at 1');
      return true;
    },
    ({ position }) => {
      if (position === 2) throw new Error('at 2');
      if (position === 3) return Promise.reject(new Error('at 3'));
      taken.push(position);
      return undefined;
    },
  );

  await bus.publish(times(5));
  await untilTaken(taken, 2);

  expect(errors).toEqual(['at 1', 'at 2', 'at 3']);
});

test('with the policy log, a slow listener loses nothing', async () => {
  const bus = await tempBus();
  const listener = new SlowListener(bus, { buffer: 3 });
  await bus.publish(times(500));
  await listener.hasOne();

  const { lag } = listener.subscription;
  await bus.publish(times(500));
  listener.takeAll();
  await untilTaken(listener.taken, 1000);

  expect(lag).toBe(500);
  expect(listener.taken).toEqual(oneTo(1000));
  await expect.poll(() => listener.subscription.lag).toBe(0);
  expect(listener.subscription.dropped).toBe(0);
});

test('with the policy log, no more than the buffer is read before the listener has taken it', async () => {
  const bus = await tempBus();
  await bus.append('s', times(100));
  const reads: number[] = [];
  let waiting = 0;
  const events = await collect(bus.read());
  let position = 0;
  const source = {
    head: () => bus.head,
    head$: bus.head$,
    report: () => undefined,
    walk: () => ({
      position: () => position,
      next: (head: number, limit = head) => {
        const page = events.slice(position, position + limit);
        position += page.length;
        waiting += page.length;
        reads.push(waiting);
        return page;
      },
    }),
  };
  const deliver = () => {
    waiting--;
    return setImmediate();
  };

  const reading = new LiveReading(source, {
    filter: {},
    isWanted: undefined,
    erased: 'skip',
    backlog: new PageBacklog(7),
    deliver,
    onClose: () => undefined,
    onEnd: () => undefined,
  });
  await expect.poll(() => reading.behind).toBe(0);
  reading.close();

  expect(reads).toEqual([...Array(14).fill(7), 2]);
});

test('with the policy drop-oldest, a slow listener gets the newest, and is told how many it lost', async () => {
  const bus = await tempBus();
  const listener = new SlowListener(bus, { buffer: 3, overflow: 'drop-oldest' });
  await bus.publish(times(1));
  await listener.hasOne();

  await bus.publish(times(4000));
  await expect.poll(() => listener.subscription.dropped).toBe(3997);
  listener.takeAll();

  await untilTaken(listener.taken, 4);
  expect(listener.taken).toEqual([1, 3999, 4000, 4001]);
});

test('with coalesceBy, a slow listener gets the newest of each key, and loses the oldest of too many keys', async () => {
  const bus = await tempBus();
  const listener = new SlowListener(bus, { buffer: 2, overflow: { coalesceBy: ({ data }) => data.key } });
  const of = (key: string) => ({ type: 'moved', data: { key } });
  await bus.publish(of('a'));
  await listener.hasOne();

  await bus.publish([of('a'), of('b'), of('a'), of('a'), of('b'), of('a')]);
  await bus.publish([of('c')]);
  await expect.poll(() => listener.subscription.dropped).toBe(1);
  listener.takeAll();

  await untilTaken(listener.taken, 3);
  expect(listener.taken).toEqual([1, 7, 8]);
});

test('a coalesceBy that throws is reported, and its event counts as dropped', async () => {
  const bus = await tempBus();
  const errors: unknown[] = [];
  const taken: number[] = [];
  bus.errors$.subscribe((error) => errors.push((error as Error).message));
  const coalesceBy = ({ position }: StoredEvent) => {
    if (position === 1) throw new Error('no key');
    return position;
  };

  const { dropped } = await (async () => {
    const subscription = bus.on(
      () => true,
      ({ position }) => void taken.push(position),
      { overflow: { coalesceBy } },
    );
    await bus.publish(times(2));
    await untilTaken(taken, 1);
    return subscription;
  })();

  expect([errors, taken, dropped]).toEqual([['no key'], [2], 1]);
});

test('a predicate or coalesceBy that gives a promise is reported, and its promise harms nobody', async () => {
  const unhandled = unhandledRejections();
  const bus = await tempBus();
  const errors: unknown[] = [];
  bus.errors$.subscribe((error) => errors.push(error));
  const refuse = async () => Promise.reject(new Error('planted'));
  const taken: unknown[] = [];
  const take = (event: StoredEvent) => void taken.push(event);

  bus.on(refuse as never, take);
  bus.on('placed', take, { overflow: { coalesceBy: refuse } });
  await bus.publish(times(1));
  await expect.poll(() => errors.length, { interval: 1 }).toBe(2);

  expect(errors).toEqual(Array(2).fill(expect.any(TypeError)));
  expect(errors.map(String).sort()).toEqual([
    expect.stringMatching(/coalesceBy returned a promise/),
    expect.stringMatching(/the predicate returned a promise/),
  ]);
  expect([taken, await unhandled()]).toEqual([[], []]);
});

test('whatever comes when, each policy gives its events in order, and accounts for all of them', async () => {
  const policy = fc.constantFrom('log', 'block', 'drop-oldest', 'coalesce');
  const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constant('take')), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(policy, fc.integer({ min: 1, max: 5 }), steps, async (name, buffer, given) => {
      await using store = tempStoreOf();
      const bus = await store.openBus();
      const taken: number[] = [];
      let proceed: (() => void) | undefined;
      const overflow = name === 'coalesce' ? { coalesceBy: (event: StoredEvent) => event.data.n % 3 } : name;
      const subscription = bus.on(
        'placed',
        async ({ position }) => {
          taken.push(position);
          await new Promise<void>((resolve) => {
            proceed = resolve;
          });
        },
        { buffer, overflow: overflow as 'log' },
      );
      let total = 0;
      for (const step of given) {
        if (step === 'take') proceed?.();
        else {
          total += step;
          // Not published: that would wait.
          await bus.append('s', times(step));
        }
        await setImmediate();
      }
      let finishing = true;
      void (async () => {
        while (finishing) {
          proceed?.();
          await setImmediate();
        }
      })();
      await expect.poll(() => subscription.lag, { interval: 1 }).toBe(0);
      finishing = false;

      expect(taken).toEqual([...new Set(taken)].sort((left, right) => left - right));
      if (total > 0) expect(taken.at(-1)).toBe(total);
      if (name === 'log' || name === 'block') expect(taken).toEqual(oneTo(total));
      if (name === 'drop-oldest') expect(taken.length + subscription.dropped).toBe(total);
      if (name === 'coalesce' && buffer >= 3) expect(subscription.dropped).toBe(0);
      subscription.close();
    }),
    { numRuns: 60 },
  );
});

const tempStoreOf = () => tempStore('memory');

test('publish waits while a blocking listener is behind by more than its buffer, and append does not', async () => {
  const bus = await tempBus();
  const listener = new SlowListener(bus, { buffer: 2, overflow: 'block' });
  const published = [1, 2, 3, 4, 5].map(() => bus.publish({ type: 'placed' }));
  await listener.hasOne();

  await setImmediate();
  const headBefore = bus.head;
  await bus.append('other', times(1));
  const headAfterAppend = bus.head;
  listener.takeAll();
  await Promise.all(published);

  expect([headBefore, headAfterAppend, bus.head]).toEqual([3, 4, 6]);
  await untilTaken(listener.taken, 6);
});

test('what waits to be published passes in the order of the calls', async () => {
  const bus = await tempBus();
  const listener = new SlowListener(bus, { buffer: 1, overflow: 'block' });

  const published = oneTo(20).map((n) => bus.publish({ type: 'placed', data: { n } }));
  listener.takeAll();
  const results = await Promise.all(published);

  expect(results.map(({ firstPosition }) => firstPosition)).toEqual(oneTo(20));
});

test('what waited to be published stays in front of later calls when its listener closes', async () => {
  const bus = await tempBus();
  const listener = new SlowListener(bus, { buffer: 1, overflow: 'block' });
  await bus.publish(times(2));
  const published = [3, 4, 5].map((n) => bus.publish({ type: 'placed', data: { n } }));

  listener.subscription.close();
  published.push(bus.publish({ type: 'placed', data: { n: 6 } }));
  const results = await Promise.all(published);

  expect(results.map(({ firstPosition }) => firstPosition)).toEqual([3, 4, 5, 6]);
});

test('a blocking listener that publishes itself does not wait for itself', async () => {
  const bus = await tempBus();
  const taken: number[] = [];
  bus.on(
    () => true,
    async ({ position }) => {
      taken.push(position);
      if (position <= 20) await bus.publish(times(2));
    },
    { buffer: 1, overflow: 'block' },
  );

  await bus.publish(times(1));

  await untilTaken(taken, 41);
});

test('a wait to publish ends with its signal, with its listener, and with the bus', async () => {
  const bus = await tempBus();
  const listener = new SlowListener(bus, { buffer: 1, overflow: 'block' });
  await bus.publish(times(3));
  const controller = new AbortController();
  const aborted = bus.publish(times(1), { signal: controller.signal });
  const passing = bus.publish(times(1));
  controller.abort();
  await expect(aborted).rejects.toMatchObject({ code: 'ABORTED', detail: { outcome: 'nothing-written' } });

  listener.subscription.close();
  expect(await passing).toMatchObject({ firstPosition: 4 });

  new SlowListener(bus, { buffer: 1, overflow: 'block' });
  await bus.publish(times(3));
  const refused = bus.publish(times(1));
  void bus.close();
  await expect(refused).rejects.toMatchObject({ code: 'STORE_CLOSED' });
});

test('a closed subscription gets nothing more, whoever closed it', async () => {
  const bus = await tempBus();
  const controller = new AbortController();
  const taken: string[] = [];
  const own = bus.on('placed', () => {
    taken.push('own');
    own.close();
  });
  const signalled = bus.on('placed', () => void taken.push('signalled'), { signal: controller.signal });
  const never = bus.on('placed', () => void taken.push('never'), { signal: AbortSignal.abort() });
  controller.abort();
  const other = bus.on('placed', () => void taken.push('other'));

  await bus.publish(times(5));
  await expect.poll(() => taken.length).toBe(6);
  await bus.close();

  expect(taken.sort()).toEqual([...Array(5).fill('other'), 'own']);
  expect([own, signalled, never, other].map(({ closed }) => closed)).toEqual([true, true, true, true]);
  expect(() => bus.on('placed', () => undefined)).toThrow('the bus is closed');
});

test('a listener keeps the process alive until it is closed', async () => {
  const bus = await tempBus();
  const started = vi.spyOn(globalThis, 'setInterval');
  const ended = vi.spyOn(globalThis, 'clearInterval');
  onTestFinished(() => {
    started.mockRestore();
    ended.mockRestore();
  });
  const timers = () =>
    started.mock.results.filter(({ value }) => value.hasRef() && !ended.mock.calls.some(([timer]) => timer === value))
      .length;

  const subscription = bus.on('placed', () => undefined);
  const observed = bus.events$.subscribe();
  const whileOpen = timers();
  subscription.close();
  observed.unsubscribe();
  bus.on('placed', () => undefined);
  await bus.close();

  expect([whileOpen, timers()]).toEqual([2, 0]);
});

test('a listener runs in the context it was registered in, not in that of whoever publishes', async () => {
  const bus = await tempBus();
  const context = new AsyncLocalStorage<string>();
  const contexts: unknown[] = [];
  context.run('listener', () => bus.on('placed', () => void contexts.push(context.getStore())));

  await context.run('publisher', () => bus.publish(times(1)));
  await untilTaken(contexts, 1);

  expect(contexts).toEqual(['listener']);
});

test('damage in the log ends a listener with a report, and an observable with the error', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  const codes: unknown[] = [];
  bus.errors$.subscribe((error) => codes.push((error as { code: string }).code));
  const subscription = bus.on('placed', () => undefined);
  bus.events$.subscribe({ error: (error) => codes.push(`observable ${error.code}`) });
  store.storage.afterNextCommit = () => {
    for (const { bytes } of store.storage.blocks) bytes[60] = (bytes[60] as number) ^ 1;
  };

  await bus.publish(times(1));
  await expect.poll(() => codes.length).toBe(2);

  expect(codes.sort()).toEqual(['STORE_CORRUPT', 'observable STORE_CORRUPT']);
  expect(subscription.closed).toBe(true);
});

test('events$ gives each subscriber all events from its subscription on, and one that throws harms nobody', async () => {
  const bus = await tempBus();
  const errors: unknown[] = [];
  const seen: [string, number][] = [];
  bus.errors$.subscribe((error) => errors.push((error as Error).message));
  bus.events$.subscribe(() => {
    throw new Error('subscriber');
  });
  bus.events$.subscribe(({ position }) => seen.push(['early', position]));
  await bus.publish(times(2));
  await expect.poll(() => seen.length).toBe(2);
  const late = bus.events({ types: ['paid'], overflow: 'drop-oldest', buffer: 1 });
  const isComplete = new Promise((resolve) => {
    late.subscribe({ next: ({ position }) => seen.push(['late', position]), complete: () => resolve(true) });
  });

  await bus.publish([...times(1), ...times(3, 'paid')]);
  await expect.poll(() => seen.filter(([name]) => name === 'early').length).toBe(6);
  await expect.poll(() => seen.filter(([name]) => name === 'late')).toEqual([['late', 6]]);
  await bus.close();

  expect(await isComplete).toBe(true);
  expect(errors).toEqual(Array(6).fill('subscriber'));
});

test('listeners work on a read-only bus', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  const follower = await store.openBus({ readOnly: true });
  const taken: number[] = [];
  follower.on('placed', ({ position }) => void taken.push(position));

  await bus.publish(times(3));

  await untilTaken(taken, 3);
  await expect(follower.publish(times(1))).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
});

test('a listener hears what another thread publishes, and one in that thread hears it, too', async () => {
  const bus = await tempStore('lmdb').openBus({ durability: 'os' });
  const taken: number[] = [];
  bus.on('threaded', ({ position }) => void taken.push(position));
  const thread = await ConnectedThread.start(bus);
  await thread.listen('threaded');

  await thread.publish({ type: 'threaded' });
  await bus.publish({ type: 'threaded' });

  await untilTaken(taken, 2);
  await expect.poll(() => thread.heard()).toEqual([1, 2]);
});

test.each<[string, unknown[]]>([
  ['a type', [7, () => undefined]],
  ['a type', [[], () => undefined]],
  ['listener must be a function', ['placed', undefined]],
  ['buffer must be', ['placed', () => undefined, { buffer: 0 }]],
  ['buffer must be', ['placed', () => undefined, { buffer: 65_537 }]],
  ['overflow must be', ['placed', () => undefined, { overflow: 'drop' }]],
  ['overflow must be', ['placed', () => undefined, { overflow: null }]],
  ['signal must be', ['placed', () => undefined, { signal: {} }]],
  ['on has no option "size"', ['placed', () => undefined, { size: 3 }]],
])('an argument of on that is out of range is a TypeError that names it: %s', async (message, given) => {
  const bus = await tempBus();

  expect(() => (bus.on as (...given: unknown[]) => unknown).apply(bus, given)).toThrow(message);
});
