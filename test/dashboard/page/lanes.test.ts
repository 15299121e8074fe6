import { describe, expect, test } from 'vitest';
import { type Lane, laneIn, lanesOf, stretches, timed, worstLane } from '../../../src/dashboard/page/lanes.ts';
import { actionButtons, positionIn } from '../../../src/dashboard/page/processor-actions.ts';
import type { ActionName } from '../../../src/dashboard/wire.ts';

const lane: Lane = { active: ['live'], can: [] };

describe('lanes', () => {
  test('are those of the topic, in their order, up to the first that is not there', () => {
    expect(
      lanesOf({ 'lane:1': lane, 'lane:0': { ...lane, can: ['STOP'] }, 'lane:3': lane }).map(({ can }) => can),
    ).toEqual([['STOP'], []]);
    expect(lanesOf({})).toEqual([]);
  });

  test('one that has failed is looked at first, then one in trouble, then the first', () => {
    expect(worstLane(['live', 'retrying', 'failed', 'live'])).toBe(2);
    expect(worstLane(['live', 'poisoned', 'retrying'])).toBe(1);
    expect(worstLane(['live', 'catching-up', 'paused'])).toBe(0);
  });

  test('a query names one that is there, or none', () => {
    expect(laneIn('3', 4)).toBe(3);
    for (const text of ['', '4', '-1', '1.5', '1e0', 'x']) expect(laneIn(text, 4)).toBeUndefined();
  });
});

describe('the band of states', () => {
  const changes = [
    { from: 'live', to: 'retrying', atMs: 900 },
    { from: 'catching-up', to: 'live', atMs: 500 },
    { from: 'loading', to: 'catching-up', atMs: 100 },
  ] as const;

  test('covers its time with what the lane was in, oldest first, and is cut at its beginning', () => {
    expect(stretches(changes, 'retrying', 300, 1000)).toEqual([
      { state: 'catching-up', fromMs: 300, toMs: 500 },
      { state: 'live', fromMs: 500, toMs: 900 },
      { state: 'retrying', fromMs: 900, toMs: 1000 },
    ]);
  });

  test('leaves out what was before the oldest change that is known', () => {
    expect(stretches(changes, 'retrying', 0, 1000)[0]).toEqual({ state: 'catching-up', fromMs: 100, toMs: 500 });
    expect(stretches([], 'live', 0, 1000)).toEqual([]);
  });

  test('takes a change that the clock of the page has not come to yet as one of now', () => {
    expect(stretches([{ from: 'live', to: 'failed', atMs: 1005 }, changes[1]], 'failed', 0, 1000)).toEqual([
      { state: 'live', fromMs: 500, toMs: 1000 },
    ]);
  });
});

test('a change of state ends with the next one of its lane, and the last one of each goes on', () => {
  const change = (lane: number, atMs: number) => ({ lane, atMs, from: 'live', to: 'retrying' }) as const;

  expect(timed([change(0, 900), change(1, 800), change(0, 500)]).map(({ untilMs }) => untilMs)).toEqual([
    undefined,
    undefined,
    900,
  ]);
});

describe('buttons', () => {
  const all: ActionName[] = ['start', 'stop', 'pause', 'resume', 'retry', 'skip', 'reset', 'rebuild', 'retry-letters'];
  const possible = (...args: Parameters<typeof actionButtons>) =>
    actionButtons(...args).flatMap(({ action, isPossible }) => (isPossible ? [action] : []));

  test('are possible when a lane allows their order', () => {
    expect(
      possible('processor', all, [
        ['STOP', 'PAUSE', 'RESET'],
        ['RETRY_NOW', 'SKIP'],
      ]),
    ).toEqual(['pause', 'retry', 'skip', 'reset', 'stop']);
    expect(possible('processor', all, [])).toEqual([]);
  });

  test('are there only for what may be ordered at all', () => {
    expect(actionButtons('processor', [], [['STOP']])).toEqual([]);
    expect(actionButtons('processor', ['stop', 'discard-letters'], [[]]).map(({ action }) => action)).toEqual(['stop']);
  });

  test('of a projection rebuild it instead of moving it', () => {
    const of = (kind: 'processor' | 'projection') => actionButtons(kind, all, [['RESET']]).map(({ action }) => action);

    expect(of('projection')).toContain('rebuild');
    expect(of('projection')).not.toContain('reset');
    expect(of('processor')).toContain('reset');
    expect(of('processor')).not.toContain('rebuild');
    expect(possible('projection', all, [[]])).toEqual(['rebuild']);
  });
});

test('a position is a whole number up to the head, written as people write it', () => {
  expect(positionIn('1,234', 2000)).toBe(1234);
  expect(positionIn(' 0 ', 2000)).toBe(0);
  for (const text of ['', '-1', '2001', '1e3x', 'all', '∞']) expect(positionIn(text, 2000)).toBeUndefined();
});
