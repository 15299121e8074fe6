/**
 * The check of projections: every row is whole, of a shape that can be read, and of a build that was once begun.
 *
 * Whether the values are right only the handlers know: see `rebuild`.
 */
import { decodeBuilds, decodeEntry, openEntry, projectionOfKey } from '../codec/projection-row.ts';
import type { Snapshot } from '../storage/engine.ts';
import { readBuilds } from './projection-rows.ts';

/** Tells `problem` what is wrong with a row of `projections`. @throws {STORE_CORRUPT} when it is damaged. */
export function checkProjectionRow(
  key: Uint8Array,
  row: Uint8Array,
  snapshot: Snapshot,
  problem: (message: string) => void,
): void {
  const owner = projectionOfKey(key);
  if (owner === undefined) {
    problem('a key of projections names no projection');
    return;
  }
  const { name, build } = owner;
  if (build === undefined) {
    decodeBuilds(key, row);
    return;
  }
  decodeEntry(openEntry(key, row));
  if (build === 0 || build > readBuilds(snapshot, name).lastBuild) {
    problem(`the projection ${JSON.stringify(name)} has an entry of build ${build}, which was never begun`);
  }
}
