import { describe, expect, test } from 'vitest';
import {
  decodeLetterRow,
  decodeLetterSecret,
  encodeLetterHead,
  encodeLetterRow,
  encodeLetterSecret,
  type LetterRow,
  letterKey,
} from '#kernel/codec/letter-row';
import { encodePayload } from '#kernel/codec/payload';
import { sealRow } from '#kernel/codec/row';

const key = letterKey('p', 7);
const row: LetterRow = {
  stream: 's',
  version: 2,
  type: 't',
  state: 'discarded',
  isParked: true,
  generation: 3,
  attempts: 4,
  firstMs: 5,
  lastMs: 6,
  error: { name: 'Error', message: 'no' },
  reason: 'nobody wants it',
};
const { error, reason, ...head } = row;

test('a plain row is an encoding and one object, as it always was', () => {
  const { encoding, bytes } = encodePayload(row, 0, 'data');

  expect(encodeLetterRow(key, row)).toEqual(sealRow(key, Buffer.concat([Buffer.of(encoding), bytes])));
  expect(decodeLetterRow(key, encodeLetterRow(key, row))).toEqual({ head: row, secret: row });
});

test('a row in two parts has nothing of the second in the first', () => {
  const first = encodeLetterHead(row);
  const whole = Buffer.concat([first, Buffer.of(0x81), Buffer.from('sealed')]);

  const decoded = decodeLetterRow(key, sealRow(key, whole));

  expect(decoded.head).toEqual(head);
  const { payload, at } = decoded.secret as { payload: Uint8Array; at: number };
  expect([Buffer.from(payload), at]).toEqual([whole, first.length]);
});

test('the second part comes back as it was, and says so when it is erased', () => {
  const erased = { error: { name: 'Erased', message: '' } };

  expect(decodeLetterSecret(encodeLetterSecret(row))).toEqual({ error, reason });
  expect(decodeLetterSecret('erased')).toEqual(erased);
  expect(decodeLetterSecret({ encoding: 0, bytes: new Uint8Array(0) })).toEqual(erased);
});

describe('a row in two parts is damaged', () => {
  const first = encodeLetterHead(row);
  const withLength = (length: number) => {
    const bytes = Buffer.concat([first, Buffer.of(0)]);
    bytes.writeUInt32LE(length, 1);
    return bytes;
  };
  test.each([
    ['without a length', Buffer.of(3, 1)],
    ['without a second part', first],
    ['with a first part of no bytes', withLength(0)],
    ['with a first part longer than it', withLength(1000)],
    ['with something else in its first part', Buffer.of(3, 1, 0, 0, 0, 7, 0)],
  ])('%s', (_what, payload) => {
    expect(() => decodeLetterRow(key, sealRow(key, payload))).toThrow(
      expect.objectContaining({ code: 'STORE_CORRUPT' }),
    );
  });
});
