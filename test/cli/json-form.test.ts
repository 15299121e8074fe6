/** The tagged form of `--json` is unambiguous: what was stored can be made from it again. */
import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonLine, taggedForm } from '#kernel/cli/json-form';
import { asStored, storableValue } from '../kit/arbitrary-payload.ts';

type Views = Readonly<Record<string, new (buffer: ArrayBuffer) => unknown>>;

/** The inverse, as a reader of the output would write it from `--help`. */
function untagged(form: unknown): unknown {
  if (typeof form !== 'object' || form === null) return form;
  if (Array.isArray(form)) return form.map(untagged);
  const [tag, ...others] = Object.keys(form);
  if (tag !== undefined && /^\$(?!\$)/.test(tag)) {
    expect(others).toEqual([]);
    return untaggedValue(tag, Object.values(form)[0] as never);
  }
  return Object.fromEntries(
    Object.entries(form).map(([key, member]) => [key.startsWith('$') ? key.slice(1) : key, untagged(member)]),
  );
}

function untaggedValue(tag: string, content: never): unknown {
  if (tag === '$undefined') return undefined;
  if (tag === '$number') return Number(content);
  if (tag === '$bigint') return BigInt(content);
  if (tag === '$date') return new Date(content ?? Number.NaN);
  if (tag === '$map') return new Map(untagged(content) as [unknown, unknown][]);
  if (tag === '$set') return new Set(untagged(content) as unknown[]);
  expect(tag).toBe('$binary');
  const { type, base64 } = content as { type: string; base64: string };
  const { buffer } = new Uint8Array(Buffer.from(base64, 'base64'));
  return type === 'ArrayBuffer' ? buffer : new ((globalThis as unknown as Views)[type] as Views[string])(buffer);
}

/** Tells values apart by type, content and order; unlike deep equality on Node 22, it takes two invalid dates for the same. */
function wholeText(value: unknown): string {
  return inspect(value, {
    depth: null,
    maxArrayLength: null,
    maxStringLength: null,
    breakLength: Number.POSITIVE_INFINITY,
  });
}

test('any stored value can be made again from its line of JSON', () => {
  fc.assert(
    fc.property(storableValue, (value) => {
      const stored = asStored(value);

      const line = jsonLine({ data: taggedForm(stored) });

      expect(wholeText(untagged(JSON.parse(line).data))).toBe(wholeText(stored));
    }),
  );
});

test.each([
  ['undefined', undefined, { $undefined: true }],
  ['a number JSON lacks', Number.NEGATIVE_INFINITY, { $number: '-Infinity' }],
  ['a bigint', -(2n ** 70n), { $bigint: '-1180591620717411303424' }],
  ['a date', new Date(978_309_220_000), { $date: '2001-01-01T00:33:40.000Z' }],
  ['an invalid date', new Date(Number.NaN), { $date: null }],
  ['a Map', new Map<unknown, unknown>([[1n, null]]), { $map: [[{ $bigint: '1' }, null]] }],
  ['a Set', new Set([undefined]), { $set: [{ $undefined: true }] }],
  ['bytes', Uint8Array.of(0, 1), { $binary: { type: 'Uint8Array', base64: 'AAE=' } }],
  ['a typed array', Uint16Array.of(1), { $binary: { type: 'Uint16Array', base64: 'AQA=' } }],
  ['a property that looks like a tag', { $bigint: '1' }, { $$bigint: '1' }],
  ['plain data', { a: [1, 'x', null, true] }, { a: [1, 'x', null, true] }],
])('%s has its documented form', (_, value, form) => {
  expect(taggedForm(value)).toEqual(form);
});

test('a line has no control character and no other end of line in it', () => {
  const line = jsonLine({ text: '\u0000\n\u001b\u007f\u0085\u009b\u2028\u2029' });

  expect(line).toBe('{"text":"\\u0000\\n\\u001b\\u007f\\u0085\\u009b\\u2028\\u2029"}\n');
});
