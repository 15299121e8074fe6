import type { ErrorCode } from '../src/errors.ts';
import { groupBytesMax } from '../src/limits.ts';
import type { CursorPlace } from '../src/log/cursor.ts';
import { CaughtError } from './caught-error.ts';
import type { Order, Phase, ProcessorContext, ProcessorPolicy, RoundFailure, WorkResult } from './processor-context.ts';
import { backoffMs, isCircuitOpen } from './processor-decisions.ts';
import type { Place } from './processor-ports.ts';
import type { ReplayResult } from './replay.ts';
import { SetAside } from './set-aside.ts';

type Change = Partial<ProcessorContext>;

/** A processor that was live is catching up again when it is further behind than one group commit takes it. */
const liveLagMax = 10_000;
/**
 * Positions passed over without an event to handle: not worth a save of their own until there are this many. The cursor of a
 * partition follows those of the others more closely: the last of them is where another number of partitions begins.
 */
const skippedMax = 1_000_000;
/** Rows of this many bytes are saved: half of what a transaction should hold. */
const effectsBytesMax = groupBytesMax / 2;

/** A new beginning from the durable cursor. */
export function begun(): Change {
  const fresh = { isLoaded: false, order: undefined, unsaved: undefined, attempts: 0, hasReplays: false };
  return { ...fresh, ...unsuspicious, ...untroubled };
}

export const untroubled = { trouble: undefined, nextRetryAt: undefined, isCircuitOpen: false } satisfies Change;

/** Of the next event nothing is known. */
const unsuspicious = { failing: undefined, suspects: 0, givenUpInRow: 0 } satisfies Change;

/** A stop is never taken back, and outdoes everything else. */
export function ordered(context: ProcessorContext, order: Order | undefined): Change {
  return context.order === 'stop' ? {} : { order };
}

export function loaded(context: ProcessorContext, { cursor, head, hasReplays }: Place): Change {
  const position = cursor?.position ?? 0;
  return {
    isLoaded: true,
    cursor,
    position,
    head,
    isLive: position >= head,
    attempts: 0,
    // It may have been said after the look at the store.
    hasReplays: hasReplays || context.hasReplays,
  };
}

export function worked(context: ProcessorContext, result: WorkResult, policy: ProcessorPolicy): Change {
  const { position, failure, head, stopReason } = result;
  const hasMoved = position > context.position;
  const lag = head - position;
  return {
    position,
    head,
    isLive: lag <= 0 || (context.isLive && lag <= liveLagMax),
    handled: context.handled + result.handled,
    batches: context.batches + result.batches,
    erased: context.erased + result.erased,
    unsaved: hasMoved ? unsavedAfter(context, result, policy) : context.unsaved,
    givenUpInRow: result.givenUpInRow,
    suspects: suspectsAfter(context, result),
    hasJustReplayed: false,
    ...(failure === undefined ? workedWell(context, hasMoved) : workedBadly(context, failure, hasMoved, policy)),
    ...(stopReason !== undefined && { ...ordered(context, 'stop'), lastError: answered(stopReason) }),
  };
}

/** Why a handler wanted the processor stopped, in the place of what it could have thrown. */
function answered(reason: string): CaughtError {
  return CaughtError.of(Object.assign(new Error(reason), { name: 'HandlerAnswer' }));
}

function suspectsAfter({ suspects }: ProcessorContext, { failure, handled, setAside }: WorkResult): number {
  if (failure !== undefined) return failure.isToSplit ? failure.count : 0;
  return Math.max(0, suspects - handled - setAside.count);
}

function workedWell({ attempts, failing }: ProcessorContext, hasMoved: boolean): Change {
  return hasMoved ? { attempts: 0, failing: undefined } : { attempts, failing };
}

/** A batch that is to be split is no attempt, and nothing to wait for. */
function workedBadly(
  context: ProcessorContext,
  { error, event, count, inMs, isFinal, isToSplit }: RoundFailure,
  hasMoved: boolean,
  { now }: ProcessorPolicy,
): Change {
  const attempts = hasMoved ? 0 : context.attempts;
  const sinceMs = hasMoved ? undefined : context.failing?.sinceMs;
  const failing = { event, count, sinceMs: sinceMs ?? now() };
  if (isToSplit) return { lastError: error, attempts, failing };
  return { lastError: error, attempts: attempts + 1, failing, trouble: { phase: 'work', isFinal, inMs } };
}

/** A clock that jumps, in either direction, is as good a reason to save as time that passed. */
function unsavedAfter(
  { unsaved, cursor }: ProcessorContext,
  result: WorkResult,
  { checkpoint, partition, now }: ProcessorPolicy,
): ProcessorContext['unsaved'] {
  const setAside = (unsaved?.setAside ?? SetAside.nothing).with(result.setAside);
  const events = (unsaved?.events ?? 0) + result.handled + result.setAside.count;
  const nowMs = now();
  const sinceMs = unsaved?.sinceMs ?? nowMs;
  const isDue =
    events >= checkpoint.events ||
    (events > 0 && Math.abs(nowMs - sinceMs) >= checkpoint.ms) ||
    result.position - (cursor?.position ?? 0) >= (partition === undefined ? skippedMax : checkpoint.events) ||
    (result.effects?.bytes ?? 0) >= effectsBytesMax;
  return { events, sinceMs, isDue, effects: result.effects, setAside };
}

export function saved(
  { trouble, attempts, failing, unsaved, ...context }: ProcessorContext,
  cursor: CursorPlace,
): Change {
  const { setAside = SetAside.nothing } = unsaved ?? {};
  // An event that fails does so also when what came before it is saved.
  const isFailing = trouble !== undefined || failing !== undefined;
  return {
    cursor,
    unsaved: undefined,
    attempts: isFailing ? attempts : 0,
    skipped: context.skipped + setAside.countOf('skip'),
    deadLettered: context.deadLettered + setAside.countOf('dead-letter') + setAside.countOf('park-stream'),
    parked: context.parked + setAside.parked.length,
  };
}

/** Passes the event that fails. It is durable with the next save, which comes at once. */
export function skippedOver(context: ProcessorContext, { now }: ProcessorPolicy): Change {
  const { failing, attempts, lastError, unsaved } = context;
  if (failing === undefined || lastError === undefined) return {};
  const nowMs = now();
  const { event, sinceMs: firstMs } = failing;
  const skip = new SetAside([{ event, how: 'skip', error: lastError, attempts, firstMs, lastMs: nowMs }], []);
  return {
    position: event.position,
    unsaved: {
      events: (unsaved?.events ?? 0) + 1,
      sinceMs: unsaved?.sinceMs ?? nowMs,
      isDue: true,
      effects: unsaved?.effects,
      setAside: (unsaved?.setAside ?? SetAside.nothing).with(skip),
    },
    attempts: 0,
    ...unsuspicious,
    ...untroubled,
  };
}

export function replaysOrdered({ replayOrders }: ProcessorContext): Change {
  return { hasReplays: true, hasJustReplayed: false, replayOrders: replayOrders + 1 };
}

/** An order that came meanwhile may not have been looked at. */
export function replayed(context: ProcessorContext, result: ReplayResult): Change {
  const { isMore, orders, handled, givenUp, failure } = result;
  const hasReplays = isMore || orders !== context.replayOrders;
  const done = {
    hasReplays,
    hasJustReplayed: true,
    replayed: context.replayed + handled,
    deadLettered: context.deadLettered + givenUp.length,
  };
  return failure === undefined
    ? done
    : { ...done, lastError: failure, attempts: context.attempts + 1, trouble: { phase: 'replay', isFinal: true } };
}

export function wasReset(context: ProcessorContext, place: Place): Change {
  return {
    ...loaded(context, place),
    ...unsuspicious,
    ...untroubled,
    unsaved: undefined,
    until: context.reset?.until,
    reset: undefined,
    resets: context.resets + 1,
  };
}

/** What does not go away by trying again. */
const finalCodes: readonly (string | undefined)[] = [
  'CURSOR_MOVED',
  'PROCESSOR_NAME_TAKEN',
  'HANDLER_INVALID',
] satisfies ErrorCode[];

/** A failure of the store, or of a bus that closes: then there is nothing to wait for. */
export function troubled(context: ProcessorContext, phase: Phase, thrown: unknown): Change {
  const error = CaughtError.of(thrown);
  const isFinal = finalCodes.includes(error.code);
  return {
    lastError: error,
    trouble: { phase, isFinal },
    // A save on the way to a retry is part of that failure.
    attempts: context.trouble === undefined ? context.attempts + 1 : context.attempts,
    ...(phase === 'save' && context.unsaved !== undefined && { unsaved: { ...context.unsaved, isDue: true } }),
    ...(error.code === 'STORE_CLOSED' && { order: 'stop' as const }),
  };
}

/** Plans the wait before the next try. */
export function retryPlanned(context: ProcessorContext, policy: ProcessorPolicy): Change {
  const isOpen = isCircuitOpen(context, policy);
  const retryInMs = isOpen ? policy.circuit.waitMs : backoffMs(context, policy);
  return { isCircuitOpen: isOpen, retryInMs, nextRetryAt: policy.now() + retryInMs, retries: context.retries + 1 };
}
