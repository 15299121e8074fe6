import { expect, test } from 'vitest';
import { joined, missingBefore, passes, tailRowsMax, typesIn } from '../../../src/dashboard/page/pages/tail-rows.ts';
import type { EventRow } from '../../../src/dashboard/wire.ts';

const all = { type: '', prefix: '' };

test('live rows go above those that are there, newest first, each once', () => {
  const first = joined([], [row(11), row(12)], all, 10);

  const then = joined(first, [row(11), row(12), row(14), row(13)], all, 10);

  expect(then.map(({ position }) => position)).toEqual([14, 13, 12, 11]);
  expect(joined(then, [row(13)], all, 10)).toBe(then);
});

test('what was read already does not come live once more', () => {
  expect(joined([], [row(9), row(10)], all, 10)).toEqual([]);
});

test('live rows are as many as are kept, the newest', () => {
  const rows = joined(
    [],
    Array.from({ length: tailRowsMax + 5 }, (_, index) => row(index + 1)),
    all,
    0,
  );

  expect(rows).toHaveLength(tailRowsMax);
  expect(rows[0]?.position).toBe(tailRowsMax + 5);
});

test('a filter passes its type and streams with its prefix', () => {
  expect(passes(row(1, 'placed', 'order-1'), { type: 'placed', prefix: 'order' })).toBe(true);
  expect(passes(row(1, 'placed.late', 'order-1'), { type: 'placed', prefix: '' })).toBe(false);
  expect(passes(row(1, 'placed', 'x-order'), { type: '', prefix: 'order' })).toBe(false);
});

test('rows that came too fast to be shown are counted, unless they may have been filtered out', () => {
  const rows = [row(20), row(12), row(11)];

  expect(rows.map((_, index) => missingBefore(rows, index, all))).toEqual([7, 0, 0]);
  expect(missingBefore(rows, 0, { type: 'placed', prefix: '' })).toBe(0);
});

test('types are offered once each, in order', () => {
  expect(typesIn([row(1, 'b'), row(2, 'a'), row(3, 'b')])).toEqual(['a', 'b']);
});

function row(position: number, type = 'placed', stream = 'order-1'): EventRow {
  return { position, stream, version: position, type, id: `id-${position}`, timeMs: position };
}
