/**
 * Where encoded payloads go: the buffer, and MessagePack's forms of everything that contains nothing.
 *
 * Owns growth: a `write…` function makes its own room. Positions kept across a call that may grow the buffer count from
 * `start`, because growing moves the payload. Refuses what can't be written, at the place `steps` names (payload-refusal.ts).
 */
import { eventBytesMax } from '../limits.ts';
import { extension } from './payload-format.ts';
import { type Place, refuse, refuseSize } from './payload-refusal.ts';

export interface Sink extends Place {
  bytes: Buffer;
  view: DataView;
  /** Where the current payload starts in `bytes`, and where its next byte goes. */
  start: number;
  at: number;
  /** Objects may list names they inherit: see the encoder. */
  skipInherited: boolean;
}

/** Payloads are cut from buffers of this size; one that needs more gets a buffer of its own. */
const slabBytes = 65_536;
/** With less left, a new buffer is cheaper than moving a payload that does not fit. */
const slabLeftMin = 1024;

export function createSink(): Sink {
  const bytes = createBuffer(slabBytes);
  return {
    bytes,
    view: viewOf(bytes),
    start: 0,
    at: 0,
    skipInherited: false,
    root: 'data',
    rootValue: undefined,
    index: 0,
    depth: 0,
    steps: [],
    refusal: undefined,
  };
}

/** Makes ready for a payload behind the last one. */
export function startPayload(sink: Sink): void {
  const isOwnBuffer = sink.bytes.length > slabBytes;
  if (isOwnBuffer || sink.bytes.length - sink.at < slabLeftMin) useBuffer(sink, createBuffer(slabBytes), 0);
  sink.start = sink.at;
}

/** Makes room for `count` more bytes. */
export function reserve(sink: Sink, count: number): void {
  if (sink.at + count > sink.bytes.length) grow(sink, count);
}

function grow(sink: Sink, count: number): void {
  const used = sink.at - sink.start;
  if (used + count > eventBytesMax) throw refuseSize(sink, used + count);
  const bytes = createBuffer(Math.max(slabBytes, 2 * (used + count)));
  sink.bytes.copy(bytes, 0, sink.start, sink.at);
  sink.start = 0;
  useBuffer(sink, bytes, used);
}

function useBuffer(sink: Sink, bytes: Buffer, at: number): void {
  sink.bytes = bytes;
  sink.view = viewOf(bytes);
  sink.at = at;
}

// Not from Node's pool: payloads would keep it alive, and it is smaller than a slab.
function createBuffer(length: number): Buffer {
  return Buffer.allocUnsafeSlow(length);
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function writeByte(sink: Sink, byte: number): void {
  reserve(sink, 1);
  sink.bytes[sink.at++] = byte;
}

/** A tag byte and a big-endian number of 16 bits. */
function writeTagged16(sink: Sink, tag: number, value: number): void {
  reserve(sink, 3);
  sink.bytes[sink.at] = tag;
  sink.view.setUint16(sink.at + 1, value);
  sink.at += 3;
}

/** A tag byte and a big-endian number of 32 bits; negative ones in two's complement. */
function writeTagged32(sink: Sink, tag: number, value: number): void {
  reserve(sink, 5);
  sink.bytes[sink.at] = tag;
  sink.view.setUint32(sink.at + 1, value);
  sink.at += 5;
}

export function writeNumber(sink: Sink, value: number): void {
  // True of -0 too, which so becomes 0.
  if (value >>> 0 === value) {
    if (value < 0x80) writeByte(sink, value);
    else if (value < 0x100) writeShort(sink, 0xcc, value);
    else if (value < 0x10000) writeTagged16(sink, 0xcd, value);
    else writeTagged32(sink, 0xce, value);
  } else if (value >> 0 === value) {
    if (value >= -0x20) writeByte(sink, value);
    else if (value >= -0x80) writeShort(sink, 0xd0, value);
    else if (value >= -0x8000) writeTagged16(sink, 0xd1, value);
    else writeTagged32(sink, 0xd2, value);
  } else {
    reserve(sink, 9);
    sink.bytes[sink.at] = 0xcb;
    sink.view.setFloat64(sink.at + 1, value);
    sink.at += 9;
  }
}

function writeShort(sink: Sink, tag: number, byte: number): void {
  reserve(sink, 2);
  sink.bytes[sink.at] = tag;
  sink.bytes[sink.at + 1] = byte;
  sink.at += 2;
}

/** Up to this length a loop over the characters is faster than a call into Node (measured on Node 24). */
const shortStringMax = 24;

export function writeString(sink: Sink, value: string): void {
  const { length } = value;
  if (length > shortStringMax) return writeText(sink, value);
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

/** From this length on the UTF-8 length is counted first, instead of making room for the worst case. */
const longText = 0x4000;
const headerBytesMax = 5;

/** A string of any length and content. */
function writeText(sink: Sink, value: string): void {
  const bytesMax = value.length < longText ? 3 * value.length : Buffer.byteLength(value);
  reserve(sink, headerBytesMax + bytesMax);
  const textAt = sink.at + headerBytesMax;
  const length = sink.bytes.write(value, textAt);
  // As many bytes as characters is ASCII, which is well-formed.
  if (length !== value.length && !value.isWellFormed())
    throw refuse(sink, 'has a lone surrogate: it is not Unicode text');
  writeLength(sink, length, 0xa0, 0x20, 0xd9);
  sink.bytes.copyWithin(sink.at, textAt, textAt + length);
  sink.at += length;
}

/** The header of a str, bin, array or map: a length below `fixMax` is part of the tag; `tag8` is that for 8 bits, if any. */
function writeLength(sink: Sink, length: number, fixTag: number, fixMax: number, tag8: number): void {
  if (length < fixMax) writeByte(sink, fixTag | length);
  else if (length < 0x100) writeShort(sink, tag8, length);
  else if (length < 0x10000) writeTagged16(sink, tag8 + 1, length);
  else writeTagged32(sink, tag8 + 2, length);
}

/** The header of an array of `count` items. */
export function writeArrayHeader(sink: Sink, count: number): void {
  if (count < 0x10) writeByte(sink, 0x90 | count);
  else if (count < 0x10000) writeTagged16(sink, 0xdc, count);
  else writeTagged32(sink, 0xdd, count);
}

/** Completes the map that starts at `header` (counted from the payload's start), where one byte is kept for its header. */
export function finishMap(sink: Sink, header: number, count: number): void {
  if (count < 0x10) {
    sink.bytes[sink.start + header] = 0x80 | count;
    return;
  }
  const more = count < 0x10000 ? 2 : 4;
  reserve(sink, more);
  const at = sink.start + header;
  const end = sink.at;
  sink.bytes.copyWithin(at + 1 + more, at + 1, end);
  sink.at = at;
  if (more === 2) writeTagged16(sink, 0xde, count);
  else writeTagged32(sink, 0xdf, count);
  sink.at = end + more;
}

export function writeUndefined(sink: Sink): void {
  reserve(sink, 3);
  sink.bytes[sink.at] = 0xd4;
  sink.bytes[sink.at + 1] = extension.undefined;
  sink.bytes[sink.at + 2] = 0;
  sink.at += 3;
}

export function writeDate(sink: Sink, timeMs: number): void {
  reserve(sink, 10);
  sink.bytes[sink.at] = 0xd7;
  sink.bytes[sink.at + 1] = extension.date;
  sink.view.setFloat64(sink.at + 2, timeMs);
  sink.at += 10;
}

/** An int64 where it fits, else a sign byte and the magnitude, big-endian. */
export function writeBigint(sink: Sink, value: bigint): void {
  if (BigInt.asIntN(64, value) === value) {
    reserve(sink, 9);
    sink.bytes[sink.at] = 0xd3;
    sink.view.setBigInt64(sink.at + 1, value);
    sink.at += 9;
    return;
  }
  const hex = (value < 0n ? -value : value).toString(16);
  const magnitude = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  writeExtensionHeader(sink, extension.bigint, 1 + magnitude.length);
  writeByte(sink, value < 0n ? 1 : 0);
  writeRaw(sink, magnitude);
}

export function writeBin(sink: Sink, content: Uint8Array): void {
  writeLength(sink, content.length, 0, 0, 0xc4);
  writeRaw(sink, content);
}

/** `kind` is an index of `viewKinds`. */
export function writeView(sink: Sink, kind: number, content: Uint8Array): void {
  writeExtensionHeader(sink, extension.view, 1 + content.length);
  writeByte(sink, kind);
  writeRaw(sink, content);
}

function writeExtensionHeader(sink: Sink, type: number, length: number): void {
  writeLength(sink, length, 0, 0, 0xc7);
  writeByte(sink, type);
}

function writeRaw(sink: Sink, content: Uint8Array): void {
  reserve(sink, content.length);
  sink.bytes.set(content, sink.at);
  sink.at += content.length;
}

const containerHeaderBytes = 6;

/** Starts a Map or Set, whose length in bytes is not known yet. Returns where it starts, counted from the payload's start. */
export function startContainer(sink: Sink, type: number): number {
  const header = sink.at - sink.start;
  writeTagged32(sink, 0xc9, 0);
  writeByte(sink, type);
  return header;
}

export function finishContainer(sink: Sink, header: number): void {
  const at = sink.start + header;
  sink.view.setUint32(at + 1, sink.at - at - containerHeaderBytes);
}
