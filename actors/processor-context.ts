/**
 * What a processor's machine remembers, and how what happens changes it: small plain records and pure functions.
 *
 * The one rule behind it: `position` says what is handled, `cursor` what of it is durable, and nothing but a reset moves
 * either of them back.
 */
import { randomUUID } from 'node:crypto';
import type { ErrorCode } from '../src/errors.ts';
import { groupBytesMax } from '../src/limits.ts';
import type { CursorPlace } from '../src/log/cursor.ts';
import { CaughtError } from './caught-error.ts';
import type { Effects } from './effects.ts';
import type { ResolvedProcessorOptions } from './processor-options.ts';
import type { Place } from './processor-ports.ts';
import type { ReplayResult } from './replay.ts';
import { type EventPlace, SetAside } from './set-aside.ts';

/** What was asked for and is to be obeyed at the next safe point. `idle`: to rest as if never started. */
type Order = 'stop' | 'pause' | 'idle';

/** What was being done when it failed. */
export type Phase = 'load' | 'work' | 'save' | 'reset' | 'watch' | 'replay';

export interface ResetOrder {
  /** The position to go to: events behind it are handled next. */
  readonly to: number;
  /** Pauses once everything up to here is handled. */
  readonly until: number | undefined;
}

/** Progress since the last save. */
export interface Unsaved {
  readonly events: number;
  readonly sinceMs: number;
  /** It is to be saved before anything else. */
  readonly isDue: boolean;
  readonly effects: Effects | undefined;
  readonly setAside: SetAside;
}

/** A failure not yet dealt with. */
interface Trouble {
  readonly phase: Phase;
  /** Trying again can't help. */
  readonly isFinal: boolean;
  /** The wait that the handler asked for. Milliseconds. */
  readonly inMs?: number | undefined;
}

export interface ProcessorContext {
  /** Tells this run of the machine from others of its name. */
  readonly holder: string;
  /** Whether `cursor` and `position` are known. */
  readonly isLoaded: boolean;
  /** Everything up to here is handled, or not wanted. */
  readonly position: number;
  /** The durable part of that; `undefined` before the first save. */
  readonly cursor: CursorPlace | undefined;
  /** The head when it was last looked at. */
  readonly head: number;
  /** Whether it has caught up, and not fallen far behind since. */
  readonly isLive: boolean;
  readonly order: Order | undefined;
  readonly reset: ResetOrder | undefined;
  readonly until: number | undefined;
  readonly unsaved: Unsaved | undefined;
  readonly trouble: Trouble | undefined;
  /** Failures in a row. */
  readonly attempts: number;
  /** What failed last, as long as it comes next: one event, or the first of so many, and since when. */
  readonly failing: { readonly event: EventPlace; readonly count: number; readonly sinceMs: number } | undefined;
  /** One of so many next events failed a batch, and it is not known which. */
  readonly suspects: number;
  /** Events given up by the policy since one was handled. */
  readonly givenUpInRow: number;
  /** It waits because of them. */
  readonly isCircuitOpen: boolean;
  /** Somebody wants dead letters tried again. */
  readonly hasReplays: boolean;
  /** How often that was said. */
  readonly replayOrders: number;
  /** What was done last was a replay: events of the log come next. */
  readonly hasJustReplayed: boolean;
  readonly lastError: CaughtError | undefined;
  /** While it waits to try again. */
  readonly retryInMs: number;
  readonly nextRetryAt: number | undefined;
  /** Events handled, retries, batches read and resets done since the start. */
  readonly handled: number;
  readonly retries: number;
  readonly batches: number;
  readonly resets: number;
  readonly skipped: number;
  readonly deadLettered: number;
  readonly parked: number;
  readonly replayed: number;
}

/** Why a round ended before an event. */
export interface RoundFailure {
  readonly error: CaughtError;
  /** The event that failed, or the first of the batch that did. */
  readonly event: EventPlace;
  /** Events of the call that failed. */
  readonly count: number;
  readonly inMs: number | undefined;
  readonly isFinal: boolean;
  /** Whether it is to be found out which of them it was. */
  readonly isToSplit: boolean;
}

/** What one round of reading and handling came to. */
export interface WorkResult {
  readonly position: number;
  readonly handled: number;
  readonly batches: number;
  readonly head: number;
  readonly effects: Effects | undefined;
  readonly setAside: SetAside;
  readonly givenUpInRow: number;
  readonly failure: RoundFailure | undefined;
  /** Why the handler wants the processor stopped. */
  readonly stopReason: string | undefined;
}

/** What decides how a machine behaves: the options without the user's code, and the world's clock and dice. */
export interface ProcessorPolicy
  extends Pick<
    ResolvedProcessorOptions,
    'name' | 'partition' | 'checkpoint' | 'retry' | 'drainMs' | 'onFailure' | 'circuit'
  > {
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
}

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
/** Keeps `factor ** failures` finite. */
const exponentMax = 100;

export function initialContext(isStarted: boolean): ProcessorContext {
  return {
    holder: randomUUID(),
    isLoaded: false,
    position: 0,
    cursor: undefined,
    head: 0,
    isLive: false,
    order: isStarted ? undefined : 'idle',
    reset: undefined,
    until: undefined,
    unsaved: undefined,
    trouble: undefined,
    attempts: 0,
    lastError: undefined,
    retryInMs: 0,
    nextRetryAt: undefined,
    handled: 0,
    retries: 0,
    batches: 0,
    resets: 0,
    failing: undefined,
    suspects: 0,
    givenUpInRow: 0,
    isCircuitOpen: false,
    hasReplays: false,
    replayOrders: 0,
    hasJustReplayed: false,
    skipped: 0,
    deadLettered: 0,
    parked: 0,
    replayed: 0,
  };
}

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

function backoffMs({ attempts, trouble }: ProcessorContext, { retry, random }: ProcessorPolicy): number {
  if (trouble?.inMs !== undefined) return trouble.inMs;
  const growth = retry.factor ** Math.min(attempts - 1, exponentMax);
  return Math.round(Math.min(retry.maxMs, retry.minMs * growth) * (1 - retry.jitter * random()));
}

/** So many events were given up in a row that it may not be their fault: the next one is not, however often it fails. */
function isCircuitOpen({ givenUpInRow, attempts, trouble }: ProcessorContext, policy: ProcessorPolicy): boolean {
  const isSpent = trouble?.phase === 'work' && attempts > policy.retry.attempts;
  return isSpent && policy.onFailure !== 'fail' && givenUpInRow >= policy.circuit.failures;
}

export function hasReachedUntil({ isLoaded, position, until }: ProcessorContext): boolean {
  return isLoaded && until !== undefined && position >= until;
}

export function isBehind({ position, head }: ProcessorContext): boolean {
  return position < head;
}

/** Whether it is to rest for a while, once what is handled is saved. */
export function isToPause(context: ProcessorContext): boolean {
  return context.order === 'pause' || hasReachedUntil(context);
}

/** Whether saving comes next. It is tried once on the way to a rest, and again until it works otherwise. */
export function isToSave(context: ProcessorContext): boolean {
  const { unsaved, trouble, order, reset, hasReplays } = context;
  if (unsaved === undefined || trouble?.phase === 'save') return false;
  if (order === 'stop') return true;
  return reset === undefined && (unsaved.isDue || trouble !== undefined || hasReplays || isToPause(context));
}

/** Whether events were given up that are to be put away before anything else. */
export function isPoisoned({ unsaved, trouble }: ProcessorContext): boolean {
  return trouble?.phase !== 'save' && (unsaved?.setAside.givenUp.length ?? 0) > 0;
}

/** Whether it is known which event fails. */
export function isSkippable({ failing, lastError }: ProcessorContext): boolean {
  return failing?.count === 1 && lastError !== undefined;
}

/** Whether dead letters come next. They and the events of the log take turns. */
export function isToReplay(context: ProcessorContext): boolean {
  return context.hasReplays && !(context.hasJustReplayed && isBehind(context));
}

/** How many events the next round may handle: few, while one of them is looked for. */
export function roundEventsMax(
  { unsaved, suspects, failing }: ProcessorContext,
  { checkpoint }: ProcessorPolicy,
): number {
  const left = Math.max(1, checkpoint.events - (unsaved?.events ?? 0));
  if (suspects > 0) return Math.min(left, Math.ceil(suspects / 2));
  return Math.min(left, failing?.count ?? left);
}

/** Whether there is no use in trying again. */
export function isHopeless(context: ProcessorContext, policy: ProcessorPolicy): boolean {
  const { trouble, attempts } = context;
  if (trouble === undefined || trouble.isFinal) return trouble !== undefined;
  return attempts > policy.retry.attempts && !isCircuitOpen(context, policy);
}
