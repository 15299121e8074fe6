/**
 * Rows of `dead_letters` and `parked`: what a consumer gave up, and what waits behind it.
 *
 * Keys begin with the consumer's name, so that all of one consumer are together, in the order of their positions (parked:
 * by stream, then by position). Layout: docs/format.md, "Rows".
 */
import { BusError } from '../errors.ts';
import { readU64BigEndian } from './bytes.ts';
import { decodePayload, encodePayload } from './payload.ts';
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

/** The row of one event in `dead_letters`. The event itself stays where it is, in the log. */
export interface LetterRow {
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
  readonly error: LetterError;
  /** Why it was discarded. */
  readonly reason?: string;
}

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

/** @throws {STORE_CORRUPT} */
export function decodeLetterRow(key: Uint8Array, row: Uint8Array): LetterRow {
  const payload = openRow('dead_letters', key, row);
  const value = payload.length < 2 ? undefined : decodePayload(payload[0] as number, payload, 1, payload.length);
  if (isLetterRow(value)) return value;
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

const letterFields: Readonly<Record<string, string>> = {
  stream: 'string',
  version: 'number',
  type: 'string',
  state: 'string',
  isParked: 'boolean',
  generation: 'number',
  attempts: 'number',
  firstMs: 'number',
  lastMs: 'number',
  error: 'object',
};

function isLetterRow(value: unknown): value is LetterRow {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(letterFields).every(([name, type]) => typeof (value as Record<string, unknown>)[name] === type);
}
