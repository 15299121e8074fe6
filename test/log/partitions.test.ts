/** Which stream belongs to which partition: a promise, since cursors are kept by it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fnv1a, partitionCursorName, partitionCursorOf, partitionOf } from '#kernel/log/partitions';

// The first three are the published vectors of FNV-1a (isthe.com/chongo/src/fnv/test_fnv.c).
test.each([
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['foobar', 0xbf9cf968],
  ['orders-1', 0x9f25e6c6],
  ['bestellung-ä', 0x8d661e06],
  ['注文-1', 0xdd2599f9],
  ['😀', 0x33a29608],
])('the hash of %j never changes', (text, hash) => {
  expect(fnv1a(text).toString(16)).toBe(hash.toString(16));
});

test.each([
  ['orders-1', [0, 2, 198]],
  ['orders-2', [1, 3, 51]],
  ['注文-1', [1, 1, 249]],
])('the partition of %j of 2, 4 and 256 never changes', (stream, partitions) => {
  expect([2, 4, 256].map((count) => partitionOf(stream, count))).toEqual(partitions);
});

test('the hash is that of the bytes, one by one', () => {
  const ofBytes = (text: string) =>
    Buffer.from(text).reduce((hash, byte) => Number((BigInt(hash ^ byte) * 0x01000193n) & 0xffffffffn), 0x811c9dc5);
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
      (text) => {
        expect(fnv1a(text)).toBe(Number(BigInt.asUintN(32, BigInt(ofBytes(text)))));
      },
    ),
  );
});

test('the name of a cursor tells which partition of which processor it is of', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1 });
  fc.assert(
    fc.property(name, fc.nat(255), fc.integer({ min: 2, max: 256 }), (consumer, index, of) => {
      const cursorName = partitionCursorName(consumer, { index, of });
      expect(partitionCursorOf(cursorName)).toEqual({ index, of, name: consumer, cursorName });
    }),
  );
  expect(partitionCursorOf('plain')).toBeUndefined();
});
