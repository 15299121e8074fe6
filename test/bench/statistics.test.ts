import { expect, test } from 'vitest';
import { median, pairedRatio, summarize, turns } from '../../bench/statistics.ts';

test.each([
  [[5], 5],
  [[9, 1, 5], 5],
  [[10, 9, 1, 2], 5.5],
])('the median of %j is %d', (samples, expected) => {
  expect(median(samples)).toBe(expected);
});

test('the median of nothing is refused', () => {
  expect(() => median([])).toThrow(RangeError);
});

test('the median leaves the samples in their order', () => {
  const samples = [3, 1, 2];

  median(samples);

  expect(samples).toEqual([3, 1, 2]);
});

test('a summary has the median and both ends', () => {
  expect(summarize([30, 10, 20])).toEqual({ value: 20, min: 10, max: 30 });
});

test('the ratio is that of the rounds, which one disturbed round does not move', () => {
  const subject = [200, 20, 220];
  const peer = [100, 100, 110];

  expect(pairedRatio(subject, peer, false)).toBe(2);
});

test('the ratio is above 1 for the one that needs less, where less is better', () => {
  expect(pairedRatio([5, 5], [10, 10], true)).toBe(2);
});

test('rounds with a sample missing have no ratio', () => {
  expect(() => pairedRatio([1, 2], [1], false)).toThrow(RangeError);
});

test('the order of turns is turned round in every second round', () => {
  expect([0, 1, 2].map((round) => turns(['a', 'b', 'c'], round).join(''))).toEqual(['abc', 'cba', 'abc']);
});
