/** Bytes that no encoder wrote give an error with a code, or some value: that they are wrong is for checksums to find. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodePayload, encodePayload } from '#kernel/codec/payload';
import { storableValue } from '../kit/arbitrary-payload.ts';

const corrupt = { name: 'BusError', code: 'STORE_CORRUPT', detail: { table: 'events_log', position: undefined } };

/** Decodes, and lets pass what a decoder may do with wrong bytes: give some value, or STORE_CORRUPT. */
function tryDecode(encoding: number, bytes: Uint8Array): void {
  try {
    decodePayload(encoding, bytes, 0, bytes.length);
  } catch (error) {
    expect(error).toMatchObject(corrupt);
    expect((error as Error).cause).toBeInstanceOf(Error);
  }
}

describe('a payload is corrupt', () => {
  test.each<[string, string]>([
    ['a byte follows', 'c0 00'],
    ['a string goes beyond the end', 'a3 61 62'],
    ['a string length goes beyond the end', 'da 00'],
    ['a number goes beyond the end', 'cb 00 00'],
    ['an array is longer than what is left', 'dd ffffffff 00'],
    ['a map is longer than what is left', 'df ffffffff a1 61 00'],
    ['a byte array is longer than what is left', 'c6 ffffffff 00'],
    ['an extension is longer than what is left', 'c9 ffffffff 74 00'],
    ['a name is an array', '81 91 01 01'],
    ['its extension type is not known', 'c7 01 63 00'],
    ['a kind of binary data is not known', 'c7 01 74 12'],
    ['an array of numbers ends in the middle of one', 'c7 02 74 03 00'],
    ['a Set ends in the middle of a member', 'd4 73 00 91 a1'],
    ['it is much too deep', '91'.repeat(100_000)],
  ])('when %s', (_, hex) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');

    expect(() => decodePayload(1, bytes, 0, bytes.length)).toThrow(expect.objectContaining(corrupt));
  });

  test('when it is cut short anywhere', () => {
    fc.assert(
      fc.property(storableValue, fc.nat(), (value, at) => {
        const { encoding, bytes } = encodePayload(value, 0, 'data');
        fc.pre(encoding !== 0);
        // Inside of a block, so that reading on would find bytes.
        const end = at % bytes.length;
        expect(() => decodePayload(encoding, bytes, 0, end)).toThrow(expect.objectContaining(corrupt));
        expect(() => decodePayload(encoding, bytes.slice(0, end), 0, end)).toThrow(expect.objectContaining(corrupt));
      }),
    );
  });

  test('when it ends beyond its block', () => {
    expect(() => decodePayload(1, new Uint8Array([0xa2, 0x61, 0x62]), 0, 4)).toThrow(expect.objectContaining(corrupt));
  });

  test('when its encoding is not known', () => {
    expect(() => decodePayload(3, new Uint8Array([1]), 0, 1)).toThrow(expect.objectContaining(corrupt));
  });

  test.each<[string, unknown[]]>([
    ['has no tag', []],
    ['has an unknown tag', [3, 1]],
    ['has a tag of another type', ['0', 1]],
  ])('when a tagged container %s', (_, container) => {
    const { bytes } = encodePayload(container, 0, 'data');

    expect(() => decodePayload(2, bytes, 0, bytes.length)).toThrow(expect.objectContaining(corrupt));
  });
});

describe('wrong bytes', () => {
  test('give a value or STORE_CORRUPT, and nothing else', () => {
    const tags = [0x81, 0x91, 0xa1, 0xc4, 0xc5, 0xc7, 0xc8, 0xc9, 0xcb, 0xd3, 0xd4, 0xd7, 0xd9, 0xdc, 0xde];
    const bytes = fc.array(fc.oneof(fc.constantFrom(...tags), fc.nat(6), fc.nat(255)), { minLength: 1, maxLength: 60 });
    const many = fc.array(bytes, { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(many, fc.constantFrom(1, 2), (lists, encoding) => {
        for (const list of lists) tryDecode(encoding, Uint8Array.from(list));
      }),
    );
  });

  test('in an encoded value give a value or STORE_CORRUPT, and nothing else', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 20 });
    fc.assert(
      fc.property(storableValue, changes, (value, places) => {
        const { encoding, bytes } = encodePayload(value, 0, 'data');
        fc.pre(encoding !== 0);
        for (const [at, byte] of places) tryDecode(encoding, Uint8Array.from(bytes).with(at % bytes.length, byte));
      }),
    );
  });
});
