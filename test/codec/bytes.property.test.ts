import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  readU16,
  readU32,
  readU48,
  readU64BigEndian,
  VarintReader,
  varintBytesMax,
  writeU16,
  writeU32,
  writeU48,
  writeU64BigEndian,
  writeVarint,
} from '#kernel/codec/bytes';
import { limits } from '#store';

const edges = [
  0,
  1,
  0x7f,
  0x80,
  0xff,
  0x100,
  0x3fff,
  0x4000,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  limits.u48Max,
];
const upTo = (max: number) =>
  fc.oneof(fc.constantFrom(...edges.filter((edge) => edge <= max)), fc.integer({ min: 0, max }));

type Write = (target: Uint8Array, at: number, value: number) => unknown;
type Read = (source: Uint8Array, at: number) => number;

test.each<[string, number, number, Write, Read]>([
  ['16 bits', 2, 0xffff, writeU16, readU16],
  ['32 bits', 4, 2 ** 32 - 1, writeU32, readU32],
  ['48 bits', 6, limits.u48Max, writeU48, readU48],
  ['64 bits, big-endian', 8, Number.MAX_SAFE_INTEGER, writeU64BigEndian, readU64BigEndian],
])('a number of %s comes back as it was and touches no other byte', (_, bytes, max, write, read) => {
  fc.assert(
    fc.property(upTo(max), fc.nat(5), fc.nat(255), (value, at, around) => {
      const target = new Uint8Array(at + bytes + 3).fill(around);

      write(target, at, value);

      expect(read(target, at)).toBe(value);
      expect(target.subarray(0, at).every((byte) => byte === around)).toBe(true);
      expect(target.subarray(at + bytes).every((byte) => byte === around)).toBe(true);
    }),
  );
});

test('little-endian numbers are as DataView has them', () => {
  fc.assert(
    fc.property(upTo(limits.u48Max), (value) => {
      const target = new Uint8Array(8);
      const view = new DataView(target.buffer);

      writeU48(target, 0, value);

      expect(view.getBigUint64(0, true)).toBe(BigInt(value));
    }),
  );
});

test('big-endian numbers sort by their bytes as they do by value', () => {
  fc.assert(
    fc.property(upTo(Number.MAX_SAFE_INTEGER), upTo(Number.MAX_SAFE_INTEGER), (left, right) => {
      const bytes = [left, right].map((value) => {
        const target = new Uint8Array(8);
        writeU64BigEndian(target, 0, value);
        return target;
      });

      expect(Buffer.compare(bytes[0] as Uint8Array, bytes[1] as Uint8Array)).toBe(Math.sign(left - right));
    }),
  );
});

test('variable-length numbers come back one after the other', () => {
  fc.assert(
    fc.property(fc.array(upTo(limits.u48Max)), fc.nat(4), (values, at) => {
      const target = new Uint8Array(at + values.length * varintBytesMax);
      let end = at;
      for (const value of values) end = writeVarint(target, end, value);

      const reader = new VarintReader(target, at, end);
      const read = values.map(() => reader.next());

      expect(read).toEqual(values);
      expect(reader.finished).toBe(true);
      expect(reader.next()).toBeUndefined();
    }),
  );
});

test('a variable-length number is as short as its value allows', () => {
  fc.assert(
    fc.property(upTo(limits.u48Max), (value) => {
      const end = writeVarint(new Uint8Array(varintBytesMax), 0, value);

      expect(end).toBe(Math.max(1, Math.ceil(value.toString(2).length / 7)));
    }),
  );
});

test('a variable-length number that is cut or too long is not read', () => {
  const cut = Uint8Array.of(0x80, 0x80, 0x01);
  const long = new Uint8Array(8).fill(0x80);

  expect(new VarintReader(cut, 0, 2).next()).toBeUndefined();
  expect(new VarintReader(cut, 0, 3).next()).toBe(1 << 14);
  expect(new VarintReader(long, 0, 8).next()).toBeUndefined();
});
