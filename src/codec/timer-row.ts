/**
 * Rows of the table `timers`: one for each pending timer in the order of firing, one for each of their keys, and one that
 * counts them. The first byte of a row's key tells the three kinds apart.
 *
 * A pending timer is found by when it is due, or by the key its user gave it. Layout: docs/format.md, "Timers".
 */
import { readU16, readU48, readU64BigEndian, writeU16, writeU48, writeU64BigEndian } from './bytes.ts';
import type { EncodedPayload } from './payload.ts';
import { isPlainRecord, isRecordKnown, recordBytes, recordHeaderBytes } from './record.ts';
import { misshapen, openRow, sealRow } from './row.ts';

const kinds = { state: 0, due: 1, name: 2 } as const;
export type TimerRowKind = keyof typeof kinds;

/** Where a timer is in the order of firing. */
export interface TimerPlace {
  /** Milliseconds since 1970. */
  readonly dueMs: number;
  /** Of two that are due at the same time, the one scheduled first has the lower; no two have the same. */
  readonly sequence: number;
}

/** What of a pending timer is never secret. */
export interface TimerHead extends TimerPlace {
  /** What its user calls it. */
  readonly key: string;
  readonly stream: string;
  readonly type: string;
  readonly scheduledMs: number;
  /** The incarnation of the store it was scheduled in. 16 bytes. */
  readonly incarnation: Uint8Array;
}

/** What it will append. */
export interface TimerEvent {
  /** As a draft record. */
  readonly record: Uint8Array;
  /** Whom it is about; such an event is never stored plain. */
  readonly subject: string | undefined;
}

/** A pending timer. */
export interface TimerRow extends TimerHead, TimerEvent {}

/** A row that was read; what is in it is borrowed. */
export interface ReadTimer {
  readonly head: TimerHead;
  /** What it will append; or, where that is sealed, the row's payload, and where its encoding byte is. */
  readonly event: TimerEvent | { readonly payload: Uint8Array; readonly at: number };
}

/** What the row of the whole table says. */
export interface TimerState {
  readonly pending: number;
  /** The sequence of the next timer. */
  readonly nextSequence: number;
}

const table = 'timers';
const dueKeyBytes = 17;
const placeBytes = 12;
const incarnationAt = 6;
/** Time of scheduling, incarnation, and the lengths of stream, type and key. */
const headerBytes = incarnationAt + 16 + 6;
const lengthsAt = headerBytes - 6;
/** Of the length of the key, which is no more than 512: the event is sealed. */
const sealedFlag = 0x80;
/** Of what is sealed: length and text of the subject, then the record. */
const encodingSubject = 1;

/** The kind of row that `rowKey` is of, or `undefined`: no row has such a key. */
export function timerRowKind(rowKey: Uint8Array): TimerRowKind | undefined {
  if (rowKey[0] === kinds.due) return rowKey.length === dueKeyBytes ? 'due' : undefined;
  if (rowKey[0] === kinds.name) return rowKey.length > 1 ? 'name' : undefined;
  return rowKey[0] === kinds.state && rowKey.length === 1 ? 'state' : undefined;
}

/** Key of the row that counts. */
export const timerStateKey: Uint8Array = Uint8Array.of(kinds.state);
/** All pending timers lie between these two keys. */
export const timersFrom: Uint8Array = Uint8Array.of(kinds.due);
export const timersBelow: Uint8Array = Uint8Array.of(kinds.due + 1);

/** Key of a pending timer: it sorts by time, then by sequence. */
export function timerDueKey({ dueMs, sequence }: TimerPlace): Uint8Array {
  const rowKey = new Uint8Array(dueKeyBytes);
  rowKey[0] = kinds.due;
  writeU64BigEndian(rowKey, 1, dueMs);
  writeU64BigEndian(rowKey, 9, sequence);
  return rowKey;
}

export function timerPlaceOf(rowKey: Uint8Array): TimerPlace {
  return { dueMs: readU64BigEndian(rowKey, 1), sequence: readU64BigEndian(rowKey, 9) };
}

/** Key of the row that says where the timer `key` is. Memory of its own: rows go to another thread. */
export function timerNameKey(key: string): Uint8Array {
  const rowKey = new Uint8Array(1 + Buffer.byteLength(key));
  rowKey[0] = kinds.name;
  Buffer.from(rowKey.buffer).write(key, 1);
  return rowKey;
}

/** The row of a timer whose event is stored plain. */
export function encodeTimerRow(rowKey: Uint8Array, row: Omit<TimerRow, keyof TimerPlace | 'subject'>): Uint8Array {
  return sealRow(rowKey, Buffer.concat([headOf(row), row.record]));
}

/** What stands before an event that is sealed. */
export function encodeTimerHead(head: Omit<TimerHead, keyof TimerPlace>): Uint8Array {
  const bytes = headOf(head);
  bytes[headerBytes - 1] = (bytes[headerBytes - 1] as number) | sealedFlag;
  return bytes;
}

/** The event, to be sealed. */
export function encodeTimerEvent({ record, subject = '' }: TimerEvent): EncodedPayload {
  const recordAt = 2 + Buffer.byteLength(subject);
  const bytes = Buffer.allocUnsafeSlow(recordAt + record.length);
  writeU16(bytes, 0, recordAt - 2);
  bytes.write(subject, 2);
  bytes.set(record, recordAt);
  return { encoding: encodingSubject, bytes };
}

/** The timer of a row; what is in it is borrowed. @throws {STORE_CORRUPT} */
export function decodeTimerRow(rowKey: Uint8Array, row: Uint8Array): ReadTimer {
  const payload = openRow(table, rowKey, row);
  if (payload.length < headerBytes) misshapen(table, rowKey);
  const isSealed = ((payload[headerBytes - 1] as number) & sealedFlag) !== 0;
  let end = headerBytes;
  const text = (index: number): string => {
    const start = end;
    const length = readU16(payload, lengthsAt + 2 * index);
    end += index === 2 && isSealed ? length - (sealedFlag << 8) : length;
    if (end > payload.length) misshapen(table, rowKey);
    return Buffer.from(payload.buffer, payload.byteOffset + start, end - start).toString();
  };
  const [stream, type, key] = [text(0), text(1), text(2)];
  const incarnation = payload.subarray(incarnationAt, incarnationAt + 16);
  const head = { ...timerPlaceOf(rowKey), key, stream, type, scheduledMs: readU48(payload, 0), incarnation };
  if (isSealed) return { head, event: { payload, at: end } };
  return { head, event: { record: checkedRecord(rowKey, payload.subarray(end)), subject: undefined } };
}

/** Of a row whose event was sealed, opened. @throws {STORE_CORRUPT} */
export function decodeTimerEvent(rowKey: Uint8Array, { encoding, bytes }: EncodedPayload): TimerEvent {
  const recordAt = bytes.length < 2 ? bytes.length : 2 + readU16(bytes, 0);
  if (encoding !== encodingSubject || recordAt > bytes.length) misshapen(table, rowKey);
  const subject = Buffer.from(bytes.buffer, bytes.byteOffset + 2, recordAt - 2).toString();
  const record = checkedRecord(rowKey, bytes.subarray(recordAt));
  return { record, subject: subject === '' ? undefined : subject };
}

function headOf(row: Omit<TimerHead, keyof TimerPlace>): Buffer {
  const texts = [row.stream, row.type, row.key];
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const head = Buffer.allocUnsafeSlow(lengths.reduce((sum, length) => sum + length, headerBytes));
  writeU48(head, 0, row.scheduledMs);
  head.set(row.incarnation, incarnationAt);
  let end = headerBytes;
  for (const [index, text] of texts.entries()) {
    writeU16(head, lengthsAt + 2 * index, lengths[index] as number);
    end += head.write(text, end);
  }
  return head;
}

function checkedRecord(rowKey: Uint8Array, record: Uint8Array): Uint8Array {
  const isWhole = record.length >= recordHeaderBytes && recordBytes(record, 0) === record.length;
  if (!isWhole || !isRecordKnown(record, 0) || !isPlainRecord(record, 0)) misshapen(table, rowKey);
  return record;
}

export function encodeTimerNameRow(rowKey: Uint8Array, { dueMs, sequence }: TimerPlace): Uint8Array {
  return sealRow(rowKey, twoNumbers(dueMs, sequence));
}

/** @throws {STORE_CORRUPT} */
export function decodeTimerNameRow(rowKey: Uint8Array, row: Uint8Array): TimerPlace {
  const payload = openRow(table, rowKey, row);
  if (payload.length !== placeBytes) misshapen(table, rowKey);
  return { dueMs: readU48(payload, 0), sequence: readU48(payload, 6) };
}

export function encodeTimerState({ pending, nextSequence }: TimerState): Uint8Array {
  return sealRow(timerStateKey, twoNumbers(pending, nextSequence));
}

/** @throws {STORE_CORRUPT} */
export function decodeTimerState(row: Uint8Array): TimerState {
  const payload = openRow(table, timerStateKey, row);
  if (payload.length !== placeBytes) misshapen(table, timerStateKey);
  return { pending: readU48(payload, 0), nextSequence: readU48(payload, 6) };
}

function twoNumbers(first: number, second: number): Uint8Array {
  const payload = new Uint8Array(placeBytes);
  writeU48(payload, 0, first);
  writeU48(payload, 6, second);
  return payload;
}
