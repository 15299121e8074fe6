import fc from 'fast-check';
import { expect, test } from 'vitest';
import { viewStart, widestThatFits } from '../../../src/dashboard/page/parts/view-start.ts';

const views = fc.record({ start: fc.nat(2000), size: fc.integer({ min: 1, max: 1000 }) });
const things = fc.tuple(fc.nat(3000), fc.nat(1500)).map(([from, length]) => ({ from, to: from + length }));

test('whatever was brought into view is seen, its beginning at least, and brings nothing into motion when it comes again', () => {
  fc.assert(
    fc.property(views, things, (view, thing) => {
      const start = viewStart(view, thing);
      expect(start).toBeLessThanOrEqual(thing.from);
      if (thing.to - thing.from <= view.size) expect(thing.to).toBeLessThanOrEqual(start + view.size);
      expect(viewStart({ ...view, start }, thing)).toBe(start);
    }),
  );
});

test('a view that shows all of it stays, another moves no further than it must, with some room', () => {
  const view = { start: 400, size: 700 };
  expect(viewStart(view, { from: 400, to: 1100 })).toBe(400);
  expect(viewStart(view, { from: 300, to: 330 })).toBe(252);
  expect(viewStart(view, { from: 1090, to: 1120 })).toBe(468);
  expect(viewStart(view, { from: 100, to: 790 })).toBe(95);
});

test('a thing is shown with what is around it as far as that has room', () => {
  const thing = { from: 300, to: 330 };
  const [box, machine] = [
    { from: 250, to: 550 },
    { from: 0, to: 1200 },
  ];
  expect(widestThatFits(1300, thing, [box, machine])).toEqual(machine);
  expect(widestThatFits(700, thing, [machine, box])).toEqual(box);
  expect(widestThatFits(200, thing, [box, machine])).toEqual(thing);
  expect(widestThatFits(200, thing, [])).toEqual(thing);
});
