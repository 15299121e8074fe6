/**
 * Reading the table of timers: which are due, which are pending, where the one of a key is, and how many there are.
 *
 * Each look is at one snapshot and bounded. What is due and damaged is passed over and told: it must not hold up the others.
 */
import { decodedEvent } from '../codec/event.ts';
import { misshapen } from '../codec/row.ts';
import {
  decodeTimerNameRow,
  decodeTimerRow,
  decodeTimerState,
  type TimerPlace,
  type TimerRow,
  type TimerState,
  timerDueKey,
  timerNameKey,
  timerPlaceOf,
  timerStateKey,
  timersBelow,
  timersFrom,
} from '../codec/timer-row.ts';
import { isBusError } from '../errors.ts';
import { pageBytesMax, pageEventsMax, u48Max } from '../limits.ts';
import type { Engine, Snapshot } from '../storage/engine.ts';
import type { PendingTimer, TimersOptions } from '../types.ts';
import type { PageSource } from './pages.ts';

const table = 'timers';

/** What the table says of itself. @throws {STORE_CORRUPT} */
export function readTimerState(snapshot: Snapshot): TimerState {
  const row = snapshot.row(table, timerStateKey);
  return row === undefined ? { pending: 0, nextSequence: 1 } : decodeTimerState(row);
}

/** The same, counted: the answer to a row that is damaged. Looks at every key. */
export function countTimers(snapshot: Snapshot): TimerState {
  let pending = 0;
  let last = 0;
  snapshot.walkRows(table, { from: timersFrom, below: timersBelow }, (rowKey) => {
    pending++;
    last = Math.max(last, timerPlaceOf(rowKey).sequence);
    return true;
  });
  return { pending, nextSequence: last + 1 };
}

/** When the first pending timer is due, if there is one. */
export function firstDueMs(snapshot: Snapshot): number | undefined {
  let dueMs: number | undefined;
  snapshot.walkRows(table, { from: timersFrom, below: timersBelow }, (rowKey) => {
    dueMs = timerPlaceOf(rowKey).dueMs;
    return false;
  });
  return dueMs;
}

/** Where the timer `key` is, if it is pending. @throws {STORE_CORRUPT} */
export function findTimer(snapshot: Snapshot, key: string): TimerPlace | undefined {
  const rowKey = timerNameKey(key);
  const row = snapshot.row(table, rowKey);
  return row === undefined ? undefined : decodeTimerNameRow(rowKey, row);
}

/** How much one look at what is due may take along. */
export interface DueLimits {
  readonly count: number;
  /** Of records, unless the first alone is larger. */
  readonly bytes: number;
}

/** What one look has found. */
export interface DueTimers {
  /** The first that are due, in the order of firing. They are copies. */
  readonly timers: readonly TimerRow[];
  /** When the next one behind them is due, if there is one. */
  readonly nextDueMs: number | undefined;
  /** Of rows that are due and can't be read. */
  readonly damage: readonly { readonly place: TimerPlace; readonly error: unknown }[];
}

/** What is due at `nowMs`. */
export function readDue(snapshot: Snapshot, nowMs: number, incarnation: Uint8Array, limits: DueLimits): DueTimers {
  const timers: TimerRow[] = [];
  const damage: { place: TimerPlace; error: unknown }[] = [];
  let nextDueMs: number | undefined;
  let bytes = 0;
  snapshot.walkRows(table, { from: timersFrom, below: timersBelow }, (rowKey, row) => {
    const place = timerPlaceOf(rowKey);
    const isFull = timers.length >= limits.count || (timers.length > 0 && bytes + row.length > limits.bytes);
    if (place.dueMs > nowMs || isFull) {
      nextDueMs = place.dueMs;
      return false;
    }
    bytes += row.length;
    try {
      timers.push(ownTimer(rowKey, row, incarnation));
    } catch (error) {
      if (!isBusError(error, 'STORE_CORRUPT')) throw error;
      damage.push({ place, error });
    }
    return true;
  });
  return { timers, nextDueMs, damage };
}

/** Pages of `timers(options)`, each as fresh as when it is asked for. @throws {TypeError} for options out of range. */
export function timersSource(
  engine: Pick<Engine, 'read'>,
  incarnation: Uint8Array,
  options: TimersOptions,
): () => PageSource<PendingTimer> {
  const { from = 0, to = Number.POSITIVE_INFINITY, limit = Number.POSITIVE_INFINITY } = options;
  const [fromMs, toMs] = [checkedTime('from', from), checkedTime('to', to)];
  if (limit !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(limit) && limit >= 0)) {
    throw new TypeError(`limit must be a whole number from 0 on, got ${String(limit)}`);
  }
  const below = timerDueKey({ dueMs: Math.min(Math.floor(toMs), u48Max) + 1, sequence: 0 });
  return () => {
    let next: TimerPlace | undefined = { dueMs: Math.min(Math.ceil(fromMs), u48Max + 1), sequence: 0 };
    let left = limit;
    return () => {
      if (next === undefined || left <= 0) return undefined;
      const items: PendingTimer[] = [];
      const start: Uint8Array = timerDueKey(next);
      let bytes = 0;
      next = undefined;
      engine.read((snapshot) =>
        snapshot.walkRows(table, { from: start, below }, (rowKey, row) => {
          if (items.length >= Math.min(left, pageEventsMax) || bytes >= pageBytesMax) {
            next = timerPlaceOf(rowKey);
            return false;
          }
          bytes += row.length;
          items.push(pendingTimer(ownTimer(rowKey, row, incarnation)));
          return true;
        }),
      );
      left -= items.length;
      return { items, isLast: next === undefined || left <= 0 };
    };
  };
}

/** A time in milliseconds since 1970. @throws {TypeError} naming `option`. */
function checkedTime(option: 'from' | 'to', time: Date | number): number {
  const timeMs = Number(time);
  if ((typeof time === 'number' || time instanceof Date) && timeMs >= 0) return timeMs;
  throw new TypeError(`${option} must be a Date or milliseconds from 0 on, got ${String(time)}`);
}

/** A copy of the timer, which is of this incarnation of the store. @throws {STORE_CORRUPT} */
function ownTimer(rowKey: Uint8Array, row: Uint8Array, incarnation: Uint8Array): TimerRow {
  const timer = decodeTimerRow(rowKey, row);
  if (Buffer.compare(timer.incarnation, incarnation) !== 0) misshapen(table, rowKey);
  return { ...timer, incarnation, record: Uint8Array.prototype.slice.call(timer.record) };
}

function pendingTimer({ key, dueMs, scheduledMs, stream, type, record }: TimerRow): PendingTimer {
  const { id, data, metadata } = decodedEvent(record, 0, 0, stream, type);
  return { key, dueMs, scheduledMs, stream, type, id, data, metadata };
}
