/**
 * How `data` and `metadata` become bytes and come back: msgpackr, behind a check of what it would change silently.
 *
 * Guarantees that a value is either refused, with its path, or comes back equal. What comes back shares no memory with the
 * block it was read from. Payloads are self-contained: no dictionary, no shared structures. Does not know of records,
 * encryption or the size of whole events.
 *
 * Stored as they are: null, booleans, strings, numbers with NaN and infinities, bigints of any size, undefined (also as a
 * property or an item), plain objects, arrays, Date (also invalid), Map, Set, ArrayBuffer, DataView and typed arrays.
 * Stored in another form that means the same: -0 as 0; a Buffer as a Uint8Array; a hole in an array as undefined; an object
 * without prototype as one with; the same object met twice as two. Not stored: properties that are not enumerable.
 * A getter is asked twice, by the check and by msgpackr; what it gives the second time is stored, unchecked.
 * Everything else is refused: see `encodePayload`.
 */
import { Packr } from 'msgpackr';
import { BusError } from '../errors.ts';
import { checkPayload } from './payload-check.ts';
import { fromTagged, toTagged } from './payload-tags.ts';

/** `encoding` says how to read `bytes` and is stored with them. */
export interface EncodedPayload {
  readonly encoding: number;
  readonly bytes: Uint8Array;
}

/** Ids of the file format (docs/format.md). 0 is undefined and has no bytes. */
const encodingNone = 0;
/** MessagePack with msgpackr's extension types; objects are maps. */
const encodingMaps = 1;
/** The same for values that hold a Map, with their containers tagged (payload-tags.ts). */
const encodingTagged = 2;

/**
 * Objects are maps and nothing is shared between payloads. Records would tell objects from Maps, but msgpackr 2.1.3 writes
 * some that it can't read (found by the property test), so Maps are told apart by tags.
 */
const packr = new Packr({
  useRecords: false,
  moreTypes: true,
  useBigIntExtension: true,
  copyBuffers: true,
  // Otherwise an object of more than 65,535 names is an error.
  variableMapSize: true,
  useToJSON: false,
});

const nothing: EncodedPayload = Object.freeze({ encoding: encodingNone, bytes: new Uint8Array(0) });

/**
 * `value` as bytes that are never written again. They may share a buffer with other payloads: copy what is kept for long.
 *
 * Paths: `data.items[3].price`, `data["odd key"]`; in a Map `<key 2>` and `<value 2>`, in a Set `<item 2>`, each counted
 * from 0 in iteration order.
 *
 * @throws {EVENT_INVALID} at the first function, symbol, class instance (also of RegExp, Error, Promise, boxed primitives,
 * subclasses of built-ins, built-ins of another realm), string or name with a lone surrogate, property named `__proto__`,
 * named property of an array, symbol that names an enumerable property, object that contains itself, nesting beyond
 * `payloadDepthMax`, shared or detached memory, or when reading a property throws (`cause` is what it threw), and for
 * metadata that is not a plain object.
 * @throws {EVENT_TOO_LARGE} when it can't fit in `eventBytesMax`; the rest is not looked at, so `actual` is a lower bound.
 */
export function encodePayload(value: unknown, index: number, root: 'data' | 'metadata'): EncodedPayload {
  if (value === undefined) return nothing;
  const { hasMap } = checkPayload(value, index, root);
  try {
    return hasMap
      ? { encoding: encodingTagged, bytes: packr.pack(toTagged(value)) }
      : { encoding: encodingMaps, bytes: packr.pack(value) };
  } catch (cause) {
    // What the check has read without harm, a getter or a proxy may still refuse to give again.
    throw new BusError('EVENT_INVALID', `${root} of event ${index} can't be stored`, { index, path: root }, { cause });
  }
}

/**
 * The value of the payload at `bytes[start .. end)`, made of new objects.
 * @throws {STORE_CORRUPT} when the bytes do not decode.
 */
export function decodePayload(encoding: number, bytes: Uint8Array, start: number, end: number): unknown {
  if (encoding === encodingNone) return undefined;
  if (encoding !== encodingMaps && encoding !== encodingTagged)
    throw corrupt(`payload encoding ${encoding} is unknown`);
  // msgpackr takes an end of 0, or beyond the block, for the block's own.
  if (!(start < end && end <= bytes.length)) throw corrupt(`a payload can't be at ${start} to ${end}`);
  // From a Buffer msgpackr would make Buffers of binary values.
  const source =
    bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const value: unknown = packr.unpack(source, { start, end });
    return encoding === encodingTagged ? fromTagged(value) : value;
  } catch (cause) {
    throw corrupt(`a payload of ${end - start} bytes can't be decoded`, { cause });
  }
}

function corrupt(message: string, options?: ErrorOptions): BusError<'STORE_CORRUPT'> {
  return new BusError('STORE_CORRUPT', message, { table: 'events_log', position: undefined }, options);
}
