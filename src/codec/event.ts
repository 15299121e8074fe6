/**
 * Events as users see them: plain objects of eight own properties whose `data` and `metadata` are decoded when first touched.
 *
 * A view holds the bytes its record is in. It has Object's own prototype, so that spread, structuredClone, JSON.stringify
 * and deep equality meet an ordinary object; decoding yields copies, never windows into the block.
 */
import { inspect } from 'node:util';
import { BusError } from '../errors.ts';
import type { Metadata, StoredEvent } from '../types.ts';
import { readU16, readU32, readU48 } from './bytes.ts';
import { decodePayload } from './payload.ts';
import { flagTextId, recordField, recordHeaderBytes } from './record.ts';
import { formatUuid } from './uuid.ts';

/** Of lazy events with data: how many were given out, and how many were asked for it. */
export interface DecodeCount {
  given: number;
  decoded: number;
}

/**
 * The event of the checked record at `at` in `bytes`, which must stay as they are for as long as the event lives.
 * The properties `data` and `metadata` throw {STORE_CORRUPT} should they not decode.
 */
export function eventView(
  bytes: Uint8Array,
  at: number,
  position: number,
  stream: string,
  type: string,
  count?: DecodeCount,
): StoredEvent {
  // Properties are added in their order: turning a value that is there already into an accessor costs three times as much.
  const event = {
    id: decodeId(bytes, at),
    stream,
    version: readU48(bytes, at + recordField.version),
    position,
    type,
  } as { -readonly [Key in keyof StoredEvent]: StoredEvent[Key] };
  const timeMs = readU48(bytes, at + recordField.timeMs);
  const hasData = bytes[at + recordField.dataEncoding] !== 0;
  const hasMetadata = bytes[at + recordField.metadataEncoding] !== 0;
  if (hasData) Object.defineProperty(event, 'data', LazyPayload.dataProperty);
  else event.data = undefined;
  if (hasMetadata) Object.defineProperty(event, 'metadata', LazyPayload.metadataProperty);
  else event.metadata = undefined;
  event.timeMs = timeMs;
  if (hasData || hasMetadata) {
    Object.defineProperty(event, inspect.custom, inspectProperty);
    new LazyPayload(event, bytes, at, hasData, hasMetadata, count);
    if (hasData && count !== undefined) count.given++;
  }
  return event;
}

/** The same event with its data and metadata decoded at once: it keeps nothing of `bytes`. @throws {STORE_CORRUPT} */
export function decodedEvent(
  bytes: Uint8Array,
  at: number,
  position: number,
  stream: string,
  type: string,
): StoredEvent {
  return {
    id: decodeId(bytes, at),
    stream,
    version: readU48(bytes, at + recordField.version),
    position,
    type,
    data: decoded(decodeData, bytes, at, position),
    metadata: decoded(decodeMetadata, bytes, at, position),
    timeMs: readU48(bytes, at + recordField.timeMs),
  };
}

/** A plain object of the same eight properties that holds nothing but its own values: for keeping an event for long. */
export function detach<Event extends StoredEvent>(event: Event): Event {
  return { ...event };
}

function decodeId(bytes: Uint8Array, at: number): string {
  if (((bytes[at + recordField.flags] as number) & flagTextId) === 0) return formatUuid(bytes, at + recordField.id);
  const start = at + recordHeaderBytes + (bytes[at + recordField.sealBytes] as number);
  const idBytes = readU16(bytes, at + recordField.idTextBytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, idBytes).toString();
}

/** @throws {STORE_CORRUPT} with the event's position. */
function decoded<Value>(
  decode: (bytes: Uint8Array, at: number) => Value,
  bytes: Uint8Array,
  at: number,
  position: number,
): Value {
  try {
    return decode(bytes, at);
  } catch (cause) {
    const detail = { table: 'events_log', position };
    throw new BusError('STORE_CORRUPT', `the event at position ${position} can't be decoded`, detail, { cause });
  }
}

function decodeData(bytes: Uint8Array, at: number): unknown {
  const start = payloadStart(bytes, at);
  const end = start + readU32(bytes, at + recordField.dataBytes);
  return decodePayload(bytes[at + recordField.dataEncoding] as number, bytes, start, end);
}

function decodeMetadata(bytes: Uint8Array, at: number): Metadata | undefined {
  const start = payloadStart(bytes, at) + readU32(bytes, at + recordField.dataBytes);
  const end = start + readU32(bytes, at + recordField.metadataBytes);
  return decodePayload(bytes[at + recordField.metadataEncoding] as number, bytes, start, end) as Metadata | undefined;
}

function payloadStart(bytes: Uint8Array, at: number): number {
  return (
    at +
    recordHeaderBytes +
    (bytes[at + recordField.sealBytes] as number) +
    readU16(bytes, at + recordField.idTextBytes)
  );
}

/** A constructor that returns its argument: what extends it puts private fields on that object. */
const Adopt = class {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: private fields of a subclass go onto the returned object
    return object;
  }
};

/**
 * Private state on an event, and the accessors that use it. The accessor functions are shared by all events: one
 * `defineProperty` each costs about 0.1 us, an object literal with getters of its own 1 us (docs/decisions/0001).
 */
class LazyPayload extends Adopt {
  #bytes: Uint8Array | undefined;
  readonly #at: number;
  #data: unknown;
  #metadata: Metadata | undefined;
  #pending: number;
  readonly #count: DecodeCount | undefined;

  constructor(
    event: object,
    bytes: Uint8Array,
    at: number,
    hasData: boolean,
    hasMetadata: boolean,
    count: DecodeCount | undefined,
  ) {
    super(event);
    this.#count = count;
    this.#bytes = bytes;
    this.#at = at;
    this.#pending = (hasData ? pendingData : 0) | (hasMetadata ? pendingMetadata : 0);
  }

  static readonly dataProperty: PropertyDescriptor & ThisType<LazyPayload> = {
    enumerable: true,
    configurable: true,
    get() {
      if ((this.#pending & pendingData) !== 0) {
        this.#data = this.#decode(decodeData);
        this.#done(pendingData);
        if (this.#count !== undefined) this.#count.decoded++;
      }
      return this.#data;
    },
    set(value: unknown) {
      this.#done(pendingData);
      this.#data = value;
    },
  };

  static readonly metadataProperty: PropertyDescriptor & ThisType<LazyPayload> = {
    enumerable: true,
    configurable: true,
    get() {
      if ((this.#pending & pendingMetadata) !== 0) {
        this.#metadata = this.#decode(decodeMetadata);
        this.#done(pendingMetadata);
      }
      return this.#metadata;
    },
    set(value: Metadata | undefined) {
      this.#done(pendingMetadata);
      this.#metadata = value;
    },
  };

  #decode<Value>(decode: (bytes: Uint8Array, at: number) => Value): Value {
    const { position } = this as unknown as StoredEvent;
    return decoded(decode, this.#bytes as Uint8Array, this.#at, position);
  }

  /** What is decoded needs the bytes no longer. */
  #done(what: number): void {
    this.#pending &= ~what;
    if (this.#pending === 0) this.#bytes = undefined;
  }
}

const pendingData = 1;
const pendingMetadata = 2;

/** Without it console.log would show `data: [Getter]`. */
const inspectProperty: PropertyDescriptor & ThisType<object> = {
  enumerable: false,
  configurable: true,
  value(this: object): object {
    return { ...this };
  },
};
