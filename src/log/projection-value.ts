/**
 * Values of a projection while they wait to be written: checked when they are set, made of new objects each time they are read.
 *
 * Numbers, booleans and texts can't be changed by anybody and are held as they are; everything else is held encoded.
 */
import { inspect } from 'node:util';
import { type EncodedPayload, encodePayload } from '../codec/payload.ts';
import { decodeEntry } from '../codec/projection-row.ts';
import { BusError } from '../errors.ts';
import { projectionValueBytesMax } from '../limits.ts';

/** `undefined`: there is none. */
export type HeldValue = EncodedPayload | string | number | boolean | null | undefined;

/** @throws {TypeError} for a value that can't be stored, naming `owner` and the place in it. */
export function hold(value: unknown, owner: () => string): HeldValue {
  switch (typeof value) {
    case 'number':
      // As the codec has it.
      return value === 0 ? 0 : value;
    case 'boolean':
      return value;
    case 'undefined':
      throw new TypeError(`${owner()} can't be undefined: delete the key instead`);
    case 'string':
      return value.length * 3 < projectionValueBytesMax && value.isWellFormed() ? value : encode(value, owner);
    default:
      return value === null ? null : encode(value, owner);
  }
}

/** What was read from the store, held as if it had just been set. @throws {STORE_CORRUPT} */
export function heldOf(stored: EncodedPayload | undefined): HeldValue {
  const value = release(stored);
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean' || value === null
    ? value
    : stored;
}

/** The value, made of new objects. @throws {STORE_CORRUPT} */
export function release(held: HeldValue): unknown {
  return typeof held === 'object' && held !== null ? decodeEntry(held) : held;
}

/** The value as it is stored. */
export function encoded(held: Exclude<HeldValue, undefined>): EncodedPayload {
  return typeof held === 'object' && held !== null ? held : encodePayload(held, 0, 'data');
}

/** What a value takes, roughly: what is in memory is counted, not measured. */
export function heldBytes(held: HeldValue): number {
  if (typeof held === 'string') return held.length;
  return typeof held === 'object' && held !== null ? held.bytes.length : 8;
}

function encode(value: unknown, owner: () => string): EncodedPayload {
  let payload: EncodedPayload;
  try {
    payload = encodePayload(value, 0, 'data');
  } catch (cause) {
    throw refusal(cause, owner, value);
  }
  const { encoding, bytes } = payload;
  if (bytes.length > projectionValueBytesMax) {
    throw new TypeError(`${owner()} has ${bytes.length} bytes, more than the ${projectionValueBytesMax} of one value`);
  }
  // Encoding goes on in the same memory, which a view of it would keep.
  return { encoding, bytes: Uint8Array.prototype.slice.call(bytes) };
}

function refusal(cause: unknown, owner: () => string, value: unknown): TypeError {
  const [, reason] = cause instanceof BusError ? cause.message.split(/: (.*)/s, 2) : [];
  return new TypeError(`${owner()} can't be stored: ${reason ?? inspect(value)}`, { cause });
}
