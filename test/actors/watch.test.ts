/** `head$`, and the watch behind it on a head made for the occasion. */
import { setImmediate } from 'node:timers/promises';
import { config, firstValueFrom, map, type Observer, share, shareReplay, take, tap, toArray } from 'rxjs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Listen, polled } from '#actors/wake-ups';
import { HeadWatch } from '#actors/watch';
import type { Bus } from '#store';
import { tempBus, tempStore } from '../kit/temp-store.ts';

const event = { type: 'placed' };
const notLeft = new AbortController().signal;

/** A watch on `state.head`, what wakes it, and what was reported to nobody in particular. */
function watchOn(state: { head: number | Error }, pollMs?: number) {
  const reported: unknown[] = [];
  let listener: (() => void) | undefined;
  const listen: Listen = (wake) => {
    listener = wake;
    return () => {
      listener = undefined;
    };
  };
  const watch = new HeadWatch({
    head: () => {
      if (state.head instanceof Error) throw state.head;
      return state.head;
    },
    listen: pollMs === undefined ? listen : polled(pollMs),
    onError: (error) => reported.push(error),
  });
  return { watch, reported, wake: () => listener?.(), isListening: () => listener !== undefined };
}

/** An observer that writes down what it is told. */
function recorder(): Observer<number> & { readonly seen: unknown[] } {
  const seen: unknown[] = [];
  return {
    seen,
    next: (head) => seen.push(head),
    error: (error: unknown) => seen.push(error),
    complete: () => seen.push('complete'),
  };
}

// rxjs gives what nobody handles to the process in a timer; here it goes to the test.
let unhandled: unknown[] = [];
beforeEach(() => {
  unhandled = [];
  config.onUnhandledError = (error) => unhandled.push(error);
});
afterEach(async () => {
  await timers();
  config.onUnhandledError = null;
  expect(unhandled).toEqual([]);
});

/** A turn of the timers: those set before have run. */
function timers(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

test('head$ gives the current head first, then newer ones', async () => {
  const bus = await tempBus();
  await bus.append('a', event);
  const heads = recorder();

  bus.head$.subscribe(heads);
  expect(heads.seen).toEqual([1]);
  await bus.append('a', [event, event]);
  await expect.poll(() => heads.seen).toEqual([1, 3]);
  await bus.append('a', event);

  await expect.poll(() => heads.seen).toEqual([1, 3, 4]);
});

test('head$ skips heads that passed within a turn', async () => {
  const state = { head: 0 };
  const { watch, wake } = watchOn(state);
  const heads = recorder();
  watch.head$.subscribe(heads);

  for (state.head = 1; state.head < 10; state.head++) wake();
  await setImmediate();

  expect(heads.seen).toEqual([0, 10]);
});

test('a subscriber of head$ is told the same head once', async () => {
  const state = { head: 3 };
  const { watch, wake } = watchOn(state);
  const heads = recorder();
  watch.head$.subscribe(heads);

  wake();
  await setImmediate();

  expect(heads.seen).toEqual([3]);
});

test('a subscriber of head$ hears of a head although another one came between its commit and its turn', async () => {
  const state = { head: 0 };
  const { watch, wake } = watchOn(state);
  const early = recorder();
  const late = recorder();
  watch.head$.subscribe(early);

  state.head = 1;
  wake();
  watch.head$.subscribe(late);
  await setImmediate();

  expect(early.seen).toEqual([0, 1]);
  expect(late.seen).toEqual([1]);
});

test('subscribers of a bus that come and go hear of every last head', async () => {
  const bus = await tempBus();
  const early = recorder();
  bus.head$.subscribe(early);

  await bus.append('a', event);
  expect(await firstValueFrom(bus.head$)).toBe(1);

  await expect.poll(() => early.seen).toEqual([0, 1]);
});

test('a subscriber that left is told nothing more', async () => {
  const bus = await tempBus();
  const heads = recorder();
  const subscription = bus.head$.subscribe(heads);

  await bus.append('a', event);
  subscription.unsubscribe();
  await setImmediate();

  expect(heads.seen).toEqual([0]);
});

test('head$ gives the last head and completes when the bus closes', async () => {
  const bus = await tempBus();
  const all = firstValueFrom(bus.head$.pipe(toArray()));
  await bus.append('a', event);

  await bus.close();

  expect(await all).toEqual([0, 1]);
  expect(await firstValueFrom(bus.head$.pipe(toArray()))).toEqual([]);
});

test('a subscriber that throws ends neither the process nor other subscribers', async () => {
  // Of an encrypted store a warning does not say what was thrown.
  const bus = await tempBus({ encryption: undefined });
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  const before = recorder();
  const behind = recorder();
  bus.head$.subscribe(before);
  bus.head$.subscribe((head) => {
    throw new Error(`no ${head}`);
  });
  bus.head$.subscribe(behind);

  await bus.append('a', event);
  await setImmediate();
  await setImmediate();
  process.off('warning', onWarning);

  expect([before.seen, behind.seen]).toEqual([
    [0, 1],
    [0, 1],
  ]);
  expect(warnings.map(({ message }) => message)).toEqual(['no 0', 'no 1']);
});

test.each<[string, unknown]>([
  ['undefined', undefined],
  ['a string', 'no'],
  ['an object that can not be text', Object.create(null)],
])('a subscriber that throws %s ends nothing', async (_, thrown) => {
  const bus = await tempBus();
  const warned = new Promise((resolve) => process.once('warning', resolve));

  bus.head$.subscribe(() => {
    throw thrown;
  });

  expect(await warned).toBeInstanceOf(Error);
  expect(await bus.append('a', event)).toMatchObject({ firstPosition: 1 });
});

test.each<[string, (bus: HeadWatch['head$'], thrown: Error) => void]>([
  [
    'a subscriber behind an operator',
    (head$, thrown) =>
      head$.pipe(map((head) => head * 2)).subscribe(() => {
        throw thrown;
      }),
  ],
  [
    'an operator',
    (head$, thrown) =>
      head$
        .pipe(
          map(() => {
            throw thrown;
          }),
        )
        .subscribe(),
  ],
  [
    'a tap',
    (head$, thrown) =>
      head$
        .pipe(
          tap(() => {
            throw thrown;
          }),
        )
        .subscribe({ next: () => undefined }),
  ],
  [
    'a subscriber of a shared pipe',
    (head$, thrown) =>
      head$.pipe(share()).subscribe(() => {
        throw thrown;
      }),
  ],
  [
    'a subscriber of a replayed pipe',
    (head$, thrown) =>
      head$.pipe(shareReplay(1)).subscribe(() => {
        throw thrown;
      }),
  ],
  [
    'an error handler',
    (head$, thrown) =>
      head$
        .pipe(
          map(() => {
            throw new Error('first');
          }),
        )
        .subscribe({
          error: () => {
            throw thrown;
          },
        }),
  ],
  [
    'a handler of completion',
    (head$, thrown) =>
      head$.pipe(take(1)).subscribe({
        complete: () => {
          throw thrown;
        },
      }),
  ],
])('what %s throws is reported, and others go on', async (_, subscribe) => {
  const state = { head: 0 };
  const { watch, reported, wake } = watchOn(state);
  const thrown = new Error('mine');
  const other = recorder();

  subscribe(watch.head$, thrown);
  watch.head$.subscribe(other);
  state.head = 1;
  wake();
  await setImmediate();

  expect(reported).toContain(thrown);
  expect(other.seen).toEqual([0, 1]);
});

test('a head that can not be read is an error of the subscriber, and no more', async () => {
  const state: { head: number | Error } = { head: 0 };
  const { watch, reported, wake } = watchOn(state);
  const heads = recorder();
  const late = recorder();
  watch.head$.subscribe(heads);
  watch.head$.subscribe();
  const damage = new Error('damaged');

  state.head = damage;
  wake();
  await setImmediate();
  watch.head$.subscribe(late);

  expect(heads.seen).toEqual([0, damage]);
  expect(late.seen).toEqual([damage]);
  expect(reported).toEqual([damage]);
});

test('a watch of a store that others write notices a new head by itself', async () => {
  const state = { head: 0 };
  const { watch } = watchOn(state, 1);
  const heads = recorder();
  const subscription = watch.head$.subscribe(heads);

  state.head = 5;

  await expect.poll(() => heads.seen).toEqual([0, 5]);
  subscription.unsubscribe();
});

test('a watch that finds damage while it polls says so once', async () => {
  const state: { head: number | Error } = { head: 0 };
  const { watch, reported } = watchOn(state, 1);
  const heads = recorder();
  watch.head$.subscribe(heads);
  const waiting = watch.beyond(0, undefined, notLeft);
  const damage = new Error('damaged');

  state.head = damage;

  await expect(waiting).rejects.toBe(damage);
  await expect.poll(() => heads.seen).toEqual([0, damage]);
  expect(reported).toEqual([]);
  watch.close();
});

test('a wait for a head beyond a position ends with that head', async () => {
  const state = { head: 2 };
  const { watch, wake } = watchOn(state);

  const waits = [watch.beyond(1, undefined, notLeft), watch.beyond(2, undefined, notLeft)];
  wake();
  await setImmediate();
  state.head = 4;
  wake();

  expect(await Promise.all(waits)).toEqual([2, 4]);
});

test('a wait ends when its signal is aborted, when it is left, and when the watch closes', async () => {
  const { watch } = watchOn({ head: 0 });
  const aborted = new AbortController();
  const left = new AbortController();
  const waits = Promise.allSettled([
    watch.beyond(0, aborted.signal, notLeft),
    watch.beyond(0, undefined, left.signal),
    watch.beyond(0, undefined, notLeft),
  ]);

  aborted.abort('enough');
  left.abort();
  await setImmediate();
  watch.close();

  expect(await waits).toMatchObject([
    { reason: { code: 'ABORTED', cause: 'enough' } },
    { status: 'fulfilled', value: undefined },
    { status: 'fulfilled', value: undefined },
  ]);
});

test('a read-only bus tells of the commits of another one', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  const follower = await store.openBus({ readOnly: true });
  const heads = recorder();
  follower.head$.subscribe(heads);

  await appendTimes(bus, 3);

  await expect.poll(() => heads.seen.at(-1)).toBe(3);
  expect(follower.head).toBe(3);
});

async function appendTimes(bus: Bus, count: number): Promise<void> {
  for (let done = 0; done < count; done++) await bus.append('a', event);
}

test('a head that moves between the look at it and the beginning of listening is not missed', async () => {
  let head = 0;
  const moveOnce = () => {
    head = 1;
    return () => undefined;
  };
  const watch = new HeadWatch({ head: () => head, listen: moveOnce, onError: () => undefined });
  const heads = recorder();

  expect(await watch.beyond(0, undefined, notLeft)).toBe(1);
  head = 0;
  watch.head$.subscribe(heads);

  expect(heads.seen).toEqual([1]);
});
