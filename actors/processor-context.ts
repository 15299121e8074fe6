/**
 * What a processor's machine remembers: small plain records. How what happens changes it: processor-changes.ts; what follows
 * from it: processor-decisions.ts.
 */
import { randomUUID } from 'node:crypto';
import type { CursorPlace } from '../src/log/cursor.ts';
import type { CaughtError } from './caught-error.ts';
import type { Effects } from './effects.ts';
import type { ResolvedProcessorOptions } from './processor-options.ts';
import type { EventPlace, SetAside } from './set-aside.ts';

/** What was asked for and is to be obeyed at the next safe point. `idle`: to rest as if never started. */
export type Order = 'stop' | 'pause' | 'idle';

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
  /** Passed since the start because they are erased. */
  readonly erased: number;
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
  /** Passed because they are erased. */
  readonly erased: number;
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
    erased: 0,
  };
}
