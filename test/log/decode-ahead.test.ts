import { describe, expect, test } from 'vitest';
import { DecodeAhead } from '#kernel/log/decode-ahead';
import type { Bus, StoredEvent } from '#store';
import { tempBus } from '../kit/temp-store.ts';

const pageEvents = 1024;

/** A bus with three pages of events, each with data and metadata of its own. */
async function threePages(): Promise<Bus> {
  const bus = await tempBus();
  const events = Array.from({ length: 3 * pageEvents }, (_, n) => ({
    type: 'made',
    data: { n },
    metadata: { half: n / 2 },
  }));
  await bus.append('a', events);
  return bus;
}

function isLazy(event: StoredEvent): boolean {
  return Object.getOwnPropertyDescriptor(event, 'data')?.get !== undefined;
}

async function lazinessOfPages(bus: Bus, use: (event: StoredEvent) => void): Promise<boolean[]> {
  const lazy: boolean[] = [];
  for await (const page of bus.read().pages()) {
    lazy.push(page.every(isLazy));
    page.forEach(use);
  }
  return lazy;
}

describe('a read whose consumer asks for all data', () => {
  test('decodes the pages behind the first ahead', async () => {
    const bus = await threePages();

    const lazy = await lazinessOfPages(bus, (event) => event.data);

    expect(lazy).toEqual([true, false, false]);
  });

  test('gives the same events either way', async () => {
    const bus = await threePages();
    const events: StoredEvent[] = [];

    for await (const page of bus.read({ direction: 'backward' }).pages()) {
      for (const event of page) if (event.data.n >= 0) events.push(event);
    }

    expect(events.some(isLazy)).toBe(true);
    expect(events.every(isLazy)).toBe(false);
    expect(events.reverse().map(({ data, metadata }) => ({ data, metadata }))).toEqual(
      Array.from({ length: 3 * pageEvents }, (_, n) => ({ data: { n }, metadata: { half: n / 2 } })),
    );
  });
});

test('a read whose consumer asks for some data only stays lazy', async () => {
  const bus = await threePages();

  const lazy = await lazinessOfPages(bus, (event) => (event.version % 5 === 0 ? event.data : undefined));

  expect(lazy).toEqual([true, true, true]);
});

test('now and then a page is lazy again, to see whether data is still asked for', () => {
  const ahead = new DecodeAhead();
  const decisions: boolean[] = [];

  for (let page = 0; page < 40; page++) {
    const isAhead = ahead.nextPage();
    decisions.push(isAhead);
    if (!isAhead && page < 20) ahead.count.given = ahead.count.decoded = 10;
    if (!isAhead && page >= 20) ahead.count.given = 10;
  }

  expect(decisions.indexOf(false, 1)).toBe(16);
  expect(decisions.slice(16).indexOf(false, 1)).toBe(16);
  expect(decisions.slice(32)).toEqual(Array(8).fill(false));
});
