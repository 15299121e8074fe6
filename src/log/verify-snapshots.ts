/** The part of `verify` that looks at snapshots of aggregates: each row is whole, and holds a state that can be read. */
import { decodeSnapshotRow } from '../codec/snapshot-row.ts';

/** @throws {STORE_CORRUPT} */
export function checkSnapshotRow(key: Uint8Array, row: Uint8Array): void {
  decodeSnapshotRow(key, row).state();
}
