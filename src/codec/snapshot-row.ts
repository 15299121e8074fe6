/**
 * Rows of the table `snapshots`: the state of an aggregate at a version of its stream. Layout: docs/format.md, "Rows".
 *
 * A snapshot is a shortcut, never the truth: whoever reads one holds it against the stream, and folds events without it.
 */
import { BusError } from '../errors.ts';
import { readU32, readU48, writeU32, writeU48 } from './bytes.ts';
import { decodePayload, type EncodedPayload } from './payload.ts';
import { openRow, textKey } from './row.ts';

export interface SnapshotHead {
  /** Version of the stream that the state is of. */
  readonly streamVersion: number;
  /** Version of the code that made it. */
  readonly snapshotVersion: number;
  /** The incarnation of the store that the stream is of. 16 bytes. */
  readonly incarnation: Uint8Array;
}

const incarnationBytes = 16;
const stateAt = 6 + 4 + incarnationBytes;

/** Key: the aggregate's name, a zero byte (no name has one), the stream. */
export function snapshotKey(aggregate: string, stream: string): Buffer {
  return textKey(`${aggregate}\0${stream}`);
}

/** What stands before the state. */
export function encodeSnapshotHead(head: SnapshotHead): Uint8Array {
  const payload = new Uint8Array(stateAt);
  writeU48(payload, 0, head.streamVersion);
  writeU32(payload, 6, head.snapshotVersion);
  payload.set(head.incarnation, 10);
  return payload;
}

/** The head of a row; its payload, a copy, and where the encoding byte of the state is in it. @throws {STORE_CORRUPT} */
export function decodeSnapshotRow(
  key: Uint8Array,
  row: Uint8Array,
): SnapshotHead & { readonly payload: Uint8Array; readonly at: number } {
  const payload = Uint8Array.prototype.slice.call(openRow('snapshots', key, row));
  if (payload.length <= stateAt || !key.includes(0)) throw damaged(key, 'has a wrong shape');
  return {
    streamVersion: readU48(payload, 0),
    snapshotVersion: readU32(payload, 6),
    incarnation: payload.slice(10, stateAt),
    payload,
    at: stateAt,
  };
}

/** @throws {STORE_CORRUPT} */
export function decodeSnapshotState(key: Uint8Array, { encoding, bytes }: EncodedPayload): unknown {
  try {
    return decodePayload(encoding, bytes, 0, bytes.length);
  } catch (cause) {
    throw damaged(key, 'holds a state that can not be decoded', { cause });
  }
}

/** The stream that a key names. */
export function streamOfSnapshot(key: Uint8Array): string {
  return Buffer.from(key.subarray(key.indexOf(0) + 1)).toString();
}

function damaged(key: Uint8Array, what: string, options?: ErrorOptions): BusError<'STORE_CORRUPT'> {
  const name = JSON.stringify(Buffer.from(key.subarray(0, 64)).toString());
  const detail = { table: 'snapshots', position: undefined };
  return new BusError('STORE_CORRUPT', `the row ${name} of snapshots ${what}`, detail, options);
}
