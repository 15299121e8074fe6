/** Rows of timers: round trips, the order of their keys, and damage. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sealRow } from '#kernel/codec/row';
import {
  decodeTimerEvent,
  decodeTimerNameRow,
  decodeTimerRow,
  decodeTimerState,
  encodeTimerEvent,
  encodeTimerHead,
  encodeTimerNameRow,
  encodeTimerRow,
  encodeTimerState,
  type TimerPlace,
  timerDueKey,
  timerNameKey,
  timerPlaceOf,
  timerRowKind,
  timerStateKey,
  timersBelow,
  timersFrom,
} from '#kernel/codec/timer-row';
import { encodeRequest } from '#kernel/log/append-request';
import { limits } from '#store';

const number48 = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: limits.u48Max }));
const place: fc.Arbitrary<TimerPlace> = fc.record({ dueMs: number48, sequence: number48 });
const text = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }).filter((name) => name.isWellFormed());
const timer = fc.record({ place, stream: text, type: text, key: text, scheduledMs: number48, data: fc.string() });

const corrupt = expect.objectContaining({ code: 'STORE_CORRUPT', detail: { table: 'timers', position: undefined } });
const incarnation = Uint8Array.from({ length: 16 }, (_, index) => index);

function recordOf(data: unknown): Buffer {
  return encodeRequest([{ stream: 's', events: { type: 't', data } }], {}, 0).records;
}

test('a timer comes back as it was', () => {
  fc.assert(
    fc.property(timer, ({ place: at, data, ...names }) => {
      const rowKey = timerDueKey(at);
      const row = { ...names, incarnation, record: recordOf(data) };

      const { head, event } = decodeTimerRow(rowKey, encodeTimerRow(rowKey, row));

      const { record, ...rest } = row;
      expect(head).toEqual({ ...at, ...rest });
      expect(event).toEqual({ record: Uint8Array.from(record), subject: undefined });
      expect(timerRowKind(rowKey)).toBe('due');
    }),
  );
});

test('the row of a key, and the one that counts, come back as they were', () => {
  fc.assert(
    fc.property(text, place, number48, number48, (key, at, pending, nextSequence) => {
      const rowKey = timerNameKey(key);

      expect(decodeTimerNameRow(rowKey, encodeTimerNameRow(rowKey, at))).toEqual(at);
      expect(decodeTimerState(encodeTimerState({ pending, nextSequence }))).toEqual({ pending, nextSequence });
      expect(timerRowKind(rowKey)).toBe('name');
    }),
  );
});

test('timers sort by time, then by sequence, and lie between what counts them and their keys', () => {
  fc.assert(
    fc.property(place, place, text, (left, right, key) => {
      const order = Buffer.compare(timerDueKey(left), timerDueKey(right));

      expect(order).toBe(Math.sign(left.dueMs - right.dueMs || left.sequence - right.sequence));
      expect(timerPlaceOf(timerDueKey(left))).toEqual(left);
      expect(Buffer.compare(timerStateKey, timersFrom)).toBe(-1);
      expect(Buffer.compare(timersFrom, timerDueKey(left))).toBe(-1);
      expect(Buffer.compare(timerDueKey(left), timersBelow)).toBe(-1);
      expect(Buffer.compare(timersBelow, timerNameKey(key))).toBe(-1);
    }),
  );
});

test('a changed byte anywhere in a timer is found', () => {
  fc.assert(
    fc.property(timer, fc.nat(), fc.integer({ min: 1, max: 255 }), ({ place: at, data, ...names }, where, change) => {
      const rowKey = timerDueKey(at);
      const row = encodeTimerRow(rowKey, { ...names, incarnation, record: recordOf(data) });
      row[where % row.length] = (row[where % row.length] as number) ^ change;

      expect(() => decodeTimerRow(rowKey, row)).toThrow(corrupt);
    }),
  );
});

test('a payload of any other shape is refused, whatever its checksum says', () => {
  fc.assert(
    fc.property(place, fc.uint8Array({ maxLength: 120 }), (at, payload) => {
      const [dueKey, nameKey] = [timerDueKey(at), timerNameKey('k')];

      expect(() => decodeTimerRow(dueKey, sealRow(dueKey, payload))).toThrow(corrupt);
      if (payload.length === 12) return;
      expect(() => decodeTimerNameRow(nameKey, sealRow(nameKey, payload))).toThrow(corrupt);
      expect(() => decodeTimerState(sealRow(timerStateKey, payload))).toThrow(corrupt);
    }),
  );
});

test.each([
  ['nothing', []],
  ['an unknown first byte', [3, 1]],
  ['a key of a timer that is too short', [1, 0, 0]],
  ['a key without text', [2]],
  ['more than a byte for the count', [0, 0]],
])('%s is no key of this table', (_, bytes) => {
  expect(timerRowKind(Uint8Array.from(bytes))).toBeUndefined();
});

test('a timer whose event is sealed comes back as it was, and its head says nothing of the event', () => {
  fc.assert(
    fc.property(timer, fc.option(text, { nil: undefined }), ({ place: at, data, ...names }, subject) => {
      const rowKey = timerDueKey(at);
      const event = { record: recordOf(data), subject };
      const head = encodeTimerHead({ ...names, incarnation });
      const { encoding, bytes } = encodeTimerEvent(event);
      const row = sealRow(rowKey, Buffer.concat([head, Buffer.of(encoding | 0x80), bytes]));

      const read = decodeTimerRow(rowKey, row);

      expect(read.head).toEqual({ ...at, ...names, incarnation });
      expect(read.event).toMatchObject({ at: head.length });
      const back = decodeTimerEvent(rowKey, { encoding, bytes });
      expect({ ...back, record: Buffer.from(back.record) }).toEqual(event);
    }),
  );
});

test('a sealed event of a timer that is cut short, or of another encoding, is damaged', () => {
  const rowKey = timerDueKey({ dueMs: 1, sequence: 1 });
  const { encoding, bytes } = encodeTimerEvent({ record: recordOf(1), subject: 'ada' });

  for (let length = 0; length < bytes.length; length++) {
    expect(() => decodeTimerEvent(rowKey, { encoding, bytes: bytes.subarray(0, length) })).toThrow(corrupt);
  }
  expect(() => decodeTimerEvent(rowKey, { encoding: 2, bytes })).toThrow(corrupt);
});
