/**
 * The bytes of the `keys` file: its header, and entries of one size. See docs/format.md, "The keys file".
 *
 * The header is sealed with the master key, data keys are with the wrapping key that the header holds; everything has a
 * checksum. 128 bytes are an entry, six times that the header: neither an entry nor its checksum is on two sectors of a disk.
 */
import type { KeyObject } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { assert } from '../assert.ts';
import { BusError } from '../errors.ts';
import { masterKeyIdBytesMax } from '../limits.ts';
import { openSealed, sealBytes, sealInto } from './gcm.ts';
import { cryptoIdBytes, secretBytes, tagOfNameBytes } from './secrets.ts';

export const headerBytes = 768;
export const entryBytes = 128;
const version = 1;
const magic = Buffer.from('VARVKEYS');
const headerLabel = Buffer.from('varvebus keys 1\0');
const entryLabel = Buffer.from('varvebus key 1\0');

/** What the header says in clear; authenticated together with what it holds. */
export interface KeysHeader {
  readonly cryptoId: Uint8Array;
  /** Changes whenever the wrapping key does. */
  readonly wrapId: number;
  /** Rises whenever the file is replaced. */
  readonly generation: number;
  readonly plainUntil: number;
  /** Entries that were there when the file was made: none of them is ever missing. */
  readonly entries: number;
  readonly masterKeyId: string | undefined;
}

/** What the header holds. Whoever has it zeroes it. */
export interface HeldSecrets {
  readonly wrappingKey: Buffer;
  readonly tagKey: Buffer;
}

const at = {
  version: 8,
  idBytes: 10,
  entries: 12,
  cryptoId: 16,
  wrapId: 32,
  generation: 38,
  plainUntil: 44,
  seal: 64,
  held: 64 + sealBytes,
  id: 64 + sealBytes + 2 * secretBytes,
  crc: headerBytes - 4,
} as const;

export function encodeHeader(header: KeysHeader, held: HeldSecrets, masterKey: KeyObject): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  const id = Buffer.from(header.masterKeyId ?? '');
  assert(id.length <= masterKeyIdBytesMax && id.length > 0 === (header.masterKeyId !== undefined), 'an id fits');
  bytes.set(magic);
  bytes.writeUInt16LE(version, at.version);
  bytes.writeUInt16LE(id.length, at.idBytes);
  bytes.writeUInt32LE(header.entries, at.entries);
  bytes.set(header.cryptoId, at.cryptoId);
  bytes.writeUIntLE(header.wrapId, at.wrapId, 6);
  bytes.writeUIntLE(header.generation, at.generation, 6);
  bytes.writeUIntLE(header.plainUntil, at.plainUntil, 6);
  bytes.set(id, at.id);
  const plain = Buffer.concat([held.wrappingKey, held.tagKey]);
  bytes.set(sealInto(masterKey, headerAssociated(bytes), plain, bytes, at.seal), at.held);
  plain.fill(0);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, at.crc)), at.crc);
  return bytes;
}

/** @throws {STORE_CORRUPT} {STORE_FORMAT} a later release wrote it */
export function decodeHeader(bytes: Buffer, path: string): KeysHeader {
  if (bytes.length < headerBytes) keysDamaged(`${path} is shorter than its header`);
  if (!bytes.subarray(0, magic.length).equals(magic)) keysDamaged(`${path} is no keys file`);
  if (crc32(bytes.subarray(0, at.crc)) !== bytes.readUInt32LE(at.crc)) keysDamaged(`the header of ${path} is damaged`);
  const found = bytes.readUInt16LE(at.version);
  if (found !== version)
    throw new BusError('STORE_FORMAT', `${path} has version ${found}, this release of varvebus knows ${version}`, {
      path,
      found,
      supported: version,
    });
  const idBytes = bytes.readUInt16LE(at.idBytes);
  if (idBytes > masterKeyIdBytesMax) keysDamaged(`the header of ${path} is damaged`);
  return {
    cryptoId: Uint8Array.from(bytes.subarray(at.cryptoId, at.cryptoId + cryptoIdBytes)),
    wrapId: bytes.readUIntLE(at.wrapId, 6),
    generation: bytes.readUIntLE(at.generation, 6),
    plainUntil: bytes.readUIntLE(at.plainUntil, 6),
    entries: bytes.readUInt32LE(at.entries),
    masterKeyId: idBytes === 0 ? undefined : bytes.toString('utf8', at.id, at.id + idBytes),
  };
}

/** What the header holds; `undefined`: it was sealed with another master key, or is not what was sealed. */
export function openHeader(bytes: Buffer, masterKey: KeyObject): HeldSecrets | undefined {
  const plain = openSealed(masterKey, headerAssociated(bytes), bytes.subarray(at.held, at.id), bytes, at.seal);
  if (plain === undefined) return undefined;
  const held = {
    wrappingKey: Buffer.from(plain.subarray(0, secretBytes)),
    tagKey: Buffer.from(plain.subarray(secretBytes)),
  };
  plain.fill(0);
  return held;
}

/** All of the header but the seal, what is sealed, and the checksum. */
function headerAssociated(bytes: Buffer): Buffer {
  return Buffer.concat([headerLabel, bytes.subarray(0, at.seal), bytes.subarray(at.id, at.crc)]);
}

/** What an entry is. A tombstone stands in place of its key; a name that was erased has one of its own. */
export const entryKinds = { key: 1, tombstone: 2, name: 3, count: 4 } as const;
/** What a tag in an entry is of: as in secrets.ts. */
export const entryDomains = { stream: 1, subject: 2, projection: 3 } as const;
export type EntryDomain = (typeof entryDomains)[keyof typeof entryDomains];

export const entryAt = {
  kind: 0,
  domain: 1,
  id: 4,
  ownerTag: 8,
  subjectTag: 24,
  generation: 40,
  time: 46,
  epoch: 52,
  /** Of a key. */
  seal: 60,
  wrapped: 60 + sealBytes,
  /** Of a tombstone: fingerprints of the key and of its wrapped form, 20 bytes each. */
  fingerprints: 60,
  /** Of a count. */
  seals: 60,
  crc: entryBytes - 4,
} as const;
export const wrappedEnd = entryAt.wrapped + secretBytes;
export const fingerprintBytes = 20;
/** Tag of no subject. */
export const noTag = Buffer.alloc(tagOfNameBytes);

/** What is in every kind of entry; zero where it means nothing. */
export interface EntryFields {
  readonly kind: number;
  readonly domain: number;
  /** Of the key; of a name: the highest id there was when it was erased. */
  readonly id: number;
  readonly ownerTag: Uint8Array;
  readonly subjectTag: Uint8Array;
  /** Of the file, when it was written. */
  readonly generation: number;
  readonly timeMs: number;
  /** Of the writer that wrote it. */
  readonly epoch: number;
}

/** Writes a whole entry but for what its kind alone has, and {@link finishEntry}. */
export function writeEntry(target: Buffer, start: number, fields: EntryFields): void {
  target.fill(0, start, start + entryBytes);
  target[start + entryAt.kind] = fields.kind;
  target[start + entryAt.domain] = fields.domain;
  target.writeUInt32LE(fields.id, start + entryAt.id);
  target.set(fields.ownerTag, start + entryAt.ownerTag);
  target.set(fields.subjectTag, start + entryAt.subjectTag);
  target.writeUIntLE(fields.generation, start + entryAt.generation, 6);
  target.writeUIntLE(fields.timeMs, start + entryAt.time, 6);
  target.writeUIntLE(fields.epoch, start + entryAt.epoch, 6);
}

/** Puts the checksum. */
export function finishEntry(target: Buffer, start: number): void {
  target.writeUInt32LE(crc32(target.subarray(start, start + entryAt.crc)), start + entryAt.crc);
}

/** Whether a whole entry is there. */
export function isEntry(source: Buffer, start: number): boolean {
  const kind = source[start + entryAt.kind] as number;
  if (kind < entryKinds.key || kind > entryKinds.count) return false;
  return crc32(source.subarray(start, start + entryAt.crc)) === source.readUInt32LE(start + entryAt.crc);
}

/** What data keys of one store are wrapped with. */
export interface Wrapping {
  readonly key: KeyObject;
  readonly wrapId: number;
  readonly cryptoId: Uint8Array;
}

/** Wraps `raw` into the entry at `start`, whose fields are there, and finishes it. */
export function wrapKey(wrapping: Wrapping, target: Buffer, start: number, raw: Uint8Array): void {
  const associated = entryAssociated(wrapping, target, start);
  target.set(sealInto(wrapping.key, associated, raw, target, start + entryAt.seal), start + entryAt.wrapped);
  finishEntry(target, start);
}

/** The data key in the entry at `start`: the caller's to zero. `undefined`: it was not wrapped so, or was changed. */
export function unwrapKey(wrapping: Wrapping, source: Buffer, start: number): Buffer | undefined {
  const wrapped = source.subarray(start + entryAt.wrapped, start + wrappedEnd);
  return openSealed(wrapping.key, entryAssociated(wrapping, source, start), wrapped, source, start + entryAt.seal);
}

function entryAssociated({ cryptoId, wrapId }: Wrapping, entry: Buffer, start: number): Buffer {
  const associated = Buffer.allocUnsafe(entryLabel.length + cryptoIdBytes + 6 + entryAt.seal);
  associated.set(entryLabel);
  associated.set(cryptoId, entryLabel.length);
  associated.writeUIntLE(wrapId, entryLabel.length + cryptoIdBytes, 6);
  associated.set(entry.subarray(start, start + entryAt.seal), entryLabel.length + cryptoIdBytes + 6);
  return associated;
}

/** @throws {STORE_CORRUPT} */
export function keysDamaged(message: string): never {
  throw new BusError('STORE_CORRUPT', message, { table: 'keys', position: undefined });
}
