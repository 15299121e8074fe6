/**
 * Erasures as projections have to take them in: a mark for each sealed build that has consumed what is erased now.
 *
 * The marks are written in the transaction of the erasure, so that nobody has to be told of it. A build loses its marks with
 * the move that corrects its entries, or when it is swept because another one took its place. Which builds run, and how they
 * correct themselves, is for actors/.
 */
import {
  decodeMark,
  type ErasureMark,
  encodeMark,
  markKey,
  markPrefix,
  type ProjectionBuild,
  projectionOfKey,
} from '../codec/projection-row.ts';
import { decodeCursorRow, keyBehindPrefix, textKey } from '../codec/row.ts';
import { projectionMarksMax } from '../limits.ts';
import type { RowWrite, Snapshot } from '../storage/engine.ts';
import { buildCursorName, readBuilds } from './projection-rows.ts';

/** What an erasure has made unreadable, as the log tells it. */
export interface ErasedEvents {
  /** Of the fact in the log. */
  readonly position: number;
  /** Of the first event that was erased; 0 where there is none. */
  readonly firstPosition: number;
  readonly events: number;
  /** Where it is a stream that was erased. */
  readonly stream: string | undefined;
}

/** The rows to be written with an erasure: `snapshot` shows all that was committed before it. @throws {STORE_CORRUPT} */
export function marksFor(snapshot: Snapshot, erased: ErasedEvents): RowWrite[] {
  if (erased.firstPosition === 0) return [];
  return projectionNames(snapshot).flatMap((name) => {
    const { active, building } = readBuilds(snapshot, name);
    return [active, building].flatMap((build) =>
      build?.isSealed === true && hasConsumed(snapshot, name, build, erased.firstPosition)
        ? rowsOfMark(snapshot, name, build.build, erased)
        : [],
    );
  });
}

/** The marks of `name`, of all builds or of one, in their order. @throws {STORE_CORRUPT} */
export function readMarks(snapshot: Snapshot, name: string, build?: number): ErasureMark[] {
  const marks: ErasureMark[] = [];
  walkMarks(snapshot, name, build, (key, row) => void marks.push(decodeMark(key, row)));
  return marks;
}

/** The marks that stand for the erasure whose fact is at `position`, by the name of their projection. @throws {STORE_CORRUPT} */
export function marksOf(snapshot: Snapshot, position: number): ReadonlyMap<string, readonly ErasureMark[]> {
  const marksByName = new Map<string, readonly ErasureMark[]>();
  for (const name of projectionNames(snapshot)) {
    const marks = readMarks(snapshot, name).filter((mark) => standsFor(mark, position));
    if (marks.length > 0) marksByName.set(name, marks);
  }
  return marksByName;
}

/** Whether `mark` is of the erasure whose fact is at `position`. */
export function standsFor(mark: ErasureMark, position: number): boolean {
  return mark.since <= position && position <= mark.position;
}

/** The rows without `marks`. */
export function markRemovals(name: string, marks: readonly ErasureMark[]): RowWrite[] {
  return marks.map(({ build, position }) => ({
    table: 'projections',
    key: markKey(name, build, position),
    value: undefined,
  }));
}

/** The names of all projections that were begun, in the order of their bytes. */
function projectionNames(snapshot: Snapshot): string[] {
  const names: string[] = [];
  for (let from: Uint8Array | undefined = new Uint8Array(0); from !== undefined; ) {
    let name: string | undefined;
    snapshot.walkRows('projections', { from }, (key) => {
      name = projectionOfKey(key)?.name;
      return false;
    });
    if (name === undefined) return names;
    names.push(name);
    from = Buffer.from(`${name}\u0001`);
  }
  return names;
}

function hasConsumed(snapshot: Snapshot, name: string, { build }: ProjectionBuild, position: number): boolean {
  const key = textKey(buildCursorName(name, build));
  const row = snapshot.row('consumer_cursors', key);
  return row !== undefined && decodeCursorRow(key, row).position >= position;
}

/** One mark more; where there are too many already, one in the place of all of them. */
function rowsOfMark(snapshot: Snapshot, name: string, build: number, erased: ErasedEvents): RowWrite[] {
  const marks = readMarks(snapshot, name, build);
  const { position, ...rest } = erased;
  if (marks.length < projectionMarksMax) return [markRow(name, build, position, { since: position, ...rest })];
  const all = {
    since: Math.min(...marks.map(({ since }) => since)),
    firstPosition: Math.min(erased.firstPosition, ...marks.map(({ firstPosition }) => firstPosition)),
    events: Math.min(
      marks.reduce((sum, { events }) => sum + events, erased.events),
      eventsMax,
    ),
    stream: undefined,
  };
  return [...markRemovals(name, marks), markRow(name, build, position, all)];
}

/** As many as a mark can say. */
const eventsMax = 2 ** 32 - 1;

function markRow(
  name: string,
  build: number,
  position: number,
  mark: Omit<ErasureMark, 'build' | 'position'>,
): RowWrite {
  const key = markKey(name, build, position);
  return { table: 'projections', key, value: encodeMark(key, mark) };
}

function walkMarks(
  snapshot: Snapshot,
  name: string,
  build: number | undefined,
  visit: (key: Uint8Array, row: Uint8Array) => void,
): void {
  const from = markPrefix(name, build);
  snapshot.walkRows('projections', { from, below: keyBehindPrefix(from) as Uint8Array }, (key, row) => {
    visit(key, row);
    return true;
  });
}
