/**
 * What a processor shows of itself, and how that is told: states at once, numbers at most twenty times a second.
 */
import type { Observable, Subscriber } from 'rxjs';
import type { CaughtError } from './caught-error.ts';
import { GuardedObservable } from './guarded-observable.ts';
import type { ProcessorContext } from './processor-context.ts';
import type { ProcessorStore } from './processor-store.ts';

/**
 * `idle`: not started. `loading`: reads its cursor. `catching-up`: handles what is there. `live`: has caught up and handles
 * what comes. `retrying`: waits after a failure. `poisoned`: puts away events that it gave up. `paused`. `resetting`: moves its cursor. `failed`: gave up, and waits to be
 * told. `stopped`: ended; it can be started again.
 */
export type ProcessorState =
  | 'idle'
  | 'loading'
  | 'catching-up'
  | 'live'
  | 'retrying'
  | 'poisoned'
  | 'paused'
  | 'resetting'
  | 'failed'
  | 'stopped';

/**
 * `resting`: does nothing until it is told to. `running`: the opposite. `unhealthy`: its last try failed. `stalled`: it is
 * behind the head and has not moved for `stalledMs`.
 */
export type ProcessorTag = 'resting' | 'running' | 'unhealthy' | 'stalled';

/** An error as it can be shown and sent. */
export interface ErrorSummary {
  readonly name: string;
  readonly code?: string;
  readonly message: string;
}

export interface ProcessorNumbers {
  /** Everything up to here is handled, or not wanted; 0 until the cursor was read. */
  readonly position: number;
  /** The durable part of that: where the next start begins. */
  readonly cursor: number;
  /** 1 at first; each reset raises it. */
  readonly generation: number;
  /** The last position of the store. */
  readonly head: number;
  /** `head - position`. */
  readonly lag: number;
  /** Failures in a row. */
  readonly attempts: number;
  /** The last failure since the start, if there was one. */
  readonly lastError?: ErrorSummary;
  /** While it is `retrying`: when it tries again, in milliseconds since 1970. */
  readonly nextRetryAt?: number;
  /** Present while it waits because too many events were given up in a row: see `circuit`. */
  readonly isCircuitOpen?: true;
  /** Events handled since the start. */
  readonly handled: number;
  /** Waits to try again since the start. */
  readonly retries: number;
  /** Events passed since the start without being handled: skipped, kept as dead letters, parked behind one. */
  readonly skipped: number;
  readonly deadLettered: number;
  readonly parked: number;
  /** Dead letters and parked events handled in the end, since the start. */
  readonly replayed: number;
  /** Events passed since the start because their key was erased: see `erased` of the options. */
  readonly erased: number;
  /** Batches read since the start. */
  readonly batches: number;
  /** When it entered its state, in milliseconds since 1970. */
  readonly since: number;
}

export interface ProcessorStatus {
  readonly name: string;
  readonly state: ProcessorState;
  readonly tags: readonly ProcessorTag[];
  readonly context: ProcessorNumbers;
  /** Each partition, in order, where there are several; what is above is then of all of them together. */
  readonly partitions?: readonly ProcessorStatus[];
}

/** What a machine remembers, in the form that is shown. */
export function numbersOf(context: ProcessorContext, head: number, since: number): ProcessorNumbers {
  const { position, cursor, attempts, lastError, nextRetryAt, handled, retries, batches } = context;
  const { skipped, deadLettered, parked, replayed, erased } = context;
  return {
    position,
    cursor: cursor?.position ?? 0,
    generation: cursor?.generation ?? 1,
    head,
    lag: Math.max(0, head - position),
    attempts,
    ...(lastError !== undefined && { lastError: summaryOf(lastError) }),
    ...(nextRetryAt !== undefined && { nextRetryAt }),
    ...(context.isCircuitOpen && { isCircuitOpen: true as const }),
    handled,
    retries,
    skipped,
    deadLettered,
    parked,
    replayed,
    erased,
    batches,
    since,
  };
}

/** Of the same error the same one again: it is asked for with each number that changes. */
export function summaryOf(error: CaughtError): ErrorSummary {
  const known = summaries.get(error);
  if (known !== undefined) return known;
  const { name, code, message } = error;
  const summary = code === undefined ? { name, message } : { name, code, message };
  summaries.set(error, summary);
  return summary;
}

const summaries = new WeakMap<CaughtError, ErrorSummary>();

/** The timers of a processor; tests bring their own. */
export interface TimerClock {
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** The process does not wait for these timers. */
export const unheldTimers: TimerClock = {
  setTimeout: (run, ms) => setTimeout(run, ms).unref(),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/** Least time between two numbers of one state: twenty a second. */
const numbersMs = 50;

/** Tells subscribers what `current` is now, whenever it is told that something changed. */
export class StatusFeed {
  /** The current status, then each change. */
  readonly status$: Observable<ProcessorStatus>;
  readonly #store: ProcessorStore;
  readonly #clock: TimerClock;
  readonly #current: () => ProcessorStatus;
  readonly #subscribers = new Set<Subscriber<ProcessorStatus>>();
  #heads: { unsubscribe(): void } | undefined;
  /** Runs while numbers have been told a moment ago. */
  #pause: unknown;
  #isStale = false;
  #isComplete = false;

  constructor(store: ProcessorStore, clock: TimerClock, current: () => ProcessorStatus) {
    this.#store = store;
    this.#clock = clock;
    this.#current = current;
    this.status$ = new GuardedObservable(
      (subscriber) => this.#subscribe(subscriber),
      (error) => store.report(error),
    );
  }

  tellState(): void {
    if (this.#subscribers.size === 0) return;
    this.#emit();
  }

  tellNumbers(): void {
    if (this.#subscribers.size === 0) return;
    if (this.#pause === undefined) this.#emit();
    else this.#isStale = true;
  }

  complete(): void {
    this.#isComplete = true;
    for (const subscriber of [...this.#subscribers]) subscriber.complete();
  }

  #subscribe(subscriber: Subscriber<ProcessorStatus>): () => void {
    subscriber.next(this.#current());
    if (this.#isComplete) {
      subscriber.complete();
      return () => undefined;
    }
    this.#subscribers.add(subscriber);
    // A processor at rest falls behind, which nobody else tells.
    this.#heads ??= this.#store.head$.subscribe({ next: () => this.tellNumbers(), error: () => undefined });
    return () => {
      this.#subscribers.delete(subscriber);
      if (this.#subscribers.size === 0) this.#rest();
    };
  }

  #emit(): void {
    this.#isStale = false;
    this.#clock.clearTimeout(this.#pause);
    this.#pause = this.#clock.setTimeout(() => {
      this.#pause = undefined;
      if (this.#isStale) this.#emit();
    }, numbersMs);
    const status = this.#current();
    for (const subscriber of [...this.#subscribers]) subscriber.next(status);
  }

  #rest(): void {
    this.#heads?.unsubscribe();
    this.#heads = undefined;
    this.#clock.clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#isStale = false;
  }
}
