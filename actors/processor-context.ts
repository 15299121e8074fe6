/**
 * What a processor's machine remembers, and how what happens changes it: small plain records and pure functions.
 *
 * The one rule behind it: `position` says what is handled, `cursor` what of it is durable, and nothing but a reset moves
 * either of them back.
 */
import { randomUUID } from 'node:crypto';
import { groupBytesMax } from '../src/limits.ts';
import type { CursorPlace } from '../src/log/cursor.ts';
import { CaughtError } from './caught-error.ts';
import type { Effects } from './effects.ts';
import type { ResolvedProcessorOptions } from './processor-options.ts';

/** What was asked for and is to be obeyed at the next safe point. `idle`: to rest as if never started. */
type Order = 'stop' | 'pause' | 'idle';

/** What was being done when it failed. */
export type Phase = 'load' | 'work' | 'save' | 'reset' | 'watch';

export interface ResetOrder {
  /** The position to go to: events behind it are handled next. */
  readonly to: number;
  /** Pauses once everything up to here is handled. */
  readonly until: number | undefined;
}

/** Progress since the last save. */
interface Unsaved {
  readonly events: number;
  readonly sinceMs: number;
  /** It is to be saved before anything else. */
  readonly isDue: boolean;
  readonly effects: Effects | undefined;
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
  /** A failure not yet dealt with. `isFinal`: trying again can't help. */
  readonly trouble: { readonly phase: Phase; readonly isFinal: boolean } | undefined;
  /** Failures in a row. */
  readonly attempts: number;
  readonly lastError: CaughtError | undefined;
  /** While it waits to try again. */
  readonly retryInMs: number;
  readonly nextRetryAt: number | undefined;
  /** Events handled, retries, batches read and resets done since the start. */
  readonly handled: number;
  readonly retries: number;
  readonly batches: number;
  readonly resets: number;
}

/** What one round of reading and handling came to. */
export interface WorkResult {
  readonly position: number;
  readonly handled: number;
  readonly batches: number;
  readonly head: number;
  readonly effects: Effects | undefined;
  /** What the handler threw at the event, or the batch, behind `position`. */
  readonly failure: CaughtError | undefined;
}

/** What decides how a machine behaves: the options without the user's code, and the world's clock and dice. */
export interface ProcessorPolicy extends Pick<ResolvedProcessorOptions, 'name' | 'checkpoint' | 'retry' | 'drainMs'> {
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
}

type Change = Partial<ProcessorContext>;

/** A processor that was live is catching up again when it is further behind than one group commit takes it. */
const liveLagMax = 10_000;
/** Positions passed over without an event to handle: not worth a save of their own until there are this many. */
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
  };
}

/** A new beginning from the durable cursor. */
export function begun(): Change {
  return { isLoaded: false, order: undefined, unsaved: undefined, attempts: 0, ...untroubled };
}

export const untroubled = { trouble: undefined, nextRetryAt: undefined } satisfies Change;

/** A stop is never taken back, and outdoes everything else. */
export function ordered(context: ProcessorContext, order: Order | undefined): Change {
  return context.order === 'stop' ? {} : { order };
}

export function loaded(cursor: CursorPlace | undefined, head: number): Change {
  const position = cursor?.position ?? 0;
  return { isLoaded: true, cursor, position, head, isLive: position >= head, attempts: 0 };
}

export function worked(context: ProcessorContext, result: WorkResult, policy: ProcessorPolicy): Change {
  const { position, failure, head } = result;
  const hasMoved = position > context.position;
  const lag = head - position;
  const failures = hasMoved ? 0 : context.attempts;
  return {
    position,
    head,
    isLive: lag <= 0 || (context.isLive && lag <= liveLagMax),
    handled: context.handled + result.handled,
    batches: context.batches + result.batches,
    unsaved: hasMoved ? unsavedAfter(context, result, policy) : context.unsaved,
    ...(failure === undefined
      ? { attempts: failures }
      : { attempts: failures + 1, lastError: failure, trouble: { phase: 'work', isFinal: false } }),
  };
}

/** A clock that jumps, in either direction, is as good a reason to save as time that passed. */
function unsavedAfter(
  { unsaved, cursor }: ProcessorContext,
  result: WorkResult,
  { checkpoint, now }: ProcessorPolicy,
): ProcessorContext['unsaved'] {
  const events = (unsaved?.events ?? 0) + result.handled;
  const nowMs = now();
  const sinceMs = unsaved?.sinceMs ?? nowMs;
  const isDue =
    events >= checkpoint.events ||
    (events > 0 && Math.abs(nowMs - sinceMs) >= checkpoint.ms) ||
    result.position - (cursor?.position ?? 0) >= skippedMax ||
    (result.effects?.bytes ?? 0) >= effectsBytesMax;
  return { events, sinceMs, isDue, effects: result.effects };
}

export function saved({ trouble, attempts }: ProcessorContext, cursor: CursorPlace): Change {
  return { cursor, unsaved: undefined, attempts: trouble === undefined ? 0 : attempts };
}

export function wasReset(context: ProcessorContext, cursor: CursorPlace, head: number): Change {
  return {
    ...loaded(cursor, head),
    ...untroubled,
    unsaved: undefined,
    until: context.reset?.until,
    reset: undefined,
    resets: context.resets + 1,
  };
}

/** A failure of the store, or of a bus that closes: then there is nothing to wait for. */
export function troubled(context: ProcessorContext, phase: Phase, thrown: unknown): Change {
  const error = CaughtError.of(thrown);
  const isFinal = error.code === 'CURSOR_MOVED' || error.code === 'PROCESSOR_NAME_TAKEN';
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
export function retryPlanned(context: ProcessorContext, { retry, now, random }: ProcessorPolicy): Change {
  const growth = retry.factor ** Math.min(context.attempts - 1, exponentMax);
  const retryInMs = Math.round(Math.min(retry.maxMs, retry.minMs * growth) * (1 - retry.jitter * random()));
  return { retryInMs, nextRetryAt: now() + retryInMs, retries: context.retries + 1 };
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
  const { unsaved, trouble, order, reset } = context;
  if (unsaved === undefined || trouble?.phase === 'save') return false;
  if (order === 'stop') return true;
  return reset === undefined && (unsaved.isDue || trouble !== undefined || isToPause(context));
}

/** Whether there is no use in trying again. */
export function isHopeless({ trouble, attempts }: ProcessorContext, { retry }: ProcessorPolicy): boolean {
  return trouble !== undefined && (trouble.isFinal || attempts > retry.attempts);
}
