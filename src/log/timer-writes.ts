/**
 * What is written to the table of timers: the orders of users, and the firing of what is due.
 *
 * Whoever calls this is the only one who writes that table, and calls it again only when what it gave is durable or refused:
 * so the state it passes on, and the rows it finds, are those of now.
 */
import {
  encodeTimerEvent,
  encodeTimerHead,
  encodeTimerNameRow,
  encodeTimerRow,
  encodeTimerState,
  type TimerHead,
  type TimerPlace,
  type TimerRow,
  type TimerState,
  timerDueKey,
  timerNameKey,
  timerStateKey,
} from '../codec/timer-row.ts';
import { BusError } from '../errors.ts';
import type { Snapshot } from '../storage/engine.ts';
import type { AppendRequest, RequestPart } from './append-request.ts';
import type { RowDraft } from './row-draft.ts';
import { findTimer } from './timers.ts';

/** A timer to be made, in place of an earlier one of its key. */
export interface ScheduleOrder extends Omit<TimerRow, 'sequence' | 'incarnation'> {
  readonly kind: 'schedule';
}

/** A timer to be taken back. */
export interface CancelOrder {
  readonly kind: 'cancel';
  readonly key: string;
}

export type TimerOrder = ScheduleOrder | CancelOrder;

/** What became of an order: whether a timer of its key was pending before, or why it was refused. */
export type TimerAnswer = { readonly wasPending: boolean } | { readonly error: unknown };

/** Orders as rows. `state` holds once these are durable. */
export interface DecidedOrders {
  /** None where there is nothing to be changed. */
  readonly rows: readonly RowDraft[];
  readonly state: TimerState;
  readonly answers: readonly TimerAnswer[];
}

const table = 'timers';

/** Decides `orders` one after the other. One that is refused leaves no trace. */
export function decideOrders(
  snapshot: Snapshot,
  orders: readonly TimerOrder[],
  before: TimerState,
  incarnation: Uint8Array,
  pendingMax: number,
): DecidedOrders {
  const rows: RowDraft[] = [];
  const placeByKey = new Map<string, TimerPlace | undefined>();
  let { pending, nextSequence } = before;

  function decide(order: TimerOrder): boolean {
    const { key } = order;
    const known = placeByKey.has(key) ? placeByKey.get(key) : findTimer(snapshot, key);
    const isNew = known === undefined && order.kind === 'schedule';
    if (isNew && pending >= pendingMax) throw full(pendingMax);
    if (known !== undefined) rows.push(removed(timerDueKey(known)));
    if (order.kind === 'cancel') {
      if (known !== undefined) rows.push(removed(timerNameKey(key)));
      placeByKey.set(key, undefined);
    } else {
      const place = { dueMs: order.dueMs, sequence: nextSequence++ };
      rows.push(...timerRows(order, place, incarnation, snapshot.keys !== undefined));
      placeByKey.set(key, place);
    }
    pending += (order.kind === 'schedule' ? 1 : 0) - (known === undefined ? 0 : 1);
    return known !== undefined;
  }

  const answers = orders.map((order): TimerAnswer => {
    try {
      return { wasPending: decide(order) };
    } catch (error) {
      return { error };
    }
  });
  const state = { pending, nextSequence };
  if (rows.length > 0) rows.push(stateRow(state));
  return { rows, state, answers };
}

/** `timers`, in their order, as one append that takes them out of the table. `state` holds once it is durable. */
export function fireRequest(
  timers: readonly TimerRow[],
  before: TimerState,
): { readonly request: AppendRequest; readonly state: TimerState } {
  const parts: RequestPart[] = [];
  const rows: RowDraft[] = [];
  for (const { stream, key, ...place } of timers) {
    const last = parts.at(-1);
    if (last?.stream === stream) parts[parts.length - 1] = { ...last, eventCount: last.eventCount + 1 };
    else parts.push({ stream, expectedVersion: 'any', eventCount: 1 });
    rows.push(removed(timerDueKey(place)), removed(timerNameKey(key)));
  }
  const state = { ...before, pending: Math.max(0, before.pending - timers.length) };
  const request: AppendRequest = {
    kind: 'append',
    parts,
    types: timers.map(({ type }) => type),
    records: Buffer.concat(timers.map(({ record }) => record)),
    idempotency: undefined,
    rows: [...rows, stateRow(state)],
    ...(timers.some(({ subject }) => subject !== undefined) && { subjects: timers.map(({ subject }) => subject) }),
  };
  return { request, state };
}

/** What takes `timers` out of the table without firing them. `state` holds once it is durable. */
export function dropRows(
  timers: readonly TimerHead[],
  before: TimerState,
): { readonly rows: readonly RowDraft[]; readonly state: TimerState } {
  const state = { ...before, pending: Math.max(0, before.pending - timers.length) };
  const rows = timers.flatMap(({ key, ...place }) => [removed(timerDueKey(place)), removed(timerNameKey(key))]);
  return { rows: [...rows, stateRow(state)], state };
}

function timerRows(order: ScheduleOrder, place: TimerPlace, incarnation: Uint8Array, hasKeys: boolean): RowDraft[] {
  const nameKey = timerNameKey(order.key);
  const row = hasKeys ? sealedRow(order, place, incarnation) : plainRow(order, place, incarnation);
  return [row, { table, key: nameKey, value: encodeTimerNameRow(nameKey, place) }];
}

function plainRow(order: ScheduleOrder, place: TimerPlace, incarnation: Uint8Array): RowDraft & { value: Uint8Array } {
  const key = timerDueKey(place);
  return { table, key, value: encodeTimerRow(key, { ...order, incarnation }) };
}

/** The name of a subject is in what is sealed, and nowhere else. */
function sealedRow(order: ScheduleOrder, place: TimerPlace, incarnation: Uint8Array): RowDraft {
  const { stream, subject } = order;
  return {
    table,
    key: timerDueKey(place),
    value: encodeTimerHead({ ...order, incarnation }),
    secret: {
      label: 'timer',
      owner: { kind: 'stream', stream, subject },
      payload: encodeTimerEvent(order),
      ifErased: 'refuse',
      ...(subject === undefined && { plain: plainRow(order, place, incarnation).value }),
    },
  };
}

function stateRow(state: TimerState): RowDraft {
  return { table, key: timerStateKey, value: encodeTimerState(state) };
}

function removed(key: Uint8Array): RowDraft {
  return { table, key, value: undefined };
}

function full(max: number): BusError<'TIMERS_FULL'> {
  return new BusError('TIMERS_FULL', `${max} timers are pending, and no more are taken: nothing was written`, { max });
}
