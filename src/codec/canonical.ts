/**
 * The content hash of an append call: what tells a retry under an idempotency key from other content under the same key.
 *
 * Guarantees that calls whose stored content is equal have equal hashes, whatever the order of property names, and that the
 * form hashed is unambiguous: different contents have different forms. Hashes are stored, so the form never changes.
 * Does not check: takes values that `encodePayload` accepted, or that `decodePayload` gave. `expectedVersion` is not content.
 *
 * The form: a list of the streams in order, each a list of its name and the list of its events, each a list of type, id
 * (undefined unless the caller gave one), data, metadata and, only where it names one, its subject. A value is a tag byte and its content, numbers big-endian:
 *   u n t f   undefined, null, true, false
 *   d         number: float64; NaN is 7ff8000000000000, -0 is 0
 *   i         bigint: u32 length, then hexadecimal ASCII, with `-` in front if negative
 *   s         string: u32 length, then UTF-8
 *   D         Date: float64 of its milliseconds, NaN as above if it is invalid
 *   A         list: u32 count, then the items; a hole is undefined
 *   O         object: u32 count, then for each name, sorted by UTF-16 code units, u32 length, UTF-8 and the value
 *   M         Map: u32 count, then key and value of each entry in insertion order
 *   S         Set: u32 count, then the members in insertion order
 *   B         Uint8Array: u32 length, then the bytes
 *   V         other binary data: its index in `binaryKinds` below (one byte), u32 length in bytes, then the bytes
 */
import { createHash, type Hash } from 'node:crypto';
import { types } from 'node:util';
import { assert } from '../assert.ts';

/** The part of a call that goes to one stream. */
export interface HashedStream {
  readonly stream: string;
  readonly events: readonly HashedEvent[];
}

export interface HashedEvent {
  readonly type: string;
  /** `undefined` unless the caller chose it: a retry would be given another. */
  readonly id: string | undefined;
  readonly data: unknown;
  readonly metadata: unknown;
  readonly subject?: string | undefined;
}

/** SHA-256 of the form described above: 32 bytes. */
export function contentHash(streams: readonly HashedStream[]): Uint8Array {
  const form: Form = { hash: createHash('sha256'), bytes: Buffer.allocUnsafe(formBytes), at: 0 };
  writeCount(form, tag.list, streams.length);
  for (const { stream, events } of streams) {
    writeCount(form, tag.list, 2);
    writeText(form, tag.string, stream);
    writeCount(form, tag.list, events.length);
    for (const event of events) writeEvent(form, event);
  }
  flush(form);
  return new Uint8Array(form.hash.digest());
}

/** The form so far: what `hash` was given, then `bytes[0 .. at)`. */
interface Form {
  readonly hash: Hash;
  readonly bytes: Buffer;
  at: number;
}

const formBytes = 2048;
/** Longer texts and bytes go to the hash by themselves. */
const shortTextMax = 256;

const tag = {
  undefined: 0x75,
  null: 0x6e,
  true: 0x74,
  false: 0x66,
  number: 0x64,
  bigint: 0x69,
  string: 0x73,
  date: 0x44,
  list: 0x41,
  object: 0x4f,
  map: 0x4d,
  set: 0x53,
  bytes: 0x42,
  view: 0x56,
} as const;

function flush(form: Form): void {
  form.hash.update(form.bytes.subarray(0, form.at));
  form.at = 0;
}

function reserve(form: Form, count: number): void {
  if (form.at + count > formBytes) flush(form);
}

function writeByte(form: Form, byte: number): void {
  reserve(form, 1);
  form.bytes[form.at++] = byte;
}

function writeCount(form: Form, byte: number, count: number): void {
  writeByte(form, byte);
  writeUint32(form, count);
}

function writeUint32(form: Form, value: number): void {
  reserve(form, 4);
  form.at = form.bytes.writeUInt32BE(value, form.at);
}

function writeFloat64(form: Form, byte: number, value: number): void {
  writeByte(form, byte);
  reserve(form, 8);
  // NaN has many bit patterns, and an engine may keep them apart.
  if (Number.isNaN(value)) form.at = form.bytes.writeBigUInt64BE(0x7ff8_0000_0000_0000n, form.at);
  else form.at = form.bytes.writeDoubleBE(value === 0 ? 0 : value, form.at);
}

function writeText(form: Form, byte: number, text: string): void {
  writeByte(form, byte);
  writeUtf8(form, text);
}

function writeUtf8(form: Form, text: string): void {
  if (text.length > shortTextMax) {
    writeUint32(form, Buffer.byteLength(text));
    flush(form);
    form.hash.update(text, 'utf8');
    return;
  }
  reserve(form, 4 + 3 * text.length);
  const length = form.bytes.write(text, form.at + 4);
  writeUint32(form, length);
  form.at += length;
}

function writeEvent(form: Form, { type, id, data, metadata, subject }: HashedEvent): void {
  writeCount(form, tag.list, subject === undefined ? 4 : 5);
  writeText(form, tag.string, type);
  writeValue(form, id);
  writeValue(form, data);
  writeValue(form, metadata);
  if (subject !== undefined) writeText(form, tag.string, subject);
}

function writeValue(form: Form, value: unknown): void {
  switch (typeof value) {
    case 'string':
      writeText(form, tag.string, value);
      break;
    case 'number':
      writeFloat64(form, tag.number, value);
      break;
    case 'boolean':
      writeByte(form, value ? tag.true : tag.false);
      break;
    case 'undefined':
      writeByte(form, tag.undefined);
      break;
    case 'bigint':
      writeText(form, tag.bigint, value.toString(16));
      break;
    case 'object':
      if (value === null) writeByte(form, tag.null);
      else writeObject(form, value);
      break;
    case 'function':
    case 'symbol':
      assert(false, 'only what can be stored is hashed');
  }
}

function writeObject(form: Form, value: object): void {
  if (Array.isArray(value)) writeList(form, value);
  else if (types.isDate(value)) writeFloat64(form, tag.date, value.getTime());
  else if (types.isMap(value)) writeEntries(form, value);
  else if (types.isSet(value)) writeMembers(form, value);
  else if (ArrayBuffer.isView(value)) writeBinary(form, value, contentOf(value));
  else if (types.isArrayBuffer(value)) writeBinary(form, value, new Uint8Array(value));
  else writeProperties(form, value);
}

function writeList(form: Form, value: readonly unknown[]): void {
  writeCount(form, tag.list, value.length);
  for (let i = 0; i < value.length; i++) writeValue(form, value[i]);
}

function writeEntries(form: Form, value: ReadonlyMap<unknown, unknown>): void {
  writeCount(form, tag.map, value.size);
  for (const [key, member] of value) {
    writeValue(form, key);
    writeValue(form, member);
  }
}

function writeMembers(form: Form, value: ReadonlySet<unknown>): void {
  writeCount(form, tag.set, value.size);
  for (const member of value) writeValue(form, member);
}

function writeProperties(form: Form, value: object): void {
  const names = Object.keys(value).sort();
  writeCount(form, tag.object, names.length);
  for (const name of names) {
    writeUtf8(form, name);
    writeValue(form, (value as Record<string, unknown>)[name]);
  }
}

function contentOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Part of the form: never reorder. A Uint8Array, also as a Buffer, has a tag of its own. */
const binaryKinds = [
  'ArrayBuffer',
  'DataView',
  'Int8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
];

function writeBinary(form: Form, value: object, content: Uint8Array): void {
  // "[object Int8Array]", by what the value is inside and not by its prototype.
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  if (kind === 'Uint8Array') {
    writeByte(form, tag.bytes);
  } else {
    const index = binaryKinds.indexOf(kind);
    assert(index >= 0, 'only what can be stored is hashed');
    writeByte(form, tag.view);
    writeByte(form, index);
  }
  writeUint32(form, content.length);
  flush(form);
  form.hash.update(content);
}
