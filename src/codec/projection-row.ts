/**
 * Rows of `projections`: which builds a projection has, the entries of each build, and marks of what was erased behind them.
 *
 * Keys: the projection's name and a zero byte (no name has one) for its builds; behind that the number of a build, u32
 * big-endian, and the entry's own key; or 0, which no build has, and what a mark is of. Layout: docs/format.md, "Rows".
 */
import { BusError } from '../errors.ts';
import { readU32, readU48, writeU32, writeU48 } from './bytes.ts';
import { decodePayload, type EncodedPayload } from './payload.ts';
import { checksumBytes, misshapen, openRow, requireLength, sealRow } from './row.ts';

/** One run of the handlers over the log, from its beginning. */
export interface ProjectionBuild {
  /** That of the handlers, as the user numbers them. */
  readonly version: number;
  /** Never used twice by one projection; from 1 on. Also the generation of the build's cursor. */
  readonly build: number;
  /** Its values are sealed, with a key of its own. */
  readonly isSealed: boolean;
}

/** The builds of one projection. Rows of any other build are left over. */
export interface ProjectionBuilds {
  /** The one that is read. */
  readonly active: ProjectionBuild | undefined;
  /** The one that is to take its place when it is as far. */
  readonly building: ProjectionBuild | undefined;
  /** The highest number given to a build so far. */
  readonly lastBuild: number;
}

/** Erasures that a build has not taken in yet: something of what it consumed may be of what they have made unreadable. */
export interface ErasureMark {
  readonly build: number;
  /** Of the last fact in the log that it stands for. */
  readonly position: number;
  /** Of the first. */
  readonly since: number;
}

const buildBytes = 4;
const buildsBytes = 20;
const markKeyBytes = buildBytes + 6;
const markBytes = 6;
/** Which builds are sealed: a byte that is there only if one is. */
const sealedBits = { active: 1, building: 2 } as const;
const tableName = 'projections';

/** Key of the row that tells the builds of `name`. */
export function buildsKey(name: string): Buffer {
  return Buffer.from(`${name}\0`);
}

/** What the keys of all entries of a build begin with. */
export function entryPrefix(name: string, build: number): Buffer {
  const nameKey = buildsKey(name);
  const prefix = Buffer.alloc(nameKey.length + buildBytes, nameKey);
  prefix.writeUInt32BE(build, nameKey.length);
  return prefix;
}

/** What a key of the table names. `build: undefined`: the row of the builds; 0: a mark. `undefined`: nothing, it is misshapen. */
export function projectionOfKey(
  key: Uint8Array,
): { readonly name: string; readonly build: number | undefined } | undefined {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.length);
  const nameEnd = bytes.indexOf(0);
  if (nameEnd < 1) return undefined;
  const name = bytes.toString('utf8', 0, nameEnd);
  if (bytes.length === nameEnd + 1) return { name, build: undefined };
  // An entry's key has a byte at least.
  return bytes.length > nameEnd + 1 + buildBytes ? { name, build: bytes.readUInt32BE(nameEnd + 1) } : undefined;
}

export function encodeBuilds(key: Uint8Array, { active, building, lastBuild }: ProjectionBuilds): Uint8Array {
  const bits = (active?.isSealed ? sealedBits.active : 0) | (building?.isSealed ? sealedBits.building : 0);
  const payload = new Uint8Array(bits === 0 ? buildsBytes : buildsBytes + 1);
  if (bits !== 0) payload[buildsBytes] = bits;
  writeU32(payload, 0, active?.version ?? 0);
  writeU32(payload, 4, active?.build ?? 0);
  writeU32(payload, 8, building?.version ?? 0);
  writeU32(payload, 12, building?.build ?? 0);
  writeU32(payload, 16, lastBuild);
  return sealRow(key, payload);
}

/** @throws {STORE_CORRUPT} */
export function decodeBuilds(key: Uint8Array, row: Uint8Array): ProjectionBuilds {
  const payload = openRow(tableName, key, row);
  const bits = payload[buildsBytes] ?? 0;
  requireLength(tableName, key, payload, bits === 0 ? buildsBytes : buildsBytes + 1);
  const lastBuild = readU32(payload, 16);
  const build = (at: number, sealedBit: number): ProjectionBuild | undefined => {
    const number = readU32(payload, at + 4);
    if (number > lastBuild) misshapen(tableName, key);
    if (number === 0) return undefined;
    return { version: readU32(payload, at), build: number, isSealed: (bits & sealedBit) !== 0 };
  };
  return { active: build(0, sealedBits.active), building: build(8, sealedBits.building), lastBuild };
}

/** What the keys of all marks of `name` begin with, and with `build` those of its marks. */
export function markPrefix(name: string, build?: number): Buffer {
  const prefix = entryPrefix(name, 0);
  if (build === undefined) return prefix;
  const key = Buffer.alloc(prefix.length + buildBytes, prefix);
  key.writeUInt32BE(build, prefix.length);
  return key;
}

/** Key of a mark. */
export function markKey(name: string, build: number, position: number): Buffer {
  const prefix = markPrefix(name, build);
  const key = Buffer.alloc(prefix.length + 6, prefix);
  key.writeUIntBE(position, prefix.length, 6);
  return key;
}

export function encodeMark(key: Uint8Array, since: number): Uint8Array {
  const payload = new Uint8Array(markBytes);
  writeU48(payload, 0, since);
  return sealRow(key, payload);
}

/** @throws {STORE_CORRUPT} */
export function decodeMark(key: Uint8Array, row: Uint8Array): ErasureMark {
  const payload = openRow(tableName, key, row);
  requireLength(tableName, key, payload, markBytes);
  const at = key.indexOf(0) + 1 + buildBytes;
  if (key.length !== at + markKeyBytes) misshapen(tableName, key);
  const numbers = Buffer.from(key.buffer, key.byteOffset, key.length);
  return {
    build: numbers.readUInt32BE(at),
    position: numbers.readUIntBE(at + buildBytes, 6),
    since: readU48(payload, 0),
  };
}

/** Bytes of the row of an entry with `value`. */
export function entryRowBytes(value: EncodedPayload): number {
  return 1 + value.bytes.length + checksumBytes;
}

/** Fills `row`, of {@link entryRowBytes}, but for the checksum. */
export function writeEntry(row: Uint8Array, value: EncodedPayload): void {
  row[0] = value.encoding;
  row.set(value.bytes, 1);
}

/** Encoding and value of an entry, which may be sealed; borrowed. @throws {STORE_CORRUPT} */
export function entryPayload(key: Uint8Array, row: Uint8Array): Uint8Array {
  const payload = openRow(tableName, key, row);
  if (payload.length < 2) misshapen(tableName, key);
  return payload;
}

/** The value, made of new objects. @throws {STORE_CORRUPT} */
export function decodeEntry({ encoding, bytes }: EncodedPayload): unknown {
  try {
    return decodePayload(encoding, bytes, 0, bytes.length);
  } catch (cause) {
    const message = "a projection's value can't be decoded";
    throw new BusError('STORE_CORRUPT', message, { table: tableName, position: undefined }, { cause });
  }
}
