/**
 * The part of a check that holds the table of timers against itself: each pending timer has the row of its key and the other
 * way round, and the row that counts them is right.
 *
 * The store may be in use: what belongs together is looked at in one snapshot, and the count only if nothing has changed.
 */
import { decodeTimerNameRow, type TimerState, timerDueKey, timerRowKind } from '../codec/timer-row.ts';
import type { Snapshot } from '../storage/engine.ts';
import { findTimer, openTimer, readTimerState } from './timers.ts';

const table = 'timers';

export class TimerChecker {
  readonly #problem: (message: string) => void;
  #before: TimerState | undefined;
  #pending = 0;
  #lastSequence = 0;

  constructor(problem: (message: string) => void) {
    this.#problem = problem;
  }

  /** Before the first row. @throws {STORE_CORRUPT} */
  start(snapshot: Snapshot): void {
    this.#before = readTimerState(snapshot);
  }

  /** Checks one row, in the snapshot it was read in. @throws {STORE_CORRUPT} */
  check(rowKey: Uint8Array, row: Uint8Array, snapshot: Snapshot): void {
    const kind = timerRowKind(rowKey);
    if (kind === 'due') this.#checkTimer(rowKey, row, snapshot);
    else if (kind === 'name') this.#checkName(rowKey, row, snapshot);
    else if (kind === undefined) this.#problem('a row has a key that no row of this table has');
  }

  /** Behind the last row. @throws {STORE_CORRUPT} */
  finish(snapshot: Snapshot): void {
    const before = this.#before;
    const after = readTimerState(snapshot);
    // The sequence rises with every timer made, and without one the count only falls.
    const isSame = before?.pending === after.pending && before.nextSequence === after.nextSequence;
    if (isSame && after.pending !== this.#pending) {
      this.#problem(`${this.#pending} timers are pending, and ${after.pending} are counted`);
    }
    if (this.#lastSequence >= after.nextSequence) {
      this.#problem(`the sequence ${this.#lastSequence} would be given again: ${after.nextSequence} is next`);
    }
  }

  #checkTimer(rowKey: Uint8Array, row: Uint8Array, snapshot: Snapshot): void {
    this.#pending++;
    const { key, sequence } = openTimer(snapshot, rowKey, row);
    this.#lastSequence = Math.max(this.#lastSequence, sequence);
    const place = findTimer(snapshot, key);
    if (place === undefined) this.#problem(`the timer ${JSON.stringify(key)} has no row of its key`);
    else if (Buffer.compare(timerDueKey(place), rowKey) !== 0) {
      this.#problem(`the row of the key ${JSON.stringify(key)} is of another timer`);
    }
  }

  #checkName(rowKey: Uint8Array, row: Uint8Array, snapshot: Snapshot): void {
    const place = decodeTimerNameRow(rowKey, row);
    if (snapshot.row(table, timerDueKey(place)) !== undefined) return;
    const key = Buffer.from(rowKey.subarray(1)).toString();
    this.#problem(`the key ${JSON.stringify(key)} has no timer`);
  }
}
