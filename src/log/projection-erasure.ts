/**
 * Erasures as projections have to take them in: a mark for each sealed build that may have consumed what is erased now.
 *
 * Marks are written in the transaction of the fact, so that nobody has to be told of it. A build loses its mark with the move
 * that corrects its entries, or finds nothing to correct, or when it is swept because another one took its place. Which builds
 * run, and how they correct themselves, is for actors/.
 */
import {
  decodeMark,
  type ErasureMark,
  encodeMark,
  markKey,
  markPrefix,
  projectionOfKey,
} from '../codec/projection-row.ts';
import { decodeCursorRow, keyBehindPrefix, textKey } from '../codec/row.ts';
import { isBusError } from '../errors.ts';
import type { RowWrite, Snapshot } from '../storage/engine.ts';
import { buildCursorName, readBuilds } from './projection-rows.ts';

/**
 * The rows that go with the facts of erasures from the position `since` to `position`. A build has one mark, however many it stands for. A projection
 * whose rows are damaged gets none: it can't be read either, and must not keep anybody from erasing.
 */
export function marksFor(snapshot: Snapshot, since: number, position: number): RowWrite[] {
  return projectionNames(snapshot).flatMap((name) => {
    try {
      return marksOfOne(snapshot, name, since, position);
    } catch (error) {
      if (isBusError(error, 'STORE_CORRUPT')) return [];
      throw error;
    }
  });
}

function marksOfOne(snapshot: Snapshot, name: string, firstPosition: number, position: number): RowWrite[] {
  const { active, building } = readBuilds(snapshot, name);
  return [active, building].flatMap((build) => {
    if (build?.isSealed !== true || cursorOf(snapshot, name, build.build) === 0) return [];
    const before = readMarks(snapshot, name, build.build);
    const since = Math.min(firstPosition, ...before.map((mark) => mark.since));
    const key = markKey(name, build.build, position);
    return [...markRemovals(name, before), { table: 'projections', key, value: encodeMark(key, since) } as const];
  });
}

/** The marks of `name`, of all builds or of one. @throws {STORE_CORRUPT} */
export function readMarks(snapshot: Snapshot, name: string, build?: number): ErasureMark[] {
  const marks: ErasureMark[] = [];
  const from = markPrefix(name, build);
  snapshot.walkRows('projections', { from, below: keyBehindPrefix(from) as Uint8Array }, (key, row) => {
    marks.push(decodeMark(key, row));
    return true;
  });
  return marks;
}

/** The rows without `marks`. */
export function markRemovals(name: string, marks: readonly ErasureMark[]): RowWrite[] {
  return marks.map(({ build, position }) => ({
    table: 'projections',
    key: markKey(name, build, position),
    value: undefined,
  }));
}

/** A build that has not taken in an erasure. */
export interface MarkedBuild {
  readonly name: string;
  readonly build: number;
  /** How far it had come when it was marked, or has come since. */
  readonly consumed: number;
}

/**
 * The builds that have not taken in the erasure whose fact is at `position`; those that are swept belong to them until their
 * keys and rows are gone. @throws {STORE_CORRUPT}
 */
export function markedBuilds(snapshot: Snapshot, position: number, name?: string): MarkedBuild[] {
  const names = name === undefined ? projectionNames(snapshot) : [name];
  return names.flatMap((one) =>
    readMarks(snapshot, one)
      .filter((mark) => mark.since <= position && position <= mark.position)
      .map(({ build }) => ({ name: one, build, consumed: cursorOf(snapshot, one, build) })),
  );
}

/** The names of all projections that were begun, in the order of their bytes. */
function projectionNames(snapshot: Snapshot): string[] {
  const names: string[] = [];
  for (let from: Uint8Array = new Uint8Array(0); ; ) {
    let name: string | undefined;
    snapshot.walkRows('projections', { from }, (key) => {
      name = projectionOfKey(key)?.name;
      return false;
    });
    if (name === undefined) return names;
    names.push(name);
    from = Buffer.from(`${name}\u0001`);
  }
}

function cursorOf(snapshot: Snapshot, name: string, build: number): number {
  const key = textKey(buildCursorName(name, build));
  const row = snapshot.row('consumer_cursors', key);
  return row === undefined ? 0 : decodeCursorRow(key, row).position;
}
