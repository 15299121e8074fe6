/**
 * The check of projections: every row is whole, of a shape that can be read, and of a build that was once begun.
 *
 * Whether the values are right only the handlers know: see `rebuild`.
 */
import { decodeBuilds, decodeEntry, decodeMark, entryPayload, projectionOfKey } from '../codec/projection-row.ts';
import type { Snapshot } from '../storage/engine.ts';
import { buildOwner, readBuilds } from './projection-rows.ts';
import { openPayload } from './sealed-payload.ts';

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
  const { active, building, lastBuild } = readBuilds(snapshot, name);
  if (build === 0) {
    const mark = decodeMark(key, row);
    if (mark.build > lastBuild) problem(`${unbegun(name, mark.build)} a mark of an erasure`);
    return;
  }
  const place = { label: 'projection', table: 'projections', key } as const;
  const isSealed = [active, building].some((one) => one?.build === build && one.isSealed);
  const value = openPayload(snapshot.keys, place, buildOwner(name, build), entryPayload(key, row), 0, !isSealed);
  if (value !== 'erased') decodeEntry(value);
  if (build > lastBuild) problem(`${unbegun(name, build)} an entry`);
}

function unbegun(name: string, build: number): string {
  return `build ${build} of the projection ${JSON.stringify(name)} was never begun, and has`;
}
