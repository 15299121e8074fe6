/** Records: what is drafted and finished is read again through an event. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodedEvent, eventView } from '#kernel/codec/event';
import { encodePayload } from '#kernel/codec/payload';
import {
  draftBytes,
  encodeId,
  finishRecord,
  isRecordIntact,
  isRecordKnown,
  placeRecord,
  recordBytes,
  recordHeaderBytes,
  writeDraft,
} from '#kernel/codec/record';
import { limits } from '#store';

const id = fc.oneof(
  fc.uuid(),
  fc.uuid().map((text) => text.toUpperCase()),
  fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }).filter((text) => text.isWellFormed()),
);
const json = fc.jsonValue({ noUnicodeString: false } as object).filter((value) => isStorable(value));
const metadata = fc.option(fc.dictionary(fc.string().filter(isStorable), json, { noNullPrototype: true }), {
  nil: undefined,
});
const place = fc.record({
  streamIndex: fc.nat(0xffff),
  typeIndex: fc.nat(0xffff),
  version: fc.integer({ min: 1, max: limits.u48Max }),
  timeMs: fc.integer({ min: 0, max: limits.u48Max }),
});
const given = fc.record({ id, data: fc.option(json, { nil: undefined }), metadata, place, at: fc.nat(20) });

/** What JSON has and a payload refuses, or stores as an equal: lone surrogates, `__proto__`, -0. */
function isStorable(value: unknown): boolean {
  const text = JSON.stringify(value) ?? '';
  return !/\\ud[89a-f]/.test(text) && !text.includes('__proto__') && !Object.is(value, -0) && !hasNegativeZero(value);
}

function hasNegativeZero(value: unknown): boolean {
  if (typeof value === 'number') return Object.is(value, -0);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasNegativeZero);
}

type Given = typeof given extends fc.Arbitrary<infer Value> ? Value : never;

/** The finished record at `at` in bytes that are not zero elsewhere. */
function write(event: Given): { bytes: Buffer; end: number } {
  const draft = {
    id: encodeId(event.id),
    data: encodePayload(event.data, 0, 'data'),
    metadata: encodePayload(event.metadata, 0, 'metadata'),
  };
  const bytes = Buffer.alloc(event.at + draftBytes(draft) + 7, 0xee);
  const end = writeDraft(bytes, event.at, draft);
  expect(end - event.at).toBe(draftBytes(draft));
  placeRecord(bytes, event.at, event.place);
  finishRecord(bytes, event.at, end);
  return { bytes, end };
}

test('an event comes back from its record as it was', () => {
  fc.assert(
    fc.property(given, (event) => {
      const { bytes, end } = write(event);

      expect(recordBytes(bytes, event.at)).toBe(end - event.at);
      expect(isRecordIntact(bytes, event.at, end)).toBe(true);
      expect(isRecordKnown(bytes, event.at)).toBe(true);
      expect({ ...eventView(bytes, event.at, 5, 'stream', 'type') }).toStrictEqual({
        id: event.id,
        stream: 'stream',
        version: event.place.version,
        position: 5,
        type: 'type',
        data: event.data,
        metadata: event.metadata,
        timeMs: event.place.timeMs,
      });
      expect(decodedEvent(bytes, event.at, 5, 'stream', 'type')).toStrictEqual({
        ...eventView(bytes, event.at, 5, 'stream', 'type'),
      });
      expect(bytes.subarray(end).every((byte) => byte === 0xee)).toBe(true);
    }),
  );
});

test('a record with one bit flipped is not intact', () => {
  fc.assert(
    fc.property(given, fc.nat(), (event, bit) => {
      const { bytes, end } = write(event);
      const place = event.at * 8 + (bit % ((end - event.at) * 8));

      bytes[place >> 3] = (bytes[place >> 3] as number) ^ (1 << (place & 7));

      expect(isRecordIntact(bytes, event.at, end)).toBe(false);
    }),
  );
});

test('a record of another length is not intact', () => {
  fc.assert(
    fc.property(given, fc.integer({ min: -60, max: 60 }), (event, more) => {
      fc.pre(more !== 0);
      const { bytes, end } = write(event);

      expect(isRecordIntact(bytes, event.at, end + more)).toBe(false);
    }),
  );
});

test('a canonical UUID takes no room beside the header, other text does', () => {
  const undefinedPayload = encodePayload(undefined, 0, 'data');
  const bytesOf = (text: string) =>
    draftBytes({ id: encodeId(text), data: undefinedPayload, metadata: undefinedPayload });

  expect(bytesOf('0188d0c8-0000-7000-8000-00000000abcd')).toBe(recordHeaderBytes);
  expect(bytesOf('0188D0C8-0000-7000-8000-00000000ABCD')).toBe(recordHeaderBytes + 36);
  expect(bytesOf('é')).toBe(recordHeaderBytes + 2);
});

test('data that does not decode throws STORE_CORRUPT with its position when it is touched, and only then', () => {
  const draft = {
    id: new Uint8Array(16),
    data: { encoding: 1, bytes: Uint8Array.of(0xda, 0xff, 0xff, 1) },
    metadata: encodePayload({ by: 'ann' }, 0, 'metadata'),
  };
  const bytes = Buffer.alloc(draftBytes(draft));
  const end = writeDraft(bytes, 0, draft);
  placeRecord(bytes, 0, { streamIndex: 0, typeIndex: 0, version: 1, timeMs: 1 });
  finishRecord(bytes, 0, end);
  const event = eventView(bytes, 0, 5, 'stream', 'type');
  const corrupt = expect.objectContaining({
    code: 'STORE_CORRUPT',
    detail: { table: 'events_log', position: 5 },
    cause: expect.any(Error),
  });

  expect(event.metadata).toEqual({ by: 'ann' });
  expect(() => event.data).toThrow(corrupt);
  expect(() => event.data).toThrow(corrupt);
  expect(() => decodedEvent(bytes, 0, 5, 'stream', 'type')).toThrow(corrupt);
});
