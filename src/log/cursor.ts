/**
 * Cursors: how far each consumer has come, durably.
 *
 * A cursor changes only by a move, which says where it has to be for it: what somebody else has moved meanwhile is not
 * overwritten. What a move brings along is written in the same transaction, or not at all.
 */
import { assert } from '../assert.ts';
import { decodeCursorRow, encodeCursorRow, textKey } from '../codec/row.ts';
import { BusError } from '../errors.ts';
import type { RowWrite, Snapshot } from '../storage/engine.ts';
import type { RowDraft } from './row-draft.ts';

/** A place in the log, in one generation of a consumer: a reset begins a new one. */
export interface CursorPlace {
  /** The last position handled; 0 before the first. */
  readonly position: number;
  /** 1 for a new cursor; each reset raises it. */
  readonly generation: number;
}

/** A compare-and-set of one cursor. */
export interface CursorMove {
  readonly kind: 'move-cursor';
  readonly name: string;
  /** Where the cursor has to be now; `undefined`: it must not exist. */
  readonly expected: CursorPlace | undefined;
  readonly to: CursorPlace;
  /** Written with the move. */
  readonly rows: readonly RowDraft[];
}

/** The cursor of `name`, or `undefined` if there is none. @throws {STORE_CORRUPT} */
export function readCursor(snapshot: Snapshot, name: string, incarnation: Uint8Array): CursorPlace | undefined {
  const key = textKey(name);
  const row = snapshot.row('consumer_cursors', key);
  if (row === undefined) return undefined;
  const cursor = decodeCursorRow(key, row);
  if (Buffer.compare(cursor.incarnation, incarnation) !== 0) {
    throw new BusError(
      'STORE_CORRUPT',
      `the cursor of ${JSON.stringify(name)} is of another incarnation of this store`,
      { table: 'consumer_cursors', position: undefined },
    );
  }
  return { position: cursor.position, generation: cursor.generation };
}

/** @throws {CURSOR_MOVED} unless the cursor is where `move` expects it. */
export function checkMove({ name, expected, to }: CursorMove, actual: CursorPlace | undefined, head: number): void {
  if (actual?.position !== expected?.position || actual?.generation !== expected?.generation) {
    throw new BusError(
      'CURSOR_MOVED',
      `the cursor of ${JSON.stringify(name)} is at ${describe(actual)}, not at ${describe(expected)}: somebody else has moved it`,
      { name, expected, actual },
    );
  }
  assert(to.position <= head, 'a cursor does not run ahead of the log');
  const { position, generation } = expected ?? { position: 0, generation: 0 };
  assert(to.generation >= generation, 'a generation never goes back');
  assert(to.generation > generation || to.position >= position, 'a cursor goes back with a new generation only');
}

/** The rows that make `move` so. */
export function moveRows({ name, to, rows }: CursorMove, incarnation: Uint8Array, updatedMs: number): RowDraft[] {
  const key = textKey(name);
  const row: RowWrite = {
    table: 'consumer_cursors',
    key,
    value: encodeCursorRow(key, { ...to, incarnation, updatedMs }),
  };
  return [...rows, row];
}

function describe(place: CursorPlace | undefined): string {
  return place === undefined ? 'no place' : `${place.position} of generation ${place.generation}`;
}
