/**
 * Reading snapshots of aggregates, and what becomes of them when keys are erased.
 *
 * A state is sealed with the key of its stream, even where events of it are plain, for it may hold what events of subjects
 * said: when a subject is erased, the snapshots of the streams it is in go, and events are folded instead.
 */
import { decodeSnapshotRow, decodeSnapshotState, type SnapshotHead, streamOfSnapshot } from '../codec/snapshot-row.ts';
import type { RowWrite, Snapshot } from '../storage/engine.ts';
import { openPayload } from './sealed-payload.ts';

export interface OpenedSnapshot extends SnapshotHead {
  /** Its key was erased: it is as good as none. */
  readonly isErased: boolean;
  /** Decodes the state. @throws {STORE_CORRUPT} */
  readonly state: () => unknown;
}

/** The snapshot of `stream` in a row; a copy. @throws {STORE_CORRUPT} {DECRYPTION_FAILED} */
export function openSnapshot(view: Snapshot, stream: string, key: Uint8Array, row: Uint8Array): OpenedSnapshot {
  const { payload, at, ...head } = decodeSnapshotRow(key, row);
  const place = { label: 'snapshot', table: 'snapshots', key } as const;
  const state = openPayload(view.keys, place, { kind: 'stream', stream, subject: undefined }, payload, at);
  const isErased = state === 'erased';
  return { ...head, isErased, state: () => (isErased ? undefined : decodeSnapshotState(key, state)) };
}

/**
 * What removes the snapshots of streams that `isErased` says so of, behind the rows that are `pending` in the same transaction.
 * Looks at every key.
 */
export function snapshotRemovals(
  view: Snapshot,
  pending: readonly RowWrite[],
  isErased: (stream: string) => boolean,
): RowWrite[] {
  const keys = pending.filter(({ table }) => table === 'snapshots').map(({ key }) => key);
  view.walkRows('snapshots', {}, (key) => {
    keys.push(Uint8Array.prototype.slice.call(key));
    return true;
  });
  return keys
    .filter((key) => isErased(streamOfSnapshot(key)))
    .map((key) => ({ table: 'snapshots', key, value: undefined }));
}
