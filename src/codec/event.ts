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
import { flagTextId, payloadStart, recordField, recordHeaderBytes } from './record.ts';
import type { SealedRun } from './sealed-run.ts';
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
  return viewOf(bytes, at, position, stream, type, undefined, count);
}

/**
 * The event of the record `ordinal` of `run`, whose block must stay as it is. Without data, and marked, once its key is
 * erased: at once, or from when its data is asked for, or {@link noticeErasure} is. Its accessors throw {DECRYPTION_FAILED}, too.
 * @throws {DECRYPTION_FAILED} when its key is no key of its stream
 */
export function sealedEventView(run: SealedRun, ordinal: number, type: string, count?: DecodeCount): StoredEvent {
  const { block, stream } = run;
  const at = block.recordAt(ordinal);
  const position = block.positionOf(ordinal);
  if (run.isErased) return erasedEvent(block.bytes, at, position, stream, type);
  return viewOf(block.bytes, at, position, stream, type, { run, ordinal }, count);
}

/** The same, opened and decoded at once. @throws {STORE_CORRUPT} {DECRYPTION_FAILED} */
export function decodedSealedEvent(run: SealedRun, ordinal: number, type: string): StoredEvent {
  const { block, stream } = run;
  const at = block.recordAt(ordinal);
  const position = block.positionOf(ordinal);
  const plain = run.isErased ? 'erased' : run.open();
  if (plain === 'erased') return erasedEvent(block.bytes, at, position, stream, type);
  const event = decodedFrom(block.bytes, at, position, stream, type, plain, run.dataAt(ordinal));
  new SealedMark(event, run.keyId);
  return event;
}

/** The key that data of `event` was sealed with when it was read; 0: none, or this is a copy of an event. */
export function keyIdOf(event: object): number {
  return LazyPayload.keyIdOf(event) ?? SealedMark.keyIdOf(event) ?? 0;
}

/** Whether `event` is erased by now, its mark brought up to date. Data that was decoded already stays. */
export function noticeErasure(event: StoredEvent): boolean {
  return event.erased === true || LazyPayload.noticeErasure(event);
}

function viewOf(
  bytes: Uint8Array,
  at: number,
  position: number,
  stream: string,
  type: string,
  sealed: SealedRecord | undefined,
  count: DecodeCount | undefined,
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
  // That there is nothing in a sealed record is known when it is opened.
  const hasData = sealed !== undefined || bytes[at + recordField.dataEncoding] !== 0;
  const hasMetadata = sealed !== undefined || bytes[at + recordField.metadataEncoding] !== 0;
  if (hasData) Object.defineProperty(event, 'data', LazyPayload.dataProperty);
  else event.data = undefined;
  if (hasMetadata) Object.defineProperty(event, 'metadata', LazyPayload.metadataProperty);
  else event.metadata = undefined;
  event.timeMs = timeMs;
  if (hasData || hasMetadata) {
    Object.defineProperty(event, inspect.custom, inspectProperty);
    new LazyPayload(event, bytes, at, hasData, hasMetadata, sealed, count);
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
  return decodedFrom(bytes, at, position, stream, type, bytes, payloadStart(bytes, at));
}

/** `payload` holds data from `start` on, and metadata behind it. */
function decodedFrom(
  header: Uint8Array,
  at: number,
  position: number,
  stream: string,
  type: string,
  payload: Uint8Array,
  start: number,
): StoredEvent {
  return {
    id: decodeId(header, at),
    stream,
    version: readU48(header, at + recordField.version),
    position,
    type,
    data: decoded(decodeData, header, at, position, payload, start),
    metadata: decoded(decodeMetadata, header, at, position, payload, start),
    timeMs: readU48(header, at + recordField.timeMs),
  };
}

function erasedEvent(header: Uint8Array, at: number, position: number, stream: string, type: string): StoredEvent {
  return {
    id: decodeId(header, at),
    stream,
    version: readU48(header, at + recordField.version),
    position,
    type,
    data: undefined,
    metadata: undefined,
    timeMs: readU48(header, at + recordField.timeMs),
    erased: true,
  };
}

/** A plain object of the same eight properties that holds nothing but its own values: for keeping an event for long. */
export function detach<Event extends StoredEvent>(event: Event): Event {
  return { ...event };
}

function decodeId(bytes: Uint8Array, at: number): string {
  if (((bytes[at + recordField.flags] as number) & flagTextId) === 0) return formatUuid(bytes, at + recordField.id);
  const start = at + recordHeaderBytes + (bytes[at + recordField.sealBytes] as number);
  const end = start + readU16(bytes, at + recordField.idTextBytes);
  // What was not opened yet may lie: never beyond the block.
  return Buffer.from(bytes.buffer, bytes.byteOffset).toString('utf8', start, end);
}

/** Decodes a part of the payload of the record at `at` in `header`; see {@link decodedFrom}. */
type Decode<Value> = (header: Uint8Array, at: number, payload: Uint8Array, start: number) => Value;

/** @throws {STORE_CORRUPT} with the event's position. */
function decoded<Value>(
  decode: Decode<Value>,
  header: Uint8Array,
  at: number,
  position: number,
  payload: Uint8Array,
  start: number,
): Value {
  try {
    return decode(header, at, payload, start);
  } catch (cause) {
    const detail = { table: 'events_log', position };
    throw new BusError('STORE_CORRUPT', `the event at position ${position} can't be decoded`, detail, { cause });
  }
}

function decodeData(header: Uint8Array, at: number, payload: Uint8Array, start: number): unknown {
  const end = start + readU32(header, at + recordField.dataBytes);
  return decodePayload(header[at + recordField.dataEncoding] as number, payload, start, end);
}

function decodeMetadata(header: Uint8Array, at: number, payload: Uint8Array, start: number): Metadata | undefined {
  const from = start + readU32(header, at + recordField.dataBytes);
  const end = from + readU32(header, at + recordField.metadataBytes);
  return decodePayload(header[at + recordField.metadataEncoding] as number, payload, from, end) as Metadata | undefined;
}

/** One record of a run. */
interface SealedRecord {
  readonly run: SealedRun;
  readonly ordinal: number;
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
  readonly #sealed: SealedRecord | undefined;
  readonly #count: DecodeCount | undefined;

  constructor(
    event: object,
    bytes: Uint8Array,
    at: number,
    hasData: boolean,
    hasMetadata: boolean,
    sealed: SealedRecord | undefined,
    count: DecodeCount | undefined,
  ) {
    super(event);
    this.#sealed = sealed;
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

  static keyIdOf(event: object): number | undefined {
    return #sealed in event ? event.#sealed?.run.keyId : undefined;
  }

  static noticeErasure(event: object): boolean {
    if (!(#sealed in event) || event.#sealed?.run.isErased !== true) return false;
    event.#erase();
    return true;
  }

  /** `undefined`, too, when its key has been erased. */
  #decode<Value>(decode: Decode<Value>): Value | undefined {
    const { position } = this as unknown as StoredEvent;
    const bytes = this.#bytes as Uint8Array;
    if (this.#sealed === undefined) {
      return decoded(decode, bytes, this.#at, position, bytes, payloadStart(bytes, this.#at));
    }
    const { run, ordinal } = this.#sealed;
    const plain = run.open();
    if (plain !== 'erased') return decoded(decode, bytes, this.#at, position, plain, run.dataAt(ordinal));
    this.#erase();
    return undefined;
  }

  #erase(): void {
    this.#done(pendingData | pendingMetadata);
    Object.defineProperty(this, 'erased', { value: true, enumerable: true, configurable: true, writable: true });
  }

  /** What is decoded needs the bytes no longer. */
  #done(what: number): void {
    this.#pending &= ~what;
    if (this.#pending === 0) this.#bytes = undefined;
  }
}

/** What is known of an event that was opened at once. */
class SealedMark extends Adopt {
  readonly #keyId: number;

  constructor(event: object, keyId: number) {
    super(event);
    this.#keyId = keyId;
  }

  static keyIdOf(event: object): number | undefined {
    return #keyId in event ? event.#keyId : undefined;
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
