/** Rows of the small tables: round trips, key order, and damage. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeCursorRow,
  decodeIdempotencyRow,
  decodeIndexRun,
  decodeStreamRow,
  encodeCursorRow,
  encodeIdempotencyRow,
  encodeIndexRun,
  encodeStreamRow,
  type IndexEntry,
  indexKey,
  keyBehindPrefix,
  openRow,
  runVersionOf,
  sealRow,
  textKey,
} from '#kernel/codec/row';
import { limits } from '#store';

const number48 = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: limits.u48Max }));
const name = fc
  .string({ minLength: 1, maxLength: 40, unit: 'grapheme' })
  .filter((text) => text.isWellFormed() && !/\p{Cc}/u.test(text));
const key = name.map(textKey);

/** Entries as a stream has them: positions ascend, and each lies in a block that begins at or before it. */
const entries: fc.Arbitrary<IndexEntry[]> = fc
  .array(fc.record({ step: fc.oneof(fc.nat(3), fc.nat(2 ** 30)), back: fc.nat(4000) }), {
    maxLength: limits.indexRunEventsMax,
  })
  .map((steps) => {
    let position = 0;
    let block = 1;
    return steps.map(({ step, back }) => {
      position += 1 + step;
      block = Math.max(block, position - back);
      return { position, block };
    });
  });

const corrupt = expect.objectContaining({ code: 'STORE_CORRUPT' });

test('a row of streams comes back as it was', () => {
  fc.assert(
    fc.property(key, number48, number48, number48, fc.nat(), (at, version, lastPosition, runVersion, keyId) => {
      const row = { version, lastPosition, runVersion, keyId };

      expect(decodeStreamRow(at, encodeStreamRow(at, row))).toEqual(row);
    }),
  );
});

test('a row of a key comes back as it was', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(key, number48, fc.nat(), number48, hash, (at, firstPosition, eventCount, timeMs, content) => {
      const row = { firstPosition, eventCount, timeMs, hash: content };

      expect(decodeIdempotencyRow(at, encodeIdempotencyRow(at, row))).toEqual(row);
    }),
  );
});

test('the row of a cursor comes back as it was', () => {
  const incarnation = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(key, number48, fc.nat(), number48, incarnation, (at, position, generation, updatedMs, of) => {
      const row = { position, generation, updatedMs, incarnation: of };

      expect(decodeCursorRow(at, encodeCursorRow(at, row))).toEqual(row);
    }),
  );
});

test('a run comes back as it was', () => {
  fc.assert(
    fc.property(key, entries, (at, run) => {
      expect(decodeIndexRun(at, encodeIndexRun(at, run))).toEqual(run);
    }),
  );
});

test('a run of positions at the end of 48 bits comes back as it was', () => {
  const run = [
    { position: limits.u48Max - 5, block: 1 },
    { position: limits.u48Max, block: limits.u48Max },
  ];

  expect(decodeIndexRun(textKey('a'), encodeIndexRun(textKey('a'), run))).toEqual(run);
});

test('a run of more events than it may have is refused', () => {
  const at = textKey('a');
  const run = Array.from({ length: limits.indexRunEventsMax + 1 }, (_, index) => ({ position: index + 1, block: 1 }));

  expect(decodeIndexRun(at, encodeIndexRun(at, run.slice(1)))).toHaveLength(limits.indexRunEventsMax);
  expect(() => decodeIndexRun(at, encodeIndexRun(at, run))).toThrow(corrupt);
});

test('a run that ends within a number is refused', () => {
  const at = textKey('a');

  expect(() => decodeIndexRun(at, sealRow(at, Uint8Array.of(1)))).toThrow(corrupt);
  expect(() => decodeIndexRun(at, sealRow(at, Uint8Array.of(1, 0x80)))).toThrow(corrupt);
  expect(() => decodeIndexRun(at, sealRow(at, new Uint8Array(8).fill(0xff)))).toThrow(corrupt);
});

test('a row of another length is refused, with the right checksum, too', () => {
  const at = textKey('a');

  for (const length of [0, 21, 23, 47, 49]) {
    expect(() => decodeStreamRow(at, sealRow(at, new Uint8Array(length)))).toThrow(corrupt);
    expect(() => decodeCursorRow(at, sealRow(at, new Uint8Array(length)))).toThrow(corrupt);
    expect(() => decodeIdempotencyRow(at, sealRow(at, new Uint8Array(length)))).toThrow(corrupt);
  }
});

test('a row with one bit flipped in key or value is refused with its table', () => {
  fc.assert(
    fc.property(key, fc.uint8Array({ maxLength: 60 }), fc.nat(), fc.boolean(), (at, payload, bit, isInKey) => {
      const row = sealRow(at, payload);
      expect(Buffer.from(openRow('streams', at, row))).toEqual(Buffer.from(payload));

      const damaged = isInKey ? at : row;
      const place = bit % (damaged.length * 8);
      damaged[place >> 3] = (damaged[place >> 3] as number) ^ (1 << (place & 7));

      expect(() => openRow('streams', at, row)).toThrow(
        expect.objectContaining({ code: 'STORE_CORRUPT', detail: { table: 'streams', position: undefined } }),
      );
    }),
  );
});

test('a row that is cut is refused', () => {
  const at = textKey('a');
  const row = encodeStreamRow(at, { version: 1, lastPosition: 2, runVersion: 1, keyId: 0 });

  for (let length = 0; length < row.length; length++) {
    expect(() => decodeStreamRow(at, row.subarray(0, length))).toThrow(corrupt);
  }
});

test('keys of runs sort by the bytes of the name, then by version', () => {
  const place = fc.record({ stream: name, version: fc.integer({ min: 1, max: limits.u48Max }) });
  fc.assert(
    fc.property(place, place, (left, right) => {
      const byKey = Buffer.compare(indexKey(left.stream, left.version), indexKey(right.stream, right.version));

      const byName = Buffer.compare(textKey(left.stream), textKey(right.stream));
      expect(byKey).toBe(byName !== 0 ? byName : Math.sign(left.version - right.version));
    }),
  );
});

test('the key of a run gives its version back', () => {
  fc.assert(
    fc.property(name, fc.integer({ min: 1, max: limits.u48Max }), (stream, version) => {
      expect(runVersionOf(indexKey(stream, version))).toBe(version);
    }),
  );
});

test('the key behind a prefix is above all that begin with it and not above others', () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 5, max: 255 });
  const fewBytes = fc.array(fc.constantFrom(0, 1, 0x7f, 0xfe, 0xff), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.oneof(bytes, fewBytes), fc.oneof(bytes, fewBytes), (prefix, other) => {
      const prefixKey = Uint8Array.from(prefix);
      const otherKey = Uint8Array.from(other);

      const behind = keyBehindPrefix(prefixKey);

      const begins = Buffer.compare(otherKey.subarray(0, prefixKey.length), prefixKey) === 0;
      const isAtOrAbovePrefix = Buffer.compare(otherKey, prefixKey) >= 0;
      const isBelow = behind === undefined || Buffer.compare(otherKey, behind) < 0;
      expect(isAtOrAbovePrefix && isBelow).toBe(begins);
    }),
  );
});
