/**
 * Rows of `dead_letters` and `parked`: what a consumer gave up, and what waits behind it.
 *
 * Keys begin with the consumer's name, so that all of one consumer are together, in the order of their positions (parked:
 * by stream, then by position). Layout: docs/format.md, "Rows".
 */
import { BusError } from '../errors.ts';
import { readU32, readU64BigEndian, writeU32 } from './bytes.ts';
import { decodePayload, type EncodedPayload, encodePayload } from './payload.ts';
import { indexKey, keyBehindPrefix, openRow, sealRow, textKey } from './row.ts';

/** An error as it is kept. */
export interface LetterError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
}

/** `dead`: given up. `waiting`: to be handed to the handler once more. `discarded`: nobody wants it any more. */
export type LetterState = 'dead' | 'waiting' | 'discarded';

/** What of a letter is never secret: what it takes to keep the books. */
export interface LetterHead {
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly state: LetterState;
  /** Whether later events of its stream wait behind it. */
  readonly isParked: boolean;
  /** Generation of the cursor that passed it. */
  readonly generation: number;
  /** Tries, all in all. */
  readonly attempts: number;
  /** First and last failure, milliseconds since 1970. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** What may tell of the event's data. */
export interface LetterSecret {
  readonly error: LetterError;
  /** Why it was discarded. */
  readonly reason?: string;
}

/** The row of one event in `dead_letters`. The event itself stays where it is, in the log. */
export interface LetterRow extends LetterHead, LetterSecret {}

/** A row that was read. */
export interface ReadLetter {
  readonly head: LetterHead;
  /** What is secret; or, where it may be sealed, the row's payload, borrowed, and where its encoding byte is. */
  readonly secret: LetterSecret | { readonly payload: Uint8Array; readonly at: number };
}

/** In place of the encoding of the row: two parts, of which the second may be sealed. */
const inTwoParts = 3;
const headAt = 5;

export function letterKey(consumer: string, position: number): Buffer {
  return indexKey(consumer, position);
}

export function parkedKey(consumer: string, stream: string, position: number): Buffer {
  return indexKey(`${consumer}\0${stream}`, position);
}

/** The keys of one consumer, or of one of its streams. */
export function keysOf(...names: readonly string[]): { readonly from: Uint8Array; readonly below: Uint8Array } {
  const from = textKey(`${names.join('\0')}\0`);
  // Behind a zero byte there always is another prefix.
  return { from, below: keyBehindPrefix(from) as Uint8Array };
}

/** The position that a key of either table ends with. */
export function positionOfKey(key: Uint8Array): number {
  return readU64BigEndian(key, key.length - 8);
}

/** The stream in a key of `parked`, of a consumer whose name is so many bytes long. */
export function streamOfKey(key: Uint8Array, consumerBytes: number): string {
  return Buffer.from(key.subarray(consumerBytes + 1, key.length - 9)).toString();
}

export function encodeLetterRow(key: Uint8Array, row: LetterRow): Uint8Array {
  const { encoding, bytes } = encodePayload(row, 0, 'data');
  const payload = new Uint8Array(1 + bytes.length);
  payload[0] = encoding;
  payload.set(bytes, 1);
  return sealRow(key, payload);
}

/** A row in two parts, without the second. */
export function encodeLetterHead({
  stream,
  version,
  type,
  state,
  isParked,
  generation,
  ...rest
}: LetterHead): Uint8Array {
  const { attempts, firstMs, lastMs } = rest;
  const head: LetterHead = { stream, version, type, state, isParked, generation, attempts, firstMs, lastMs };
  const { bytes } = encodePayload(head, 0, 'data');
  const payload = new Uint8Array(headAt + bytes.length);
  payload[0] = inTwoParts;
  writeU32(payload, 1, bytes.length);
  payload.set(bytes, headAt);
  return payload;
}

/** The second part. */
export function encodeLetterSecret({ error, reason }: LetterSecret): EncodedPayload {
  return encodePayload({ error, ...(reason !== undefined && { reason }) }, 0, 'data');
}

/** @throws {STORE_CORRUPT} */
export function decodeLetterRow(key: Uint8Array, row: Uint8Array): ReadLetter {
  const payload = openRow('dead_letters', key, row);
  if (payload[0] !== inTwoParts) {
    const value = payload.length < 2 ? undefined : decodePayload(payload[0] as number, payload, 1, payload.length);
    return isLetterHead(value) && isLetterSecret(value) ? { head: value, secret: value } : misshapen();
  }
  const end = payload.length < headAt ? 0 : headAt + readU32(payload, 1);
  const head = end > headAt && end < payload.length ? decodePayload(encodingMaps, payload, headAt, end) : undefined;
  return isLetterHead(head) ? { head, secret: { payload, at: end } } : misshapen();
}

/** Of the second part of a row, opened; that of an erased one says so, and nothing else. @throws {STORE_CORRUPT} */
export function decodeLetterSecret(secret: EncodedPayload | 'erased'): LetterSecret {
  if (secret === 'erased' || secret.encoding === 0) return erasedSecret;
  const value = decodePayload(secret.encoding, secret.bytes, 0, secret.bytes.length);
  return isLetterSecret(value) ? value : misshapen();
}

const encodingMaps = 1;
const erasedSecret: LetterSecret = Object.freeze({ error: Object.freeze({ name: 'Erased', message: '' }) });

function misshapen(): never {
  throw new BusError('STORE_CORRUPT', 'a row of dead_letters has a wrong shape', {
    table: 'dead_letters',
    position: undefined,
  });
}

/** A parked event has nothing to say beyond its key. */
export function parkedRow(key: Uint8Array): Uint8Array {
  return sealRow(key, new Uint8Array(0));
}

/** @throws {STORE_CORRUPT} */
export function checkParkedRow(key: Uint8Array, row: Uint8Array): void {
  openRow('parked', key, row);
}

const headFields: Readonly<Record<keyof LetterHead, string>> = {
  stream: 'string',
  version: 'number',
  type: 'string',
  state: 'string',
  isParked: 'boolean',
  generation: 'number',
  attempts: 'number',
  firstMs: 'number',
  lastMs: 'number',
};

function isLetterHead(value: unknown): value is LetterHead {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(headFields).every(([name, type]) => typeof (value as Record<string, unknown>)[name] === type);
}

function isLetterSecret(value: unknown): value is LetterSecret {
  return typeof value === 'object' && value !== null && typeof (value as LetterSecret).error === 'object';
}
