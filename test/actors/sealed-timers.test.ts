/** Timers of a store with encryption: sealed until they fire, and gone with their key. */
import { describe, expect, test } from 'vitest';
import { limits, type PendingTimer } from '#store';
import { collect } from '../kit/collect.ts';
import { sealedBus } from '../kit/sealed-bus.ts';
import { swapped } from '../kit/swapped-rows.ts';
import { tempBus } from '../kit/temp-store.ts';

const canary = 'K4n4r13nv0g3l';
const event = { type: 'Expired', data: { secret: canary }, metadata: { by: 'test' } };
const due = { delayMs: 500 };

async function scene(mode?: Parameters<typeof sealedBus>[1]) {
  const clock = { nowMs: 1_000_000 };
  const sealed = await sealedBus({ clock: () => clock.nowMs }, mode);
  const pass = async () => {
    clock.nowMs += 1000;
    await sealed.bus.fireTimers();
  };
  const keysOfTimers = async () => (await collect(sealed.bus.timers())).map(({ key }) => key);
  return { ...sealed, pass, keysOfTimers };
}

test('a pending timer is sealed, and listed as it was', async () => {
  const { bus, isStored } = await scene();

  await bus.schedule('a', event, { ...due, key: 'k' });

  const [timer] = (await collect(bus.timers())) as [PendingTimer];
  expect(timer).toMatchObject({ key: 'k', dueMs: 1_000_500, stream: 'a', ...event });
  expect(isStored(canary)).toBe(false);
  expect((await bus.verify()).problems).toEqual([]);
});

test('what fires is sealed like any event', async () => {
  const { bus, isStored, pass } = await scene();
  await bus.schedule('a', event, due);

  await pass();

  expect(await collect(bus.readStream('a'))).toMatchObject([event]);
  expect(isStored(canary)).toBe(false);
});

test('the name of a subject is not stored, and what fires is sealed with its key', async () => {
  const { bus, isStored, pass } = await scene();
  await bus.schedule('a', { ...event, subject: 'ada lovelace' }, due);
  await bus.schedule('a', event, due);
  expect(isStored('ada lovelace')).toBe(false);

  await pass();
  await bus.erase({ subject: 'ada lovelace' });

  const events = await collect(bus.readStream('a'));
  expect(events.map(({ erased, data }) => [erased, data])).toEqual([
    [true, undefined],
    [undefined, event.data],
  ]);
  expect(isStored('ada lovelace')).toBe(false);
});

test.each([
  ['stream', { stream: 'a' }, ['b', 'c']],
  ['subject', { subject: 'ada' }, ['a', 'c']],
] as const)('an erasure drops the timers of its %s, counts them, and they never fire', async (_kind, what, left) => {
  const { bus, pass, keysOfTimers, reported } = await scene();
  await bus.schedule('a', event, { ...due, key: 'a' });
  await bus.schedule('b', { ...event, subject: 'ada' }, { ...due, key: 'b' });
  await bus.schedule('c', { ...event, subject: 'bob' }, { ...due, key: 'c' });

  const { timersDropped } = await bus.erase(what);

  expect(timersDropped).toBe(1);
  expect(await keysOfTimers()).toEqual(left);
  expect(await bus.cancelTimer(left[0] === 'b' ? 'a' : 'b')).toBe(false);
  await pass();
  const fired = (await collect(bus.read())).filter(({ type }) => type === 'Expired');
  expect(fired.map(({ stream }) => stream)).toEqual(left);
  expect((await bus.verify()).problems).toEqual([]);
  expect(reported).toEqual([]);
});

test('schedule for what was erased is refused, and the others of the same write are not', async () => {
  const { bus, keysOfTimers } = await scene();
  await bus.append('a', { type: 'x' });
  await bus.erase({ stream: 'a' });

  const scheduled = await Promise.allSettled([
    bus.schedule('b', event, { ...due, key: '1' }),
    bus.schedule('a', event, { ...due, key: '2' }),
    bus.schedule('b', event, { ...due, key: '3' }),
  ]);

  expect(scheduled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(scheduled[1]).toMatchObject({ reason: { code: 'KEY_ERASED', detail: { stream: 'a' } } });
  expect(await keysOfTimers()).toEqual(['1', '3']);
  expect((await bus.verify()).problems).toEqual([]);
});

test('a timer for a subject needs a store with encryption', async () => {
  const bus = await tempBus({ encryption: undefined });

  const refused = bus.schedule('a', { ...event, subject: 'ada' }, due);

  await expect(refused).rejects.toMatchObject({ code: 'MASTER_KEY_REQUIRED' });
  expect(await collect(bus.timers())).toEqual([]);
});

describe('where the stream is not sealed', () => {
  test('a timer is as in a store without encryption, but for one of a subject', async () => {
    const { bus, isStored, pass } = await scene({ prefixes: ['s-'] });
    await bus.schedule('open', event, due);
    await bus.schedule('open', { type: 'of a person', data: 'another secret', subject: 'ada' }, due);
    expect(['another secret', canary].map(isStored)).toEqual([false, true]);

    await pass();

    expect((await collect(bus.readStream('open'))).map(({ type }) => type)).toEqual(['Expired', 'of a person']);
    expect(isStored('another secret')).toBe(false);
  });
});

test('a key that is erased between the look at what is due and its append takes its timer along, and no other', async () => {
  const { bus, pass, keysOfTimers, reported } = await scene();
  await bus.schedule('a', event, { ...due, key: 'a' });
  await bus.schedule('b', { ...event, subject: 'ada' }, { ...due, key: 'b' });
  await bus.schedule('c', event, { ...due, key: 'c' });

  // The erasure is in the queue before the append of what is due, whose look at the table comes first.
  const firing = pass();
  const erasing = bus.erase({ subject: 'ada' });
  await Promise.all([firing, erasing]);

  expect(await keysOfTimers()).toEqual([]);
  const fired = (await collect(bus.read())).filter(({ type, erased }) => type === 'Expired' && erased === undefined);
  expect(fired.map(({ stream }) => stream)).toEqual(['a', 'c']);
  expect((await bus.verify()).problems).toEqual([]);
  for (const error of reported) expect(error).toMatchObject({ code: 'KEY_ERASED' });
});

test('a timer of a row that was moved does not fire, and is told; the others do', async () => {
  const { bus, pass, store, reported } = await scene();
  await bus.schedule('a', event, { ...due, key: 'a' });
  await bus.schedule('b', event, { ...due, key: 'b' });
  await bus.schedule('c', event, { ...due, key: 'c' });
  // The first row counts the others.
  const rows = store.storage.rows.timers.splice(1, 2);
  swapped(rows);
  store.storage.rows.timers.splice(1, 0, ...rows);

  await pass();

  expect((await collect(bus.read())).map(({ stream }) => stream)).toEqual(['c']);
  expect(reported).toMatchObject([{ code: 'DECRYPTION_FAILED' }, { code: 'DECRYPTION_FAILED' }]);
  expect((await bus.verify()).ok).toBe(false);
});

test('a timer with the longest names is sealed and comes back', async () => {
  const { bus } = await scene();
  const longest = 'x'.repeat(limits.nameBytesMax);
  const key = 'k'.repeat(limits.timerKeyBytesMax);

  await bus.schedule(longest, { type: longest, subject: 's'.repeat(limits.subjectBytesMax) }, { ...due, key });

  expect(await collect(bus.timers())).toMatchObject([{ key, stream: longest, type: longest }]);
});
