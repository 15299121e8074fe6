import { expect, test } from 'vitest';
import { searchLog } from '#kernel/dashboard/log-search';
import type { Bus } from '#store';
import { clockOf } from '../kit/clock.ts';
import { tempBus } from '../kit/temp-store.ts';

async function searched(bus: Bus, direction: 'forward' | 'backward', types: readonly string[], low = 1, high = 40_000) {
  const found: number[] = [];
  const search = { filter: { types }, low, high, direction, signal: new AbortController().signal };
  const next = await searchLog(bus, search, ({ position }) => {
    found.push(position);
    return true;
  });
  return { found, next };
}

async function longLog(): Promise<Bus> {
  const bus = await tempBus();
  for (let index = 0; index < 4; index++) {
    await bus.append(
      'a',
      Array.from({ length: 10_000 }, (_, at) => ({ type: at % 1000 === 0 ? 'rare' : 'noise' })),
    );
  }
  return bus;
}

test('a search that takes too long tells where to go on, and in the end nothing was missed', async () => {
  const bus = await longLog();
  const all = await searched(bus, 'forward', ['rare']);
  expect(all.next).toBeUndefined();
  expect(all.found).toHaveLength(40);
  clockOf(150);
  for (const types of [['rare'], ['noise'], ['none']]) {
    const count = types[0] === 'rare' ? 40 : types[0] === 'noise' ? 39_960 : 0;
    let found = 0;
    let answers = 0;
    for (let from: number | undefined = 1; from !== undefined; answers++) {
      const part: Awaited<ReturnType<typeof searched>> = await searched(bus, 'forward', types, from);
      found += part.found.length;
      from = part.next;
    }
    expect([types, found]).toEqual([types, count]);
    expect(answers).toBeGreaterThan(1);
    found = 0;
    for (let to: number | undefined = 40_000; to !== undefined; ) {
      const part: Awaited<ReturnType<typeof searched>> = await searched(bus, 'backward', types, 1, to);
      found += part.found.length;
      to = part.next;
    }
    expect([types, found]).toEqual([types, count]);
  }
});

test('a search gives the event loop a turn after each part of the log', async () => {
  const bus = await longLog();
  let turns = 0;
  let isOver = false;
  const turn = () => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await searched(bus, 'forward', ['none']);
  isOver = true;
  expect(turns).toBeGreaterThanOrEqual(5);
});
