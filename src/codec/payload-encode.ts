/**
 * The encoder of payloads: one walk that checks a value and writes it, so that what was checked is what is stored.
 *
 * Guarantees that a value is stored whole or refused with its path; user code that runs meanwhile (getters, proxies) is read
 * once and may itself encode. Owns the buffers it writes to; a result is never written again. The bytes: payload.ts.
 */
import { types } from 'node:util';
import { BusError } from '../errors.ts';
import { eventBytesMax, payloadDepthMax } from '../limits.ts';
import { extension, viewKinds } from './payload-format.ts';

/** Writes `value` as MessagePack. @throws {EVENT_INVALID} @throws {EVENT_TOO_LARGE} */
export function encodeValue(value: unknown, index: number, root: 'data' | 'metadata'): Uint8Array {
  const sink = idleSink ?? createSink();
  idleSink = undefined;
  sink.index = index;
  sink.root = root;
  sink.depth = 0;
  sink.skipInherited = hasInheritedNames();
  sink.hasInherited = hasInheritedKeys();
  if (sink.bytes.length > slabBytes || sink.bytes.length - sink.at < slabLeftMin)
    useBuffer(sink, createBuffer(slabBytes), 0);
  sink.start = sink.at;
  try {
    if (root === 'metadata' && !isPlainObject(value)) throw refuse(sink, 'is not a plain object');
    writeValue(sink, value);
    return sink.bytes.subarray(sink.start, sink.at);
  } catch (error) {
    sink.at = sink.start;
    throw error === sink.refusal ? error : unreadable(sink, error);
  } finally {
    sink.refusal = undefined;
    idleSink = sink;
  }
}

/**
 * Where the walk writes and where it stands. `steps[depth - 1]` is the step from the container at that depth to its current
 * member: a property name, or a number as made by `itemStep` and its siblings.
 */
interface Sink {
  bytes: Buffer;
  view: DataView;
  start: number;
  at: number;
  depth: number;
  readonly steps: (string | number)[];
  index: number;
  root: string;
  /** True while Object.prototype has enumerable properties, which for-in would list. */
  hasInherited: boolean;
  refusal: unknown;
}

/** Payloads are cut from buffers of this size; one that needs more gets its own. */
const slabBytes = 65_536;
const slabLeftMin = 1024;

// A nested call finds it taken and makes its own.
let idleSink: Sink | undefined;

function createSink(): Sink {
  const bytes = createBuffer(slabBytes);
  return {
    bytes,
    view: viewOf(bytes),
    start: 0,
    at: 0,
    depth: 0,
    steps: [],
    index: 0,
    root: '',
    hasInherited: false,
    refusal: undefined,
  };
}

function createBuffer(length: number): Buffer {
  return Buffer.allocUnsafeSlow(length);
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function useBuffer(sink: Sink, bytes: Buffer, at: number): void {
  sink.bytes = bytes;
  sink.view = viewOf(bytes);
  sink.at = at;
}

function hasInheritedKeys(): boolean {
  for (const _ in Object.prototype) return true;
  return false;
}

/** Makes room for `count` more bytes. */
function reserve(sink: Sink, count: number): void {
  if (sink.at + count > sink.bytes.length) grow(sink, count);
}

function grow(sink: Sink, count: number): void {
  const used = sink.at - sink.start;
  if (used + count > eventBytesMax) throw tooLarge(sink, used + count);
  const bytes = createBuffer(Math.max(slabBytes, 2 * (used + count)));
  sink.bytes.copy(bytes, 0, sink.start, sink.at);
  sink.start = 0;
  useBuffer(sink, bytes, used);
}

function writeValue(sink: Sink, value: unknown): void {
  switch (typeof value) {
    case 'string':
      return writeString(sink, value);
    case 'number':
      return writeNumber(sink, value);
    case 'boolean':
      reserve(sink, 1);
      sink.bytes[sink.at++] = value ? 0xc3 : 0xc2;
      return;
    case 'object':
      if (value !== null) return writeObject(sink, value);
      reserve(sink, 1);
      sink.bytes[sink.at++] = 0xc0;
      return;
    case 'undefined':
      return writeUndefined(sink);
    case 'bigint':
      return writeBigint(sink, value);
    default:
      throw refuse(sink, `is a ${typeof value}`);
  }
}

function writeUndefined(sink: Sink): void {
  reserve(sink, 3);
  sink.bytes[sink.at] = 0xd4;
  sink.bytes[sink.at + 1] = extension.undefined;
  sink.bytes[sink.at + 2] = 0;
  sink.at += 3;
}

function writeNumber(sink: Sink, value: number): void {
  reserve(sink, 9);
  const { bytes } = sink;
  if (value >>> 0 === value) {
    if (value < 0x80) {
      bytes[sink.at++] = value;
    } else if (value < 0x100) {
      bytes[sink.at] = 0xcc;
      bytes[sink.at + 1] = value;
      sink.at += 2;
    } else if (value < 0x10000) {
      bytes[sink.at] = 0xcd;
      bytes[sink.at + 1] = value >>> 8;
      bytes[sink.at + 2] = value;
      sink.at += 3;
    } else {
      bytes[sink.at] = 0xce;
      sink.view.setUint32(sink.at + 1, value);
      sink.at += 5;
    }
  } else if (value >> 0 === value) {
    writeNegative(sink, value);
  } else {
    bytes[sink.at] = 0xcb;
    sink.view.setFloat64(sink.at + 1, value);
    sink.at += 9;
  }
}

function writeNegative(sink: Sink, value: number): void {
  const { bytes } = sink;
  if (value >= -0x20) {
    bytes[sink.at++] = value;
  } else if (value >= -0x80) {
    bytes[sink.at] = 0xd0;
    bytes[sink.at + 1] = value;
    sink.at += 2;
  } else if (value >= -0x8000) {
    bytes[sink.at] = 0xd1;
    sink.view.setInt16(sink.at + 1, value);
    sink.at += 3;
  } else {
    bytes[sink.at] = 0xd2;
    sink.view.setInt32(sink.at + 1, value);
    sink.at += 5;
  }
}

/** Up to this length a loop over the characters is faster than a call into Node. */
const shortString = 24;

function writeString(sink: Sink, value: string): void {
  const { length } = value;
  if (length > shortString) return writeText(sink, value);
  reserve(sink, 1 + length);
  const { bytes } = sink;
  let at = sink.at;
  bytes[at++] = 0xa0 | length;
  for (let i = 0; i < length; i++) {
    const code = value.charCodeAt(i);
    if (code >= 0x80) return writeText(sink, value);
    bytes[at++] = code;
  }
  sink.at = at;
}

/** A string of any length and content. */
function writeText(sink: Sink, value: string): void {
  const length = value.length > 0x4000 ? Buffer.byteLength(value) : value.length;
  reserve(sink, 5 + 3 * Math.min(length, 0x4000) + Math.max(0, length - 0x4000));
  const guess = stringHeaderBytes(length);
  const written = sink.bytes.write(value, sink.at + guess);
  // As many bytes as characters is ASCII, which is well-formed.
  if (written !== value.length && !value.isWellFormed()) throw refuse(sink, 'has a lone surrogate');
  const header = stringHeaderBytes(written);
  if (header !== guess) sink.bytes.copyWithin(sink.at + header, sink.at + guess, sink.at + guess + written);
  writeStringHeader(sink, written);
  sink.at += written;
}

function stringHeaderBytes(length: number): number {
  if (length < 0x20) return 1;
  if (length < 0x100) return 2;
  return length < 0x10000 ? 3 : 5;
}

function writeStringHeader(sink: Sink, length: number): void {
  const { bytes } = sink;
  if (length < 0x20) {
    bytes[sink.at++] = 0xa0 | length;
  } else if (length < 0x100) {
    bytes[sink.at++] = 0xd9;
    bytes[sink.at++] = length;
  } else if (length < 0x10000) {
    bytes[sink.at] = 0xda;
    sink.view.setUint16(sink.at + 1, length);
    sink.at += 3;
  } else {
    bytes[sink.at] = 0xdb;
    sink.view.setUint32(sink.at + 1, length);
    sink.at += 5;
  }
}

function writeBigint(sink: Sink, value: bigint): void {
  reserve(sink, 9);
  if (BigInt.asIntN(64, value) === value) {
    sink.bytes[sink.at] = 0xd3;
    sink.view.setBigInt64(sink.at + 1, value);
    sink.at += 9;
    return;
  }
  const hex = (value < 0n ? -value : value).toString(16);
  const magnitude = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  writeExtensionHeader(sink, extension.bigint, 1 + magnitude.length);
  sink.bytes[sink.at++] = value < 0n ? 1 : 0;
  sink.bytes.set(magnitude, sink.at);
  sink.at += magnitude.length;
}

/** Reserves the content too. */
function writeExtensionHeader(sink: Sink, type: number, length: number): void {
  reserve(sink, 6 + length);
  if (length < 0x100) {
    sink.bytes[sink.at++] = 0xc7;
    sink.bytes[sink.at++] = length;
  } else {
    sink.bytes[sink.at] = 0xc9;
    sink.view.setUint32(sink.at + 1, length);
    sink.at += 5;
  }
  sink.bytes[sink.at++] = type;
}

function writeObject(sink: Sink, value: object): void {
  const prototype = Object.getPrototypeOf(value);
  if (++sink.depth > payloadDepthMax) throw tooDeep(sink);
  if (prototype === Object.prototype) writeProperties(sink, value as Record<string, unknown>);
  else if (prototype === Array.prototype && Array.isArray(value)) writeArray(sink, value);
  else writeOther(sink, value);
  sink.depth--;
}

function writeProperties(sink: Sink, value: object, skipInherited: boolean): void {
  if (Object.getOwnPropertySymbols(value).length > 0) checkSymbols(sink, value);
  reserve(sink, 1);
  const header = sink.at++ - sink.start;
  const step = sink.depth - 1;
  let count = 0;
  // for-in is three times as fast as Object.keys with a look-up or Object.hasOwn (measured on Node 24).
  for (const name in value) {
    if (skipInherited && !Object.hasOwn(value, name)) continue;
    sink.steps[step] = name;
    if (name === '__proto__') throw refuse(sink, 'has a name that would set the prototype');
    writeString(sink, name);
    writeValue(sink, (value as Record<string, unknown>)[name]);
    count++;
  }
  finishMap(sink, header, count);
}

/** True when code of the process has put enumerable properties on Object.prototype: for-in lists them. */
function hasInheritedNames(): boolean {
  for (const _ in Object.prototype) return true;
  return false;
}

function checkSymbols(sink: Sink, value: object): void {
  for (const symbol of Object.getOwnPropertySymbols(value)) {
    if (!Object.prototype.propertyIsEnumerable.call(value, symbol)) continue;
    sink.steps[sink.depth - 1] = symbol;
    throw refuse(sink, 'has a symbol for a name');
  }
}

function writeItems(sink: Sink, value: readonly unknown[]): void {
  checkItemsOnly(sink, value);
  const { length } = value;
  writeArrayHeader(sink, length);
  const step = sink.depth - 1;
  for (let i = 0; i < length; i++) {
    sink.steps[step] = itemStep(i);
    writeValue(sink, value[i]);
  }
}

/** Refuses named properties of an array, such as a RegExp match has. Indexes come first in keys, so the last one tells. */
function checkItemsOnly(sink: Sink, value: readonly unknown[]): void {
  if (Object.getOwnPropertySymbols(value).length > 0) checkSymbols(sink, value);
  const last = Object.keys(value).at(-1);
  if (last === undefined) return;
  const ordinal = Number(last) >>> 0;
  if (ordinal < value.length && String(ordinal) === last) return;
  sink.steps[sink.depth - 1] = last;
  throw refuse(sink, 'is a named property of an array, of which only the items are stored');
}

/** What is neither a plain object nor an array of this realm. */
function writeOther(sink: Sink, value: object, prototype: unknown): void {
  if (types.isDate(value)) return writeBuiltIn(sink, value, prototype, 'Date', writeDateOf);
  if (types.isMap(value)) return writeBuiltIn(sink, value, prototype, 'Map', writeEntries);
  if (types.isSet(value)) return writeBuiltIn(sink, value, prototype, 'Set', writeMembers);
  if (types.isTypedArray(value)) return writeTypedArray(sink, value, prototype);
  if (types.isDataView(value)) return writeBuiltIn(sink, value, prototype, 'DataView', writeDataView);
  if (types.isArrayBuffer(value)) return writeBuiltIn(sink, value, prototype, 'ArrayBuffer', writeArrayBuffer);
  if (types.isSharedArrayBuffer(value)) throw refuse(sink, sharedMemory);
  if (Array.isArray(value) && isBuiltInPrototype(prototype, 'Array', 2)) return writeItems(sink, value);
  if (isPlainPrototype(prototype) && !Array.isArray(value)) return writeProperties(sink, value, true);
  throw refuseInstance(sink, prototype);
}

/** Writes an instance of the built-in `name` itself, if it is one. */
function writeBuiltIn<Instance extends object>(
  sink: Sink,
  value: Instance,
  prototype: unknown,
  name: string,
  write: (sink: Sink, value: Instance) => void,
): void {
  if (!isBuiltInPrototype(prototype, name, 2)) throw refuseInstance(sink, prototype);
  if (Object.getOwnPropertySymbols(value).length > 0) checkSymbols(sink, value);
  const [own] = Object.keys(value);
  if (own !== undefined) {
    sink.steps[sink.depth - 1] = own;
    throw refuse(sink, `is a property of a ${name}, of which only the content is stored`);
  }
  write(sink, value);
}

function writeDateOf(sink: Sink, value: Date): void {
  writeDate(sink, value.getTime());
}

function writeEntries(sink: Sink, value: ReadonlyMap<unknown, unknown>): void {
  const header = startContainer(sink, extension.map);
  const step = sink.depth - 1;
  let ordinal = 0;
  for (const [key, member] of value) {
    sink.steps[step] = mapKeyStep(ordinal);
    writeValue(sink, key);
    sink.steps[step] = mapValueStep(ordinal++);
    writeValue(sink, member);
  }
  finishContainer(sink, header);
}

function writeMembers(sink: Sink, value: ReadonlySet<unknown>): void {
  const header = startContainer(sink, extension.set);
  const step = sink.depth - 1;
  let ordinal = 0;
  for (const member of value) {
    sink.steps[step] = setItemStep(ordinal++);
    writeValue(sink, member);
  }
  finishContainer(sink, header);
}

function writeTypedArray(sink: Sink, value: NodeJS.TypedArray, prototype: unknown): void {
  const name = typedArrayName(value);
  if (prototype !== Buffer.prototype && !isBuiltInPrototype(prototype, name, 3)) throw refuseInstance(sink, prototype);
  if (Object.getOwnPropertySymbols(value).length > 0) checkSymbols(sink, value);
  const content = contentOf(sink, value.buffer, value.byteOffset, value.byteLength);
  if (name === 'Uint8Array') return writeBin(sink, content);
  const kind = viewKinds.indexOf(name as ViewKind);
  if (kind < 0) throw refuse(sink, `is a ${name}, which not every supported Node.js can read`);
  writeView(sink, kind, content);
}

function writeDataView(sink: Sink, value: DataView): void {
  writeView(sink, viewKinds.indexOf('DataView'), contentOf(sink, value.buffer, value.byteOffset, value.byteLength));
}

function writeArrayBuffer(sink: Sink, value: ArrayBuffer): void {
  writeView(sink, viewKinds.indexOf('ArrayBuffer'), contentOf(sink, value, 0, value.byteLength));
}

const sharedMemory = 'is shared memory, which may change while it is stored: copy it first';

function contentOf(sink: Sink, buffer: ArrayBufferLike, byteOffset: number, byteLength: number): Uint8Array {
  if (types.isSharedArrayBuffer(buffer)) throw refuse(sink, sharedMemory);
  if ((buffer as ArrayBuffer).detached) throw refuse(sink, 'is detached: its memory was transferred');
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function refuseInstance(sink: Sink, prototype: unknown): Error {
  const constructor: unknown = (prototype as { constructor?: unknown } | null)?.constructor;
  const name = typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'a class';
  return refuse(sink, `is an instance of ${name}: only plain objects and the built-in containers can be stored`);
}
