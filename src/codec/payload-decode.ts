/**
 * The decoder of payloads: bytes that `payload-encode.ts` wrote, as new objects of this realm.
 *
 * Guarantees that nothing returned shares memory with the bytes, and that bytes which are not exactly one value throw, before
 * anything large is allocated for them. Throws plain errors: payload.ts gives them their code.
 */
import { payloadDepthMax } from '../limits.ts';
import { extension, type ViewKind, viewKinds } from './payload-format.ts';

/** The value at `bytes[start .. end)`. */
export function decodeValue(bytes: Uint8Array, start: number, end: number): unknown {
  if (end > bytes.length) throw new RangeError(`the payload ends at ${end}, its block at ${bytes.length}`);
  const source: Source = {
    bytes: bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    at: start,
    end,
    depth: 0,
    text: '',
    textStart: start,
    textEnd: start,
  };
  const value = readValue(source);
  if (source.at !== end) throw new RangeError(`the value ends at ${source.at} instead of ${end}`);
  return value;
}

interface Source {
  readonly bytes: Buffer;
  at: number;
  end: number;
  depth: number;
  /** `bytes[textStart .. textEnd)`, a character for each byte: see `readShortString`. */
  text: string;
  textStart: number;
  textEnd: number;
}

function readValue(source: Source): unknown {
  const tag = source.bytes[source.at++] as number;
  if (tag < 0x80) return tag;
  if (tag < 0x90) return readObject(source, tag & 0xf);
  if (tag < 0xa0) return readArray(source, tag & 0xf);
  if (tag < 0xc0) return readString(source, tag & 0x1f);
  if (tag >= 0xe0) return tag - 0x100;
  return readTagged(source, tag);
}

function readTagged(source: Source, tag: number): unknown {
  switch (tag) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xcb:
      return source.bytes.readDoubleBE(advance(source, 8));
    case 0xd9:
      return readString(source, readUint8(source));
    case 0xda:
      return readString(source, readUint16(source));
    case 0xdb:
      return readString(source, readUint32(source));
    case 0xdc:
      return readArray(source, readUint16(source));
    case 0xdd:
      return readArray(source, readUint32(source));
    case 0xde:
      return readObject(source, readUint16(source));
    case 0xdf:
      return readObject(source, readUint32(source));
    case 0xc4:
      return readBytes(source, readUint8(source));
    case 0xc5:
      return readBytes(source, readUint16(source));
    case 0xc6:
      return readBytes(source, readUint32(source));
    case 0xc7:
      return readExtension(source, readUint8(source));
    case 0xc8:
      return readExtension(source, readUint16(source));
    case 0xc9:
      return readExtension(source, readUint32(source));
    case 0xd4:
      return readExtension(source, 1);
    case 0xd7:
      return readExtension(source, 8);
    default:
      return readInteger(source, tag);
  }
}

function readInteger(source: Source, tag: number): number | bigint {
  switch (tag) {
    case 0xcc:
      return readUint8(source);
    case 0xcd:
      return readUint16(source);
    case 0xce:
      return readUint32(source);
    case 0xd0:
      return source.bytes.readInt8(advance(source, 1));
    case 0xd1:
      return source.bytes.readInt16BE(advance(source, 2));
    case 0xd2:
      return source.bytes.readInt32BE(advance(source, 4));
    case 0xd3:
      return source.bytes.readBigInt64BE(advance(source, 8));
    default:
      throw new RangeError(`${tag} at ${source.at - 1} starts no value`);
  }
}

/** Steps over `count` bytes and returns where they start. */
function advance(source: Source, count: number): number {
  const { at } = source;
  if (count > source.end - at) throw new RangeError(`${count} bytes are needed at ${at}, ${source.end - at} are left`);
  source.at = at + count;
  return at;
}

function readUint8(source: Source): number {
  return source.bytes[advance(source, 1)] as number;
}

function readUint16(source: Source): number {
  return source.bytes.readUInt16BE(advance(source, 2));
}

function readUint32(source: Source): number {
  return source.bytes.readUInt32BE(advance(source, 4));
}

/** A copy of the next `length` bytes. */
function readBytes(source: Source, length: number): Uint8Array<ArrayBuffer> {
  const start = advance(source, length);
  return new Uint8Array(source.bytes.subarray(start, start + length));
}

// V8 copies a slice of up to 12 characters; a longer one would keep the whole text in memory for as long as it lives.
const sliceMax = 12;

function readString(source: Source, length: number): string {
  const start = advance(source, length);
  const end = start + length;
  return length <= sliceMax ? readShortString(source, start, end) : source.bytes.toString('utf8', start, end);
}

/** Bytes turned into `text` at a time. */
const textWindow = 2048;

/** Cuts a string out of a longer one, decoded in one go: a call into Node for each costs five times as much. */
function readShortString(source: Source, start: number, end: number): string {
  const { bytes } = source;
  for (let i = start; i < end; i++) {
    if ((bytes[i] as number) >= 0x80) return bytes.toString('utf8', start, end);
  }
  if (end > source.textEnd) {
    source.textStart = start;
    source.textEnd = Math.min(start + textWindow, source.end);
    source.text = bytes.toString('latin1', start, source.textEnd);
  }
  return source.text.slice(start - source.textStart, end - source.textStart);
}

function enter(source: Source): void {
  if (++source.depth > payloadDepthMax) throw new RangeError(`nested deeper than ${payloadDepthMax} levels`);
}

function readArray(source: Source, length: number): unknown[] {
  enter(source);
  // An item takes a byte at least, so a false length can't make a large array.
  if (length > source.end - source.at)
    throw new RangeError(`an array of ${length} items at ${source.at} goes beyond the end`);
  const items = new Array<unknown>(length);
  for (let i = 0; i < length; i++) items[i] = readValue(source);
  source.depth--;
  return items;
}

function readObject(source: Source, size: number): Record<string, unknown> {
  enter(source);
  const object: Record<string, unknown> = {};
  for (let i = 0; i < size; i++) {
    const name = readName(source);
    object[name] = readValue(source);
  }
  source.depth--;
  return object;
}

/** Names met before, by a hash of their bytes: most events have the same few. A name of another hash takes the slot. */
interface KnownName {
  readonly bytes: Uint8Array;
  readonly name: string;
}

const nameSlots = 2048;
const knownNameBytesMax = 0x1f;
const knownNames = new Array<KnownName | undefined>(nameSlots).fill(undefined);

function readName(source: Source): string {
  const { bytes } = source;
  const tag = bytes[source.at] as number;
  const length = tag - 0xa0;
  if (length < 1 || length > knownNameBytesMax) return readUnusualName(source);
  source.at++;
  const start = advance(source, length);
  const slot = nameSlot(bytes, start, length);
  const known = knownNames[slot];
  if (known !== undefined && known.bytes.length === length && startsWith(bytes, start, known.bytes)) return known.name;
  const name = bytes.toString('utf8', start, start + length);
  if (name === '__proto__') throw new RangeError(`the name at ${start} would set the prototype`);
  knownNames[slot] = { bytes: new Uint8Array(bytes.subarray(start, start + length)), name };
  return name;
}

function nameSlot(bytes: Uint8Array, start: number, length: number): number {
  const first = bytes[start] as number;
  const middle = bytes[start + (length >>> 1)] as number;
  const last = bytes[start + length - 1] as number;
  return (length ^ (first << 1) ^ (middle << 4) ^ (last << 7)) & (nameSlots - 1);
}

function startsWith(bytes: Uint8Array, start: number, part: Uint8Array): boolean {
  const { length } = part;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== part[i]) return false;
  return true;
}

function readUnusualName(source: Source): string {
  const start = source.at;
  const name = readValue(source);
  if (typeof name !== 'string') throw new RangeError(`the name at ${start} is not a string`);
  return name;
}

function readExtension(source: Source, length: number): unknown {
  const type = readUint8(source);
  const start = advance(source, length);
  switch (type) {
    case extension.undefined:
      return undefined;
    case extension.date:
      return new Date(source.bytes.readDoubleBE(start));
    case extension.bigint:
      return bigintAt(source.bytes, start, source.at);
    case extension.view:
      return viewAt(source.bytes, start, source.at);
    case extension.map:
      return readContent(source, start, readEntries);
    case extension.set:
      return readContent(source, start, readMembers);
    default:
      throw new RangeError(`${type} at ${start - 1} is no extension type`);
  }
}

function bigintAt(bytes: Buffer, start: number, end: number): bigint {
  const magnitude = BigInt(`0x${bytes.toString('hex', start + 1, end)}`);
  return bytes[start] === 1 ? -magnitude : magnitude;
}

const viewConstructors = {
  DataView,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
} satisfies Record<Exclude<ViewKind, 'ArrayBuffer'>, unknown>;

function viewAt(bytes: Buffer, start: number, end: number): ArrayBuffer | ArrayBufferView {
  const kind = viewKinds[bytes[start] as number];
  if (kind === undefined) throw new RangeError(`${bytes[start]} at ${start} is no kind of binary data`);
  const { buffer } = new Uint8Array(bytes.subarray(start + 1, end));
  return kind === 'ArrayBuffer' ? buffer : new viewConstructors[kind](buffer);
}

/** Goes back to `start` and reads what is between it and where the source stands. */
function readContent<Content>(source: Source, start: number, read: (source: Source) => Content): Content {
  const { at, end } = source;
  enter(source);
  source.at = start;
  source.end = at;
  const content = read(source);
  source.end = end;
  source.depth--;
  if (source.at !== at) throw new RangeError(`the content of the extension at ${start} has another length`);
  return content;
}

function readEntries(source: Source): Map<unknown, unknown> {
  const entries = new Map<unknown, unknown>();
  while (source.at < source.end) {
    const key = readValue(source);
    entries.set(key, readValue(source));
  }
  return entries;
}

function readMembers(source: Source): Set<unknown> {
  const members = new Set<unknown>();
  while (source.at < source.end) members.add(readValue(source));
  return members;
}
