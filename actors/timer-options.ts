/**
 * From what a caller gives to `schedule` to the order it makes: checked, encoded, and with its time decided.
 *
 * Everything that can be wrong with a call, apart from the state of the store, is refused here, before anything is written.
 */
import { formatUuid, nextUuid } from '../src/codec/uuid.ts';
import { timerDelayMaxMs, u48Max } from '../src/limits.ts';
import type { AppendRequest, GivenAppend, RequestOptions } from '../src/log/append-request.ts';
import type { ScheduleOrder } from '../src/log/timer-writes.ts';
import { checkTimerKey } from '../src/names.ts';
import { checkOptionNames } from '../src/option-names.ts';
import { isThenable } from '../src/thenable.ts';
import type { ScheduleOptions } from '../src/types.ts';

/** Makes of a call what would be appended; later where a schema answers later. */
export type Encode = (
  appends: readonly GivenAppend[],
  options: RequestOptions,
) => AppendRequest | Promise<AppendRequest>;

/**
 * The order that a call at `nowMs` makes.
 * @throws {STREAM_NAME_INVALID} {EVENT_INVALID} {EVENT_TOO_LARGE} {SCHEMA_INVALID}. @throws {TypeError} for options out of range, and for several
 * events.
 */
export function scheduleOrder(
  stream: string,
  event: unknown,
  options: ScheduleOptions,
  nowMs: number,
  encode: Encode,
): ScheduleOrder | Promise<ScheduleOrder> {
  if (typeof options !== 'object' || options === null) throw notOneTime();
  checkOptionNames('schedule', options);
  const dueMs = dueTime(options, nowMs);
  const { key = newKey(nowMs), metadata } = options;
  checkTimerKey(key);
  if (Array.isArray(event)) throw new TypeError('a timer has one event, got an array');
  const request = encode([{ stream, events: [event] }], metadata === undefined ? {} : { metadata });
  const orderOf = ({ types, records: record, subjects }: AppendRequest): ScheduleOrder => {
    const [type, subject] = [types[0] as string, subjects?.[0]];
    return { kind: 'schedule', key, stream, type, dueMs, scheduledMs: nowMs, record, subject };
  };
  return isThenable(request) ? request.then(orderOf) : orderOf(request);
}

/** Rounded up: a timer never fires early. */
function dueTime({ at, delayMs }: ScheduleOptions, nowMs: number): number {
  if ((at === undefined) === (delayMs === undefined)) throw notOneTime();
  if (delayMs !== undefined) {
    if (typeof delayMs === 'number' && delayMs >= 0 && delayMs <= timerDelayMaxMs) {
      return Math.min(Math.ceil(nowMs + delayMs), u48Max);
    }
    throw new TypeError(`delayMs must be 0 to ${timerDelayMaxMs} (milliseconds), got ${String(delayMs)}`);
  }
  const dueMs = typeof at === 'number' || at instanceof Date ? Math.ceil(Number(at)) : Number.NaN;
  if (dueMs >= 0 && dueMs <= u48Max) return dueMs;
  throw new TypeError(`at must be a Date or milliseconds since 1970, 0 to ${u48Max}, got ${String(at)}`);
}

function notOneTime(): TypeError {
  return new TypeError('schedule needs either at (a Date or milliseconds since 1970) or delayMs');
}

/** It ascends, like the times at which timers are made: their keys come to lie side by side. */
function newKey(nowMs: number): string {
  const uuid = new Uint8Array(16);
  nextUuid(uuid, 0, nowMs);
  return formatUuid(uuid, 0);
}
