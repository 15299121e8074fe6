import { describe, expect, test } from 'vitest';
import { actorLines } from '../../../src/dashboard/page/actor-tree.ts';
import { bytes, lasting, micros, rate, shortCount, shortSpan, span } from '../../../src/dashboard/page/format.ts';
import { listed, stateCounts } from '../../../src/dashboard/page/processor-list.ts';
import { sparkline } from '../../../src/dashboard/page/spark.ts';
import type { ActorRow, ProcessorRow } from '../../../src/dashboard/wire.ts';

function row(name: string, state: string, changes: Partial<ProcessorRow> = {}): ProcessorRow {
  const numbers = { position: 0, lag: 0, rate: 0, handled: 0, attempts: 0, sinceMs: 1, partitions: 0 };
  return { name, kind: 'processor', state, tags: [], ...numbers, deadLetters: 0, parked: 0, ...changes };
}

describe('the list of processors', () => {
  const rows = [
    row('c', 'live', { lag: 5 }),
    row('a', 'paused'),
    row('b', 'failed', { lastError: { name: 'E', message: 'No Email' } }),
  ];
  const names = (choice: Partial<Parameters<typeof listed>[1]>) =>
    listed(rows, { text: '', state: '', sort: '', ...choice }).map(({ name }) => name);

  test('is ordered by name, so that lines stay where they are', () => {
    expect(names({})).toEqual(['a', 'b', 'c']);
    expect(names({ sort: 'nonsense' })).toEqual(['a', 'b', 'c']);
  });

  test('can be ordered by trouble and by numbers', () => {
    expect(names({ sort: 'trouble' })).toEqual(['b', 'c', 'a']);
    expect(names({ sort: 'lag' })).toEqual(['c', 'a', 'b']);
  });

  test('is filtered by state, by name and by error', () => {
    expect(names({ state: 'live' })).toEqual(['c']);
    expect(names({ text: 'B' })).toEqual(['b']);
    expect(names({ text: 'email' })).toEqual(['b']);
  });

  test('counts its states, worst first', () => {
    expect(stateCounts([...rows, row('d', 'live')])).toEqual([
      ['failed', 1],
      ['live', 2],
      ['paused', 1],
    ]);
  });
});

describe('the tree of actors', () => {
  const actor = (id: string, parent?: string, rateNow = 1): ActorRow => ({
    id,
    kind: 'child',
    name: id,
    messages: 0,
    rate: rateNow,
    ...(parent !== undefined && { parent }),
  });
  const rows = [actor('bus'), actor('p1', 'bus'), actor('p1.0', 'p1', 2), actor('p1.1', 'p1', 3), actor('p2', 'bus')];
  const ids = (turned: string[], text = '', all = rows) =>
    actorLines(all, new Set(turned), text).map((line) => line.actor.id);

  test('shows the roots open and what is below folded, with the messages of what is folded away', () => {
    expect(ids([])).toEqual(['bus', 'p1', 'p2']);
    expect(actorLines(rows, new Set(), '')[1]).toMatchObject({ depth: 1, below: 2, isOpen: false, rate: 6 });
  });

  test('is opened and folded', () => {
    expect(ids(['p1'])).toEqual(['bus', 'p1', 'p1.0', 'p1.1', 'p2']);
    expect(ids(['bus'])).toEqual(['bus']);
  });

  test('shows what is searched for with all that leads to it', () => {
    expect(ids([], 'P1.1')).toEqual(['bus', 'p1', 'p1.1']);
    expect(ids([], 'nothing')).toEqual([]);
  });

  test('takes an actor whose parent is not there for a root', () => {
    expect(ids([], '', [actor('orphan', 'gone'), actor('own', 'own')])).toEqual(['orphan', 'own']);
  });
});

describe('a sparkline', () => {
  test('ends at the right, touches the top with its highest value and the bottom with 0', () => {
    expect(sparkline([0, 4, 2], { width: 10, height: 8, slots: 11 }).line).toBe('M8 8L9 0L10 4');
  });

  test('is nothing with less than two values, and flat with nothing but 0', () => {
    expect(sparkline([7], { width: 10, height: 8, slots: 11 }).line).toBe('');
    expect(sparkline([0, 0], { width: 10, height: 8, slots: 11 }).line).toBe('M9 8L10 8');
  });
});

test('numbers are short, and never show more than is known', () => {
  expect([shortCount(9999), shortCount(12_345), rate(0), rate(0.01), rate(3.14), rate(1234.5)]).toEqual([
    '9,999',
    '12.3K',
    '0',
    '<0.1',
    '3.1',
    '1,235',
  ]);
  expect([bytes(0), bytes(1023), bytes(1536), bytes(412e6)]).toEqual(['0 B', '1023 B', '1.5 KiB', '393 MiB']);
  expect([micros(870), micros(1530), micros(12_300), micros(2_500_000)]).toEqual([
    '870 µs',
    '1.5 ms',
    '12 ms',
    '2.5 s',
  ]);
  expect([span(-5), span(2400), span(45_000), span(600_000)]).toEqual(['0.0 s', '2.4 s', '45 s', '10 min']);
});

test('what still goes on is told in whole seconds, and never in negative ones', () => {
  expect([-5, 900, 9999, 12_000, 240_000].map(lasting)).toEqual(['0 s', '0 s', '9 s', '12 s', '4 min']);
});

test('a span that is over is told in milliseconds when it was short', () => {
  expect([-1, 0, 30, 999, 1400, 90_000].map(shortSpan)).toEqual(['0 ms', '0 ms', '30 ms', '999 ms', '1.4 s', '90 s']);
});
