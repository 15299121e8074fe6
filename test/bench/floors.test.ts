import { expect, test } from 'vitest';
import { ratioFloor, valueFloor } from '../../bench/floors.ts';

test('a floor is for one peer in one case', () => {
  expect(ratioFloor('append-1', 'varvebus-inline', 1)).toEqual({ limit: 0.8, isMet: true });
  expect(ratioFloor('append-1', 'lmdb-js', 1)).toEqual({ limit: 0.7, isMet: true });
  expect(ratioFloor('append-1', 'lmdb-js-shared', 1)).toBeUndefined();
  expect(ratioFloor('read-random', 'lmdb-js', 1)).toBeUndefined();
});

test.each([
  ['append-1', 'varvebus-inline', 1 / 1.25],
  ['live-200', 'append-1', 1 / 1.6],
])('in %s the way may be that much longer than that of %s, and no more', (id, peer, ratio) => {
  expect(ratioFloor(id, peer, ratio)?.isMet).toBe(true);
  expect(ratioFloor(id, peer, ratio * 0.999)?.isMet).toBe(false);
});

test('where more is better a value has to reach its floor', () => {
  expect(valueFloor('drain', 'events/s', 1_000_000)).toEqual({ limit: 1_000_000, isMet: true });
  expect(valueFloor('drain', 'events/s', 999_999)?.isMet).toBe(false);
});

test('where less is better a value must not exceed its floor', () => {
  expect(valueFloor('delay-1024', 'ms', 5)).toEqual({ limit: 5, isMet: true });
  expect(valueFloor('delay-1024', 'ms', 5.01)?.isMet).toBe(false);
});

test('a case that is only compared has no floor of its own', () => {
  expect(valueFloor('append-1', 'events/s', 1)).toBeUndefined();
});
