/**
 * Random values that a store takes as data, and what they are when they come back.
 *
 * `storableValue` covers every type and every odd name; `asStored` is the model of what storing changes (see payload.ts).
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';

const text = fc
  .oneof(
    { weight: 24, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 40 }) },
    { weight: 16, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
    { weight: 1, arbitrary: fc.nat({ max: 7000 }).map((length) => 'aé漢😀'.repeat(length / 5 + 1).slice(0, length)) },
    // Lengths at which a header grows.
    { weight: 2, arbitrary: fc.constantFrom(23, 24, 25, 31, 32, 33, 255, 256).map((length) => 'x'.repeat(length)) },
    { weight: 1, arbitrary: fc.constantFrom(65_535, 65_536).map((length) => 'x'.repeat(length)) },
  )
  .map((value) => value.toWellFormed());

const oddNames = [
  '', '0', '1', '-1', '01', '4294967295', 'constructor', 'prototype', 'length', 'size', 'toJSON', 'toString', 'valueOf',
  'hasOwnProperty', '__keys__', '__defineGetter__', 'then', 'a b', 'a.b', 'é', '😀', 'x'.repeat(31), 'x'.repeat(32),
  'x'.repeat(300),
]; // biome-ignore format: one line for each dozen

/** A property name that can be stored. */
export const storableName = fc
  .oneof(fc.constantFrom('id', 'name', 'items', 'total'), fc.constantFrom(...oddNames), text)
  .filter((name) => name !== '__proto__');

const number = fc.oneof(
  fc.integer(),
  fc.integer({ min: -300, max: 300 }),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(0, -0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -32, -33, -128, -129, -32_768,
    -32_769, -(2 ** 31), -(2 ** 31) - 1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324),
); // biome-ignore format: one line for each dozen

const bigint = fc.oneof(
  fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }),
  fc.bigInt({ min: -(2n ** 2100n), max: 2n ** 2100n }),
  fc.constantFrom(0n, 1n, -1n, 2n ** 63n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 63n) - 1n, 2n ** 64n - 1n, 2n ** 64n),
);

const date = fc.oneof(
  fc.date(),
  fc.constantFrom(0, -1, 8.64e15, -8.64e15, Number.NaN, 1).map((timeMs) => new Date(timeMs)),
);

const bytes = fc.oneof(
  { weight: 20, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 254, 255, 256, 65_536).map((length) => new Uint8Array(length)) },
);

type MakeView = new (buffer: ArrayBuffer, byteOffset?: number, length?: number) => ArrayBufferView;

const views: readonly MakeView[] = [
  Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array,
  BigInt64Array, BigUint64Array, DataView,
]; // biome-ignore format: one line for each dozen

/** A view that starts inside of a larger buffer. */
const view = fc.tuple(fc.constantFrom(...views), fc.uint8Array({ maxLength: 80 })).map(([View, content]) => {
  const buffer = new ArrayBuffer(content.length + 16);
  new Uint8Array(buffer).set(content, 8);
  const size = 'BYTES_PER_ELEMENT' in View ? Number(View.BYTES_PER_ELEMENT) : 1;
  return new View(buffer, 8, Math.floor(content.length / size));
});

const binary = fc.oneof(
  bytes,
  bytes.map((content) => content.buffer),
  bytes.map((content) => Buffer.from(content)),
  view,
);

const leaf = fc.oneof(
  { weight: 3, arbitrary: text },
  { weight: 3, arbitrary: number },
  fc.boolean(),
  fc.constantFrom(null, undefined),
  bigint,
  date,
  binary,
);

function objectOf(entries: readonly (readonly [string, unknown])[], prototype: object | null): Record<string, unknown> {
  const object: Record<string, unknown> = Object.create(prototype);
  for (const [name, value] of entries) object[name] = value;
  return object;
}

function withHoles(items: unknown[], holes: readonly number[]): unknown[] {
  for (const hole of holes) delete items[hole];
  return items;
}

const prototypes = fc.constantFrom(Object.prototype, Object.prototype, null);

function objects(member: fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, unknown>> {
  return fc
    .tuple(fc.array(fc.tuple(storableName, member), { maxLength: 24 }), prototypes)
    .map((made) => objectOf(...made));
}

const { value } = fc.letrec<{ value: unknown; container: unknown }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, tie('container')),
  container: fc.oneof(
    { weight: 4, arbitrary: objects(tie('value')) },
    { weight: 3, arbitrary: fc.array(tie('value'), { maxLength: 20 }) },
    fc.tuple(fc.array(tie('value'), { maxLength: 5 }), fc.array(fc.nat(6))).map((made) => withHoles(...made)),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 5 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 5 }).map((members) => new Set(members)),
  ),
}));

/** Any value that `append` takes as data. */
export const storableValue: fc.Arbitrary<unknown> = value;

/** Any object that `append` takes as metadata. */
export const storableMetadata: fc.Arbitrary<Record<string, unknown>> = objects(value);

/** What `value` is after it was stored: other forms of the same content become one. */
export function asStored(value: unknown): unknown {
  if (typeof value === 'number') return value === 0 ? 0 : value;
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return Array.from(value, asStored);
  if (value instanceof Map) return new Map(Array.from(value, ([key, member]) => [asStored(key), asStored(member)]));
  if (value instanceof Set) return new Set(Array.from(value, asStored));
  if (value instanceof ArrayBuffer) return value;
  if (ArrayBuffer.isView(value)) return viewAsStored(value);
  return objectOf(
    Object.entries(value).map(([name, member]) => [name, asStored(member)]),
    Object.prototype,
  );
}

function viewAsStored(value: ArrayBufferView): ArrayBufferView {
  const buffer = value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength) as ArrayBuffer;
  if (Buffer.isBuffer(value)) return new Uint8Array(buffer);
  return new (value.constructor as MakeView)(buffer);
}

/** Deep equality that sees all a store must keep: -0, holes, prototypes, and the order of names, entries and members. */
export function assertSame(actual: unknown, expected: unknown): void {
  assert.deepStrictEqual(datesAsTimes(actual), datesAsTimes(expected));
  assert.deepStrictEqual(orderOf(actual), orderOf(expected));
}

/** Stands for a Date: Node 22 takes two invalid Dates for different. */
class DateTime {
  readonly timeMs: number;

  constructor(timeMs: number) {
    this.timeMs = timeMs;
  }
}

function datesAsTimes(value: unknown): unknown {
  if (value instanceof Date) return new DateTime(value.getTime());
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
    return value;
  if (value instanceof Map)
    return new Map(Array.from(value, ([key, member]) => [datesAsTimes(key), datesAsTimes(member)]));
  if (value instanceof Set) return new Set(Array.from(value, datesAsTimes));
  if (Array.isArray(value)) return Object.assign([...value], value.map(datesAsTimes));
  return objectOf(
    Object.entries(value).map(([name, member]) => [name, datesAsTimes(member)]),
    Object.getPrototypeOf(value) as object | null,
  );
}

/** Everything in `value` as lists. */
function orderOf(value: unknown): unknown {
  if (value instanceof Date) return new DateTime(value.getTime());
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (value instanceof ArrayBuffer) return value;
  if (value instanceof Map) return Array.from(value, ([key, member]) => [orderOf(key), orderOf(member)]);
  if (Array.isArray(value) || value instanceof Set) return Array.from(value, orderOf);
  return Object.entries(value).map(([name, member]) => [name, orderOf(member)]);
}
