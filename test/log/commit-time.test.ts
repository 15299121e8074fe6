import { expect, test } from 'vitest';
import { limits } from '#store';
import { collect } from '../kit/collect.ts';
import { tempStore } from '../kit/temp-store.ts';

const event = { type: 'placed' };

/** A bus whose clock shows `time.now()`. */
async function timedBus(now: () => number) {
  const time = { now };
  const store = tempStore();
  const open = () => store.openBus({ clock: () => time.now() });
  return { time, store, open, bus: await open() };
}

test('all events of a commit have the time of the clock', async () => {
  const { bus } = await timedBus(() => 1234);

  await bus.append('a', [event, event]);

  expect((await collect(bus.read())).map(({ timeMs }) => timeMs)).toEqual([1234, 1234]);
});

test('a clock between two milliseconds is rounded down', async () => {
  const { bus } = await timedBus(() => 1234.9);

  await bus.append('a', event);

  expect((await bus.event(1))?.timeMs).toBe(1234);
});

test('the time never goes back, though the clock does', async () => {
  const { bus, time } = await timedBus(() => 5000);
  await bus.append('a', event);

  for (const shown of [4000, 6000, 5500, 0]) {
    time.now = () => shown;
    await bus.append('a', event);
  }

  expect((await collect(bus.read())).map(({ timeMs }) => timeMs)).toEqual([5000, 5000, 6000, 6000, 6000]);
});

test.each(['closed', 'crashed'] as const)(
  'the time does not go back when the store is opened again after it was %s',
  async (how) => {
    const { bus, time, open, store } = await timedBus(() => 5000);
    await bus.append('a', event);
    if (how === 'closed') await bus.close();
    else store.crash(bus);
    time.now = () => 4000;

    const again = await open();
    await again.append('a', event);

    expect((await collect(again.read())).map(({ timeMs }) => timeMs)).toEqual([5000, 5000]);
    expect((await again.verify()).problems).toEqual([]);
  },
);

test.each<[string, () => number]>([
  [
    'throws',
    () => {
      throw new Error('no clock');
    },
  ],
  ['gives NaN', () => Number.NaN],
  ['gives a negative time', () => -1],
  ['gives infinity', () => Number.POSITIVE_INFINITY],
  ['gives a time beyond 48 bits', () => limits.u48Max + 1],
  ['gives text', () => 'noon' as unknown as number],
  ['gives a bigint', () => 1234n as unknown as number],
  ['gives nothing', () => undefined as unknown as number],
])('a clock that %s is replaced by that of the system', async (_, clock) => {
  const { bus } = await timedBus(clock);
  const before = Date.now();

  await bus.append('a', event);

  const timeMs = (await bus.event(1))?.timeMs as number;
  expect(timeMs).toBeGreaterThanOrEqual(before);
  expect(timeMs).toBeLessThanOrEqual(Date.now());
});

test('a time as large as 48 bits hold is stored', async () => {
  const { bus } = await timedBus(() => limits.u48Max);

  await bus.append('a', event);
  await bus.append('a', event);

  expect((await collect(bus.read())).map(({ timeMs }) => timeMs)).toEqual([limits.u48Max, limits.u48Max]);
});
