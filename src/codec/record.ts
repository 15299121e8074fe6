/**
 * The record: one event as bytes, a fixed header of 56 and then seal, id text, data and metadata.
 *
 * The caller of an append writes everything it knows; the writer fills in place, time and dictionary indexes and then the
 * CRC32. Layout: docs/format.md, "Record". Knows nothing of blocks or of what data holds (payload.ts).
 */
import { crc32 } from 'node:zlib';
import { readU16, readU32, writeU16, writeU32, writeU48 } from './bytes.ts';
import type { EncodedPayload } from './payload.ts';
import { nextUuid, parseUuid } from './uuid.ts';

export const recordHeaderBytes = 56;

/** Offsets of the header's fields. */
export const recordField = {
  crc: 0,
  flags: 4,
  dataEncoding: 5,
  metadataEncoding: 6,
  sealBytes: 7,
  streamIndex: 8,
  typeIndex: 10,
  keyId: 12,
  version: 16,
  timeMs: 22,
  id: 28,
  dataBytes: 44,
  metadataBytes: 48,
  idTextBytes: 52,
  reserved: 54,
} as const;

/** Flag: the id is text behind the header, not a UUID in it. */
export const flagTextId = 1;
/** Flag: sealed together with the record before it (sealed-run.ts). */
export const flagJoined = 2;
const knownFlags = flagTextId | flagJoined;
/** Bytes of a seal: that of a run stands in its first record. Nonce and tag of AES-256-GCM. */
export const runSealBytes = 28;

/** An event ready to be laid out: what the caller knows of it. */
export interface RecordDraft {
  /** 16 bytes of UUID, text, or the time in milliseconds of a UUID that is to be made. */
  readonly id: Uint8Array | string | number;
  readonly data: EncodedPayload;
  readonly metadata: EncodedPayload;
}

/** What `id` becomes: a canonical UUID is kept as 16 bytes, other text as it is. */
export function encodeId(id: string): Uint8Array | string {
  const uuid = new Uint8Array(16);
  return parseUuid(id, uuid, 0) ? uuid : id;
}

export function draftBytes(draft: RecordDraft): number {
  const idBytes = typeof draft.id === 'string' ? Buffer.byteLength(draft.id) : 0;
  return recordHeaderBytes + idBytes + draft.data.bytes.length + draft.metadata.bytes.length;
}

/** Writes `draft` at `at` with place, time, indexes and CRC left zero. Returns the end. `target` is zeroed nowhere else. */
export function writeDraft(target: Buffer, at: number, draft: RecordDraft): number {
  target.fill(0, at, at + recordHeaderBytes);
  let end = at + recordHeaderBytes;
  if (typeof draft.id === 'string') {
    const idBytes = target.write(draft.id, end);
    target[at + recordField.flags] = flagTextId;
    writeU16(target, at + recordField.idTextBytes, idBytes);
    end += idBytes;
  } else if (typeof draft.id === 'number') {
    nextUuid(target, at + recordField.id, draft.id);
  } else {
    target.set(draft.id, at + recordField.id);
  }
  end = writePayload(target, at, end, draft.data, recordField.dataEncoding, recordField.dataBytes);
  return writePayload(target, at, end, draft.metadata, recordField.metadataEncoding, recordField.metadataBytes);
}

function writePayload(
  target: Buffer,
  at: number,
  start: number,
  payload: EncodedPayload,
  encodingField: number,
  bytesField: number,
): number {
  if (payload.bytes.length === 0) return start;
  target.set(payload.bytes, start);
  target[at + encodingField] = payload.encoding;
  writeU32(target, at + bytesField, payload.bytes.length);
  return start + payload.bytes.length;
}

/** What only the writer knows of a record. */
export interface RecordPlace {
  readonly streamIndex: number;
  readonly typeIndex: number;
  readonly version: number;
  readonly timeMs: number;
}

/** Fills in the writer's fields of the record at `at`. */
export function placeRecord(target: Uint8Array, at: number, place: RecordPlace): void {
  writeU16(target, at + recordField.streamIndex, place.streamIndex);
  writeU16(target, at + recordField.typeIndex, place.typeIndex);
  writeU48(target, at + recordField.version, place.version);
  writeU48(target, at + recordField.timeMs, place.timeMs);
}

/** Writes the CRC32 of the record at `at`, after which it is final. */
export function finishRecord(target: Uint8Array, at: number, end: number): void {
  writeU32(target, at + recordField.crc, crc32(target.subarray(at + recordField.flags, end)));
}

/** Length of the record at `at` by its own header. The header must be inside `source`. */
export function recordBytes(source: Uint8Array, at: number): number {
  return (
    recordHeaderBytes +
    (source[at + recordField.sealBytes] as number) +
    readU16(source, at + recordField.idTextBytes) +
    readU32(source, at + recordField.dataBytes) +
    readU32(source, at + recordField.metadataBytes)
  );
}

/** True when the record from `at` to `end` is whole: its lengths add up and its CRC32 holds. */
export function isRecordIntact(source: Uint8Array, at: number, end: number): boolean {
  if (end - at < recordHeaderBytes || end > source.length || recordBytes(source, at) !== end - at) return false;
  return crc32(source.subarray(at + recordField.flags, end)) === readU32(source, at + recordField.crc);
}

/** True when this release can read the record: no flag, seal or reserved bit it does not know. */
export function isRecordKnown(source: Uint8Array, at: number): boolean {
  const sealBytes = source[at + recordField.sealBytes];
  return (
    ((source[at + recordField.flags] as number) & ~knownFlags) === 0 &&
    (sealBytes === 0 || sealBytes === runSealBytes) &&
    readU16(source, at + recordField.reserved) === 0
  );
}

/** True when nothing in the record's header says that it is sealed. */
export function isPlainRecord(source: Uint8Array, at: number): boolean {
  return (
    readU32(source, at + recordField.keyId) === 0 &&
    source[at + recordField.sealBytes] === 0 &&
    ((source[at + recordField.flags] as number) & flagJoined) === 0
  );
}

/** How a record that is known is sealed; `'wrong'`: flag, seal and key id contradict each other. */
export function sealOfRecord(source: Uint8Array, at: number): 'plain' | 'first' | 'joined' | 'wrong' {
  if (isPlainRecord(source, at)) return 'plain';
  const isJoined = ((source[at + recordField.flags] as number) & flagJoined) !== 0;
  const hasSeal = source[at + recordField.sealBytes] !== 0;
  if (readU32(source, at + recordField.keyId) === 0 || isJoined === hasSeal) return 'wrong';
  return isJoined ? 'joined' : 'first';
}

/** Where data begins in the record at `at`; metadata is behind it. */
export function payloadStart(source: Uint8Array, at: number): number {
  return (
    at +
    recordHeaderBytes +
    (source[at + recordField.sealBytes] as number) +
    readU16(source, at + recordField.idTextBytes)
  );
}
