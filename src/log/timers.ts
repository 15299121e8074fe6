/**
 * Reading the table of timers: which are due, which are pending, where the one of a key is, and how many there are.
 *
 * Each look is at one snapshot and bounded. What is due and damaged is passed over and told: it must not hold up the others.
 */
import { decodedEvent } from '../codec/event.ts';
import { misshapen } from '../codec/row.ts';
import {
  decodeTimerEvent,
  decodeTimerNameRow,
  decodeTimerRow,
  decodeTimerState,
  type TimerHead,
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
import { keyIdAt, openPayload } from './sealed-payload.ts';

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
  /** Those among them whose key was erased: they never fire. */
  readonly erased: readonly TimerHead[];
  /** When the next one behind them is due, if there is one. */
  readonly nextDueMs: number | undefined;
  /** Of rows that are due and can't be read. */
  readonly damage: readonly { readonly place: TimerPlace; readonly error: unknown }[];
}

/** What is due at `nowMs`. */
export function readDue(snapshot: Snapshot, nowMs: number, incarnation: Uint8Array, limits: DueLimits): DueTimers {
  const timers: TimerRow[] = [];
  const erased: TimerHead[] = [];
  const damage: { place: TimerPlace; error: unknown }[] = [];
  let nextDueMs: number | undefined;
  let bytes = 0;
  snapshot.walkRows(table, { from: timersFrom, below: timersBelow }, (rowKey, row) => {
    const place = timerPlaceOf(rowKey);
    const found = timers.length + erased.length;
    const isFull = found >= limits.count || (found > 0 && bytes + row.length > limits.bytes);
    if (place.dueMs > nowMs || isFull) {
      nextDueMs = place.dueMs;
      return false;
    }
    bytes += row.length;
    try {
      const timer = ownTimer(snapshot, rowKey, row, incarnation);
      if ('record' in timer) timers.push(timer);
      else erased.push(timer);
    } catch (error) {
      if (!isBusError(error, 'STORE_CORRUPT') && !isBusError(error, 'DECRYPTION_FAILED')) throw error;
      damage.push({ place, error });
    }
    return true;
  });
  return { timers, erased, nextDueMs, damage };
}

/** One look for timers that are not to fire any more. */
export interface ErasedTimers {
  readonly timers: readonly TimerHead[];
  /** Where the next look begins; `undefined`: this was all. */
  readonly next: TimerPlace | undefined;
}

/** Of the timers from `from` on, in one look, those whose key is erased, and those of `stream` that are stored plain. Passes over damage. */
export function readErased(snapshot: Snapshot, stream: string | undefined, from: TimerPlace | undefined): ErasedTimers {
  const timers: TimerHead[] = [];
  const start = from === undefined ? timersFrom : timerDueKey(from);
  let next: TimerPlace | undefined;
  let rows = 0;
  snapshot.walkRows(table, { from: start, below: timersBelow }, (rowKey, row) => {
    if (rows++ >= pageEventsMax) {
      next = timerPlaceOf(rowKey);
      return false;
    }
    try {
      const { head, event } = decodeTimerRow(rowKey, row);
      const owner = { kind: 'stream', stream: head.stream, subject: undefined } as const;
      const keyId = 'payload' in event ? keyIdAt(event.payload, event.at) : 0;
      const isErased = keyId === 0 ? head.stream === stream : snapshot.keys?.isErased(keyId, owner, undefined);
      if (isErased === true) timers.push({ ...head, incarnation: Uint8Array.prototype.slice.call(head.incarnation) });
    } catch (error) {
      if (!isBusError(error, 'STORE_CORRUPT') && !isBusError(error, 'DECRYPTION_FAILED')) throw error;
    }
    return true;
  });
  return { timers, next };
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
          const timer = ownTimer(snapshot, rowKey, row, incarnation);
          if ('record' in timer) items.push(pendingTimer(timer));
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

/** The timer of a row, borrowed, without its event where that is erased. @throws {STORE_CORRUPT} {DECRYPTION_FAILED} */
export function openTimer(snapshot: Snapshot, rowKey: Uint8Array, row: Uint8Array): TimerRow | TimerHead {
  const { head, event } = decodeTimerRow(rowKey, row);
  if (!('payload' in event)) return { ...head, ...event };
  const place = { label: 'timer', table, key: rowKey } as const;
  const owner = { kind: 'stream', stream: head.stream, subject: undefined } as const;
  const opened = openPayload(snapshot.keys, place, owner, event.payload, event.at, false);
  return opened === 'erased' ? head : { ...head, ...decodeTimerEvent(rowKey, opened) };
}

/** A copy of the timer, which is of this incarnation of the store. @throws {STORE_CORRUPT} {DECRYPTION_FAILED} */
function ownTimer(
  snapshot: Snapshot,
  rowKey: Uint8Array,
  row: Uint8Array,
  incarnation: Uint8Array,
): TimerRow | TimerHead {
  const timer = openTimer(snapshot, rowKey, row);
  if (Buffer.compare(timer.incarnation, incarnation) !== 0) misshapen(table, rowKey);
  if (!('record' in timer)) return { ...timer, incarnation };
  return { ...timer, incarnation, record: Uint8Array.prototype.slice.call(timer.record) };
}

function pendingTimer({ key, dueMs, scheduledMs, stream, type, record }: TimerRow): PendingTimer {
  const { id, data, metadata } = decodedEvent(record, 0, 0, stream, type);
  return { key, dueMs, scheduledMs, stream, type, id, data, metadata };
}
