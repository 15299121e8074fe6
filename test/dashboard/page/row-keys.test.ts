import { expect, test } from 'vitest';
import { rowAfterKey } from '../../../src/dashboard/page/parts/row-keys.ts';

test.each([
  ['ArrowDown', 4, 5],
  ['ArrowUp', 4, 3],
  ['ArrowUp', 0, 0],
  ['ArrowDown', 99, 99],
  ['PageDown', 4, 13],
  ['PageUp', 4, 0],
  ['Home', 50, 0],
  ['End', 50, 99],
])('%s in row %i of a hundred goes to row %i', (key, from, to) => {
  expect(rowAfterKey(key, from, 100, 10)).toBe(to);
});

test('other keys, and an empty list, move nothing', () => {
  expect(rowAfterKey('Enter', 4, 100, 10)).toBeUndefined();
  expect(rowAfterKey('ArrowDown', 0, 0, 10)).toBeUndefined();
});
