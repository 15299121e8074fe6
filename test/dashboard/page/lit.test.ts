import { expect, test } from 'vitest';
import { isJustTaken } from '../../../src/dashboard/page/lit.ts';

test('an edge is lit only when it was taken a moment ago: not one from before the page came', () => {
  expect(isJustTaken({ atMs: 10_000 }, 10_300)).toBe(true);
  expect(isJustTaken({ atMs: 10_000 }, 13_000)).toBe(false);
});

test('one whose time the clock of the page has not come to is lit', () => {
  expect(isJustTaken({ atMs: 10_000 }, 9990)).toBe(true);
});
