/**
 * Stored values as JSON that tells them apart: what JSON has no form for becomes an object with one property, a tag.
 *
 * `$undefined` (true), `$number` ("NaN", "Infinity", "-Infinity"), `$bigint` (decimal), `$date` (ISO 8601; null if
 * invalid), `$map` (pairs), `$set` (members), `$binary` ({ type, base64 }: the bytes as in memory, little-endian). A property
 * whose own name starts with `$` gets one `$` more, so that a tag is never anything else. Users read this in `--help`.
 */
import { types } from 'node:util';
import type { StoredEvent } from '../types.ts';

/** An event on one line. */
export function eventLine(event: StoredEvent): string {
  return jsonLine(eventForm(event));
}

/** An event as JSON can hold it. `data` and `metadata` are left out where there are none; `erased` is true, or left out. */
export function eventForm(event: StoredEvent): object {
  const { id, stream, version, position, type, data, metadata, timeMs } = event;
  const given = {
    ...(data === undefined ? {} : { data: taggedForm(data) }),
    ...(metadata === undefined ? {} : { metadata: taggedForm(metadata) }),
  };
  // Known for sure once data was asked for.
  const { erased } = event;
  return { position, stream, version, type, timeMs, id, ...given, ...(erased && { erased }) };
}

/** `value`, which JSON can hold, on one line: no control character in it, whatever the text. */
export function jsonLine(value: object): string {
  return `${JSON.stringify(value).replaceAll(leftRaw, escaped)}\n`;
}

/** A stored `value` (see codec/payload.ts for what that can be) as JSON can hold it. */
export function taggedForm(value: unknown): unknown {
  switch (typeof value) {
    case 'undefined':
      return { $undefined: true };
    case 'bigint':
      return { $bigint: String(value) };
    case 'number':
      return Number.isFinite(value) ? value : { $number: String(value) };
    case 'object':
      return value === null ? null : taggedObject(value);
    default:
      return value;
  }
}

/** JSON.stringify leaves these as they are: terminals act on some of them, and some readers of lines take others for an end. */
const leftRaw = /[\u007f-\u009f\u2028\u2029]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function taggedObject(value: object): unknown {
  if (Array.isArray(value)) return value.map(taggedForm);
  if (types.isDate(value)) return { $date: Number.isNaN(value.getTime()) ? null : value.toISOString() };
  if (types.isMap(value)) return { $map: [...value].map(([key, member]) => [taggedForm(key), taggedForm(member)]) };
  if (types.isSet(value)) return { $set: [...value].map(taggedForm) };
  if (ArrayBuffer.isView(value)) return taggedBytes(value, value.buffer, value.byteOffset, value.byteLength);
  if (types.isArrayBuffer(value)) return taggedBytes(value, value, 0, value.byteLength);
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name.startsWith('$') ? `$${name}` : name, taggedForm(member)]),
  );
}

function taggedBytes(value: object, buffer: ArrayBufferLike, byteOffset: number, byteLength: number): unknown {
  const type = Buffer.isBuffer(value) ? 'Uint8Array' : Object.prototype.toString.call(value).slice(8, -1);
  return { $binary: { type, base64: Buffer.from(buffer, byteOffset, byteLength).toString('base64') } };
}
