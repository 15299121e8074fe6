/** When timers wake up, what they do about failures, and who wins of those that want different things. */
import { expect, test } from 'vitest';
import { BusError } from '#store';
import { settle, startMs, timersInHand } from '../kit/timer-service-on.ts';

const full = () => new BusError('STORE_FULL', 'planted', { path: 'x' });

test('a timer fires when it is due and not a millisecond before', async () => {
  const hand = await timersInHand();
  await hand.schedule('due', { delayMs: 500 });

  await hand.pass(499);
  const before = hand.fired();
  await hand.pass(1);

  expect(before).toEqual([]);
  expect(hand.fired()).toEqual(['due']);
});

test('what is due goes in the order of the times, and of scheduling where these are the same', async () => {
  const hand = await timersInHand();
  await hand.schedule('third', { delayMs: 300 });
  await hand.schedule('first', { delayMs: 100 });
  await hand.schedule('second', { delayMs: 200 });
  await hand.schedule('fourth', { delayMs: 300 });

  await hand.pass(1000);

  expect(hand.fired()).toEqual(['first', 'second', 'third', 'fourth']);
});

test('a timer that is due earlier than the one waited for is not missed', async () => {
  const hand = await timersInHand();
  await hand.schedule('late', { delayMs: 5000 });
  await hand.schedule('early', { delayMs: 50 });

  await hand.pass(50);

  expect(hand.fired()).toEqual(['early']);
});

test('a fraction of a millisecond is rounded up', async () => {
  const hand = await timersInHand();
  await hand.schedule('a', { delayMs: 9.2 });
  await hand.schedule('b', { at: startMs + 9.2 });

  await hand.pass(9);
  const before = hand.fired();
  await hand.pass(1);

  expect([before, hand.fired()]).toEqual([[], ['a', 'b']]);
});

test('a clock that jumps ahead is noticed within a minute, however far away the next timer was', async () => {
  const hand = await timersInHand();
  await hand.schedule('tomorrow', { delayMs: 24 * 3600 * 1000 });
  await settle();
  hand.skewMs = 24 * 3600 * 1000;

  await hand.pass(59_999);
  const before = hand.fired();
  await hand.pass(1);

  expect([before, hand.fired()]).toEqual([[], ['tomorrow']]);
});

test('a clock that goes back delays timers and never makes them early', async () => {
  const hand = await timersInHand();
  await hand.schedule('due', { delayMs: 1000 });
  await settle();
  hand.skewMs = -5000;

  await hand.pass(1000);
  const before = hand.fired();
  for (let second = 0; second < 5; second++) await hand.pass(1000);

  expect([before, hand.fired()]).toEqual([[], ['due']]);
});

test('a bus without timers has no alarm', async () => {
  const hand = await timersInHand();
  await hand.schedule('due', { delayMs: 10, key: 'k' });
  await hand.cancel('k');
  await settle();

  const alarms = (hand.clock as unknown as { timeouts: Map<unknown, unknown> }).timeouts;
  expect(alarms.size).toBe(0);
});

test('an append that fails is tried again, later each time, and told', async () => {
  const hand = await timersInHand();
  hand.appendFailures.push(full(), full(), full());
  await hand.schedule('due', { delayMs: 0 });
  await settle();
  const tries: number[] = [];
  for (const ms of [99, 1, 199, 1, 399, 1]) {
    await hand.pass(ms);
    tries.push(3 - hand.appendFailures.length);
  }

  expect(tries).toEqual([1, 2, 2, 3, 3, 3]);
  expect(hand.fired()).toEqual(['due']);
  expect(hand.reported).toMatchObject([{ code: 'STORE_FULL' }, { code: 'STORE_FULL' }, { code: 'STORE_FULL' }]);
});

test('the longest wait for the next try is half a minute', async () => {
  const hand = await timersInHand();
  hand.appendFailures.push(...Array.from({ length: 12 }, full));
  await hand.schedule('due', { delayMs: 0 });
  for (let round = 0; round < 12; round++) await hand.pass(30_000);

  expect(hand.fired()).toEqual(['due']);
});

test('orders that come while an append is tried again are taken, and do not put it off', async () => {
  const hand = await timersInHand();
  hand.appendFailures.push(full(), full());
  await hand.schedule('due', { delayMs: 0 });
  await settle();
  for (let round = 0; round < 6; round++) {
    await hand.schedule(`other-${round}`, { delayMs: 100_000 });
    await hand.pass(50);
  }

  expect(hand.fired()).toEqual(['due']);
});

test('nothing is tried again once the store takes no more appends', async () => {
  const hand = await timersInHand();
  hand.appendFailures.push(new BusError('STORE_FAILED', 'planted', { path: 'x' }));
  await hand.schedule('due', { delayMs: 0 });
  await settle();
  for (let minute = 0; minute < 5; minute++) await hand.pass(60_000);

  expect(hand.fired()).toEqual([]);
  expect(hand.reported).toEqual([]);
});

test('a failure that nobody has foreseen ends firing and is told', async () => {
  const hand = await timersInHand();
  hand.appendFailures.push(new Error('planted'));
  await hand.schedule('due', { delayMs: 0 });
  await settle();
  await hand.pass(60_000);

  expect(hand.fired()).toEqual([]);
  expect(hand.reported).toMatchObject([{ message: 'planted' }]);
});

test('a cancel while the timer is being appended says that it came too late', async () => {
  const hand = await timersInHand();
  const { promise, resolve } = Promise.withResolvers<void>();
  await hand.schedule('due', { delayMs: 10, key: 'k' });
  hand.hooks.beforeAppend = () => promise;
  await hand.pass(10);

  const cancelled = hand.cancel('k');
  resolve();

  expect(await cancelled).toBe(false);
  expect(hand.fired()).toEqual(['due']);
});

test('a cancel while the append of the timer fails comes in time', async () => {
  const hand = await timersInHand();
  const { promise, resolve } = Promise.withResolvers<void>();
  await hand.schedule('due', { delayMs: 10, key: 'k' });
  hand.hooks.beforeAppend = () => promise;
  hand.appendFailures.push(full());
  await hand.pass(10);

  const cancelled = hand.cancel('k');
  resolve();

  expect(await cancelled).toBe(true);
  await hand.pass(60_000);
  expect(hand.fired()).toEqual([]);
});

test('a timer scheduled again while it is being appended fires twice: the first has fired already', async () => {
  const hand = await timersInHand();
  const { promise, resolve } = Promise.withResolvers<void>();
  await hand.schedule('first', { delayMs: 10, key: 'k' });
  hand.hooks.beforeAppend = () => promise;
  await hand.pass(10);

  const replaced = hand.schedule('second', { delayMs: 10, key: 'k' });
  resolve();

  expect(await replaced).toBe(false);
  await hand.pass(10);
  expect(hand.fired()).toEqual(['first', 'second']);
});

test('orders of one key in one turn are obeyed one after the other', async () => {
  const hand = await timersInHand();

  const answers = await Promise.all([
    hand.schedule('a', { delayMs: 10, key: 'k' }),
    hand.schedule('b', { delayMs: 20, key: 'k' }),
    hand.cancel('k'),
    hand.cancel('k'),
    hand.schedule('c', { delayMs: 30, key: 'k' }),
  ]);
  await hand.pass(1000);

  expect(answers).toEqual([false, true, true, false, false]);
  expect(hand.fired()).toEqual(['c']);
});

test('an order with what is no signal is refused, and is not in the way of others', async () => {
  const hand = await timersInHand();

  await expect(hand.schedule('refused', { delayMs: 10 }, new AbortController() as never)).rejects.toThrow(TypeError);
  await hand.schedule('next', { delayMs: 10 });
  await hand.pass(10);

  expect(hand.fired()).toEqual(['next']);
});

test('a look at the timers ends a back-off: the next timer is not late', async () => {
  const hand = await timersInHand();
  await hand.schedule('first', { delayMs: 10 });
  hand.appendFailures.push(...Array.from({ length: 6 }, full));
  await hand.pass(10);
  for (let look = 0; look < 5; look++)
    await expect(hand.service.fireDue()).rejects.toMatchObject({ code: 'STORE_FULL' });

  const ordered = hand.schedule('second', { delayMs: 50 });
  await Promise.all([ordered, hand.service.fireDue()]);
  const before = hand.fired();
  await hand.pass(50);

  expect([before, hand.fired()]).toEqual([['first'], ['first', 'second']]);
});

test('a signal takes back an order whose turn has not come, and only ends the wait afterwards', async () => {
  const hand = await timersInHand();
  const early = new AbortController();
  const late = new AbortController();
  const writes: unknown[] = [];
  const write = hand.store.write;
  Object.assign(hand.store, {
    write: async (rows: Parameters<typeof write>[0]) => {
      writes.push(rows);
      late.abort();
      await write(rows);
    },
  });

  const withdrawn = hand.schedule('withdrawn', { delayMs: 10 }, early.signal);
  const written = hand.schedule('written', { delayMs: 10 }, late.signal);
  early.abort(new Error('enough'));

  await expect(withdrawn).rejects.toMatchObject({ code: 'ABORTED', detail: { outcome: 'nothing-written' } });
  await expect(written).rejects.toMatchObject({ code: 'ABORTED', detail: { outcome: 'unknown' } });
  await expect(hand.schedule('never', { delayMs: 10 }, AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' });
  await hand.pass(10);
  expect(writes).toHaveLength(1);
  expect(hand.fired()).toEqual(['written']);
});

test('a timer too many is refused, and one in the place of another is not', async () => {
  const hand = await timersInHand({ pendingMax: 2 });
  await hand.schedule('a', { delayMs: 10, key: 'a' });
  await hand.schedule('b', { delayMs: 20, key: 'b' });

  const refused = hand.schedule('c', { delayMs: 30, key: 'c' });

  await expect(refused).rejects.toMatchObject({ code: 'TIMERS_FULL', detail: { max: 2 } });
  expect(await hand.schedule('b2', { delayMs: 20, key: 'b' })).toBe(true);
  await hand.pass(10);
  await hand.schedule('d', { delayMs: 5, key: 'd' });
  await hand.pass(1000);
  expect(hand.fired()).toEqual(['a', 'd', 'b2']);
});

test('a full store refuses an order, and the count of timers stays right', async () => {
  const hand = await timersInHand({ pendingMax: 1 });
  const write = hand.store.write;
  Object.assign(hand.store, { write: () => Promise.reject(full()) });

  await expect(hand.schedule('a', { delayMs: 10 })).rejects.toMatchObject({ code: 'STORE_FULL' });

  Object.assign(hand.store, { write });
  expect(await hand.schedule('b', { delayMs: 10 })).toBe(false);
  await hand.pass(10);
  expect(hand.fired()).toEqual(['b']);
});

test('more timers than one batch takes fire one batch after the other, in order', async () => {
  const hand = await timersInHand();
  const types = Array.from({ length: 5000 }, (_, index) => `t${index}`);
  await Promise.all(types.map((type, index) => hand.schedule(type, { at: startMs + 1 + (index >> 2) })));
  const appends: number[] = [];
  const append = hand.store.append;
  Object.assign(hand.store, {
    append: (request: Parameters<typeof append>[0]) => {
      appends.push(request.types.length);
      return append(request);
    },
  });

  hand.clock.increment(100_000);
  await hand.service.fireDue();

  expect(hand.fired()).toEqual(types);
  expect(appends.length).toBeGreaterThan(2);
});

test('a close ends firing, lets the append under way finish, and writes what was ordered before', async () => {
  const hand = await timersInHand();
  const { promise, resolve } = Promise.withResolvers<void>();
  await hand.schedule('first', { delayMs: 10 });
  await hand.schedule('later', { delayMs: 20 });
  hand.hooks.beforeAppend = () => promise;
  await hand.pass(10);
  const ordered = hand.schedule('ordered', { delayMs: 0 });
  hand.clock.increment(10);

  const closed = hand.service.close();
  await expect(hand.schedule('refused', { delayMs: 0 })).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  await expect(hand.service.fireDue()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  resolve();

  expect(await ordered).toBe(false);
  await closed;
  await hand.pass(60_000);
  expect(hand.fired()).toEqual(['first']);
});
