/**
 * Rows of the table `timers`: one for each pending timer in the order of firing, one for each of their keys, and one that
 * counts them. The first byte of a row's key tells the three kinds apart.
 *
 * A pending timer is found by when it is due, or by the key its user gave it. Layout: docs/format.md, "Timers".
 */
import { readU16, readU48, readU64BigEndian, writeU16, writeU48, writeU64BigEndian } from './bytes.ts';
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

/** A pending timer. */
export interface TimerRow extends TimerPlace {
  /** What its user calls it. */
  readonly key: string;
  readonly stream: string;
  readonly type: string;
  readonly scheduledMs: number;
  /** The incarnation of the store it was scheduled in. 16 bytes. */
  readonly incarnation: Uint8Array;
  /** The event, as a draft record. */
  readonly record: Uint8Array;
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

export function encodeTimerRow(rowKey: Uint8Array, row: Omit<TimerRow, keyof TimerPlace>): Uint8Array {
  const texts = [row.stream, row.type, row.key];
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const recordAt = lengths.reduce((sum, length) => sum + length, headerBytes);
  const payload = Buffer.allocUnsafe(recordAt + row.record.length);
  writeU48(payload, 0, row.scheduledMs);
  payload.set(row.incarnation, incarnationAt);
  let end = headerBytes;
  for (const [index, text] of texts.entries()) {
    writeU16(payload, headerBytes - 6 + 2 * index, lengths[index] as number);
    end += payload.write(text, end);
  }
  payload.set(row.record, recordAt);
  return sealRow(rowKey, payload);
}

/** The timer of a row; its incarnation and record are borrowed. @throws {STORE_CORRUPT} */
export function decodeTimerRow(rowKey: Uint8Array, row: Uint8Array): TimerRow {
  const payload = openRow(table, rowKey, row);
  if (payload.length < headerBytes) misshapen(table, rowKey);
  let end = headerBytes;
  const text = (index: number): string => {
    const start = end;
    end += readU16(payload, headerBytes - 6 + 2 * index);
    if (end > payload.length) misshapen(table, rowKey);
    return Buffer.from(payload.buffer, payload.byteOffset + start, end - start).toString();
  };
  const [stream, type, key] = [text(0), text(1), text(2)];
  const record = payload.subarray(end);
  const isWhole = record.length >= recordHeaderBytes && recordBytes(record, 0) === record.length;
  if (!isWhole || !isRecordKnown(record, 0) || !isPlainRecord(record, 0)) misshapen(table, rowKey);
  return {
    ...timerPlaceOf(rowKey),
    key,
    stream,
    type,
    scheduledMs: readU48(payload, 0),
    incarnation: payload.subarray(incarnationAt, incarnationAt + 16),
    record,
  };
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
