import fc from 'fast-check';
import { expect, test } from 'vitest';
import { taggedForm } from '#kernel/cli/json-form';
import { jsonText } from '#kernel/dashboard/json-text';
import { asStored, storableValue } from '../kit/arbitrary-payload.ts';

const whole = Number.MAX_SAFE_INTEGER;

test('a value is the text that the command line gives it, indented or not', () => {
  fc.assert(
    fc.property(storableValue, (value) => {
      const stored = asStored(value);
      const form = taggedForm(stored);
      expect(jsonText(stored, whole)).toEqual({ text: JSON.stringify(form, undefined, 2), isCut: false });
      expect(jsonText(stored, whole, 0)).toEqual({ text: JSON.stringify(form), isCut: false });
    }),
  );
});

test('a text that is cut is the beginning of the whole one, no longer than it may be, and says so', () => {
  fc.assert(
    fc.property(storableValue, fc.nat({ max: 200 }), (value, max) => {
      const { text } = jsonText(value, whole);
      const shown = jsonText(value, max);
      expect(shown.isCut).toBe(text.length > max);
      expect(shown.text.length).toBeLessThanOrEqual(max);
      if (!shown.isCut) expect(shown.text).toBe(text);
    }),
  );
});

test('no more of a value is looked at than is shown', () => {
  let looked = 0;
  const items = Array.from({ length: 1000 }, (_, index) =>
    Object.defineProperty({}, 'index', {
      enumerable: true,
      get: () => {
        looked++;
        return index;
      },
    }),
  );
  expect(jsonText(items, 100).isCut).toBe(true);
  expect(looked).toBeLessThan(10);
  expect(jsonText(new Map(items.map((item, index) => [index, item])), 100).isCut).toBe(true);
  expect(jsonText(new Set(items), 100).isCut).toBe(true);
  expect(looked).toBeLessThan(30);
  expect(jsonText(new Uint8Array(8 * 2 ** 20), 100).text).toHaveLength(100);
});
