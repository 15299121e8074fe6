/**
 * Rows of the table `snapshots`: the state of an aggregate at a version of its stream. Layout: docs/format.md, "Rows".
 *
 * A snapshot is a shortcut, never the truth: whoever reads one holds it against the stream, and folds events without it.
 */
import { BusError } from '../errors.ts';
import { readU32, readU48, writeU32, writeU48 } from './bytes.ts';
import { decodePayload, type EncodedPayload } from './payload.ts';
import { openRow, sealRow, textKey } from './row.ts';

export interface SnapshotHead {
  /** Version of the stream that the state is of. */
  readonly streamVersion: number;
  /** Version of the code that made it. */
  readonly snapshotVersion: number;
  /** The incarnation of the store that the stream is of. 16 bytes. */
  readonly incarnation: Uint8Array;
}

const incarnationBytes = 16;
const stateAt = 6 + 4 + incarnationBytes + 1;

/** Key: the aggregate's name, a zero byte (no name has one), the stream. */
export function snapshotKey(aggregate: string, stream: string): Buffer {
  return textKey(`${aggregate}\0${stream}`);
}

export function encodeSnapshotRow(key: Uint8Array, head: SnapshotHead, state: EncodedPayload): Uint8Array {
  const payload = new Uint8Array(stateAt + state.bytes.length);
  writeU48(payload, 0, head.streamVersion);
  writeU32(payload, 6, head.snapshotVersion);
  payload.set(head.incarnation, 10);
  payload[stateAt - 1] = state.encoding;
  payload.set(state.bytes, stateAt);
  return sealRow(key, payload);
}

/** The row and, in `state`, what decodes its state. @throws {STORE_CORRUPT}, and so does `state`. */
export function decodeSnapshotRow(key: Uint8Array, row: Uint8Array): SnapshotHead & { readonly state: () => unknown } {
  const payload = Uint8Array.prototype.slice.call(openRow('snapshots', key, row));
  if (payload.length < stateAt || !key.includes(0)) throw damaged(key, 'has a wrong shape');
  return {
    streamVersion: readU48(payload, 0),
    snapshotVersion: readU32(payload, 6),
    incarnation: payload.slice(10, 10 + incarnationBytes),
    state: () => {
      try {
        return decodePayload(payload[stateAt - 1] as number, payload, stateAt, payload.length);
      } catch (cause) {
        throw damaged(key, 'holds a state that can not be decoded', { cause });
      }
    },
  };
}

function damaged(key: Uint8Array, what: string, options?: ErrorOptions): BusError<'STORE_CORRUPT'> {
  const name = JSON.stringify(Buffer.from(key.subarray(0, 64)).toString());
  const detail = { table: 'snapshots', position: undefined };
  return new BusError('STORE_CORRUPT', `the row ${name} of snapshots ${what}`, detail, options);
}
