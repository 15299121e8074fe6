/**
 * Rows of `projections`: which builds a projection has, and the entries of each build.
 *
 * Keys: the projection's name and a zero byte (no name has one) for its builds; behind that the number of a build, u32
 * big-endian, and the entry's own key. Layout: docs/format.md, "Rows".
 */
import { BusError } from '../errors.ts';
import { readU32, writeU32 } from './bytes.ts';
import { decodePayload, type EncodedPayload } from './payload.ts';
import { checksumBytes, misshapen, openRow, requireLength, sealRow } from './row.ts';

/** One run of the handlers over the log, from its beginning. */
export interface ProjectionBuild {
  /** That of the handlers, as the user numbers them. */
  readonly version: number;
  /** Never used twice by one projection; from 1 on. Also the generation of the build's cursor. */
  readonly build: number;
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

const buildBytes = 4;
const buildsBytes = 20;
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

/** What a key of the table names. `build: undefined`: the row of the builds. `undefined`: nothing, it is misshapen. */
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
  const payload = new Uint8Array(buildsBytes);
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
  requireLength(tableName, key, payload, buildsBytes);
  const lastBuild = readU32(payload, 16);
  const build = (at: number): ProjectionBuild | undefined => {
    const number = readU32(payload, at + 4);
    if (number > lastBuild) misshapen(tableName, key);
    return number === 0 ? undefined : { version: readU32(payload, at), build: number };
  };
  return { active: build(0), building: build(8), lastBuild };
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

/** The value of an entry, copied and not decoded. @throws {STORE_CORRUPT} */
export function openEntry(key: Uint8Array, row: Uint8Array): EncodedPayload {
  const payload = openRow(tableName, key, row);
  if (payload.length < 2) misshapen(tableName, key);
  return { encoding: payload[0] as number, bytes: Uint8Array.prototype.slice.call(payload, 1) };
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
