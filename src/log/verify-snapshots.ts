/** The part of `verify` that looks at snapshots of aggregates: each row is whole, and holds a state that can be read. */
import { streamOfSnapshot } from '../codec/snapshot-row.ts';
import type { Snapshot } from '../storage/engine.ts';
import { openSnapshot } from './snapshots.ts';

/** @throws {STORE_CORRUPT} {DECRYPTION_FAILED} */
export function checkSnapshotRow(key: Uint8Array, row: Uint8Array, view: Snapshot): void {
  openSnapshot(view, streamOfSnapshot(key), key, row).state();
}
