/**
 * Rows of the small tables: their keys, their payloads, and the checksum around each.
 *
 * A row is its payload and a CRC32 over key and payload, so that a wrong byte, or a row under another key, is found.
 * Layout: docs/format.md, "Rows".
 */
import { crc32 } from 'node:zlib';
import { BusError } from '../errors.ts';
import { indexRunEventsMax } from '../limits.ts';
import { contentHashBytes } from './block.ts';
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
} from './bytes.ts';

/** Behind the payload of every row. */
export const checksumBytes = 4;
const cursorBytes = 32;

/** The row of a stream in `streams`. */
export interface StreamRow {
  readonly version: number;
  readonly lastPosition: number;
  /** First version of the newest run in `stream_index`. */
  readonly runVersion: number;
  /** The key its events are sealed with; 0 is none. */
  readonly keyId: number;
}

/** One event in a run of `stream_index`: its position, and that of the block it is in. */
export interface IndexEntry {
  readonly position: number;
  readonly block: number;
}

/** The row of a key in `idempotency`. */
export interface IdempotencyRow {
  readonly firstPosition: number;
  readonly eventCount: number;
  readonly timeMs: number;
  readonly hash: Uint8Array;
}

/** The row of a consumer in `consumer_cursors`. */
export interface CursorRow {
  /** The last position it has handled; 0 before the first. */
  readonly position: number;
  /** Rises with every reset. */
  readonly generation: number;
  /** The incarnation of the store that the position is of. 16 bytes. */
  readonly incarnation: Uint8Array;
  readonly updatedMs: number;
}

/** Puts the checksum behind `payload`. */
export function sealRow(key: Uint8Array, payload: Uint8Array): Uint8Array {
  const row = new Uint8Array(payload.length + checksumBytes);
  row.set(payload);
  sealRowInPlace(key, row);
  return row;
}

/** Writes the checksum into the last 4 bytes of `row`, which holds the payload before them. */
export function sealRowInPlace(key: Uint8Array, row: Uint8Array): void {
  const end = row.length - checksumBytes;
  writeU32(row, end, crc32(row.subarray(0, end), crc32(key)));
}

/** The payload of a row, borrowed. @throws {STORE_CORRUPT} with the table. */
export function openRow(table: string, key: Uint8Array, row: Uint8Array): Uint8Array {
  const payload = row.subarray(0, Math.max(0, row.length - checksumBytes));
  if (row.length < checksumBytes || crc32(payload, crc32(key)) !== readU32(row, payload.length)) {
    throw new BusError('STORE_CORRUPT', `a row of ${table} is damaged: key ${describeKey(key)}`, {
      table,
      position: undefined,
    });
  }
  return payload;
}

/** Text as a key. */
export function textKey(text: string): Buffer {
  return Buffer.from(text);
}

/** Key of a run: the stream's name, a zero byte (no name has one), the first version, big-endian. */
export function indexKey(stream: string, version: number): Buffer {
  const nameBytes = Buffer.byteLength(stream);
  const key = Buffer.allocUnsafe(nameBytes + 9);
  key.write(stream);
  key[nameBytes] = 0;
  writeU64BigEndian(key, nameBytes + 1, version);
  return key;
}

/** The first version that the key of a run names. */
export function runVersionOf(key: Uint8Array): number {
  return readU64BigEndian(key, key.length - 8);
}

/** The first key behind all that begin with `prefix`, or `undefined` if there is none. */
export function keyBehindPrefix(prefix: Uint8Array): Uint8Array | undefined {
  for (let last = prefix.length - 1; last >= 0; last--) {
    const byte = prefix[last] as number;
    if (byte === 0xff) continue;
    const key = Uint8Array.prototype.slice.call(prefix, 0, last + 1);
    key[last] = byte + 1;
    return key;
  }
  return undefined;
}

export function encodeStreamRow(key: Uint8Array, row: StreamRow): Uint8Array {
  const payload = new Uint8Array(22);
  writeU48(payload, 0, row.version);
  writeU48(payload, 6, row.lastPosition);
  writeU48(payload, 12, row.runVersion);
  writeU32(payload, 18, row.keyId);
  return sealRow(key, payload);
}

export function decodeStreamRow(key: Uint8Array, row: Uint8Array): StreamRow {
  const payload = openRow('streams', key, row);
  requireLength('streams', key, payload, 22);
  return {
    version: readU48(payload, 0),
    lastPosition: readU48(payload, 6),
    runVersion: readU48(payload, 12),
    keyId: readU32(payload, 18),
  };
}

/** Bytes of a run before its entries: their number, and the position of the last one's block. */
const runHeaderBytes = 8;

/**
 * A run of consecutive versions: for each, how far its block lies behind the one before, and its ordinal in the block.
 * With `run`, the row as it was, `entries` go on behind it: nothing of it is decoded.
 */
export function encodeIndexRun(key: Uint8Array, entries: readonly IndexEntry[], run?: Uint8Array): Uint8Array {
  const before = run === undefined ? new Uint8Array(runHeaderBytes) : openRun(key, run);
  const payload = new Uint8Array(before.length + entries.length * 2 * varintBytesMax);
  payload.set(before);
  let end = before.length;
  let block = readU48(before, 2);
  for (const entry of entries) {
    end = writeVarint(payload, end, entry.block - block);
    end = writeVarint(payload, end, entry.position - entry.block);
    block = entry.block;
  }
  writeU16(payload, 0, readU16(before, 0) + entries.length);
  writeU48(payload, 2, block);
  return sealRow(key, payload.subarray(0, end));
}

export function decodeIndexRun(key: Uint8Array, row: Uint8Array): IndexEntry[] {
  const payload = openRun(key, row);
  const reader = new VarintReader(payload, runHeaderBytes, payload.length);
  const entries: IndexEntry[] = [];
  let block = 0;
  for (let left = readU16(payload, 0); left > 0; left--) {
    const step = reader.next();
    const ordinal = reader.next();
    if (step === undefined || ordinal === undefined) misshapen('stream_index', key);
    block += step;
    entries.push({ position: block + ordinal, block });
  }
  if (!reader.finished || block !== readU48(payload, 2)) misshapen('stream_index', key);
  return entries;
}

function openRun(key: Uint8Array, row: Uint8Array): Uint8Array {
  const payload = openRow('stream_index', key, row);
  if (payload.length < runHeaderBytes || readU16(payload, 0) > indexRunEventsMax) misshapen('stream_index', key);
  return payload;
}

export function encodeIdempotencyRow(key: Uint8Array, row: IdempotencyRow): Uint8Array {
  const payload = new Uint8Array(16 + contentHashBytes);
  writeU48(payload, 0, row.firstPosition);
  writeU32(payload, 6, row.eventCount);
  writeU48(payload, 10, row.timeMs);
  payload.set(row.hash, 16);
  return sealRow(key, payload);
}

export function decodeIdempotencyRow(key: Uint8Array, row: Uint8Array): IdempotencyRow {
  const payload = openRow('idempotency', key, row);
  requireLength('idempotency', key, payload, 16 + contentHashBytes);
  return {
    firstPosition: readU48(payload, 0),
    eventCount: readU32(payload, 6),
    timeMs: readU48(payload, 10),
    hash: Uint8Array.prototype.slice.call(payload, 16),
  };
}

export function encodeCursorRow(key: Uint8Array, row: CursorRow): Uint8Array {
  const payload = new Uint8Array(cursorBytes);
  writeU48(payload, 0, row.position);
  writeU32(payload, 6, row.generation);
  writeU48(payload, 10, row.updatedMs);
  payload.set(row.incarnation, 16);
  return sealRow(key, payload);
}

export function decodeCursorRow(key: Uint8Array, row: Uint8Array): CursorRow {
  const payload = openRow('consumer_cursors', key, row);
  requireLength('consumer_cursors', key, payload, cursorBytes);
  return {
    position: readU48(payload, 0),
    generation: readU32(payload, 6),
    updatedMs: readU48(payload, 10),
    incarnation: Uint8Array.prototype.slice.call(payload, 16),
  };
}

/** @throws {STORE_CORRUPT} unless `payload` has `bytes` bytes. */
export function requireLength(table: string, key: Uint8Array, payload: Uint8Array, bytes: number): void {
  if (payload.length !== bytes) misshapen(table, key);
}

/** @throws {STORE_CORRUPT} always: the checksum holds, the payload does not. */
export function misshapen(table: string, key: Uint8Array): never {
  throw new BusError('STORE_CORRUPT', `a row of ${table} has a wrong shape: key ${describeKey(key)}`, {
    table,
    position: undefined,
  });
}

function describeKey(key: Uint8Array): string {
  return JSON.stringify(Buffer.from(key.subarray(0, 64)).toString());
}
