/**
 * One listener's way along the log: from the head of its beginning on, what it wants, in order, one call at a time.
 *
 * Driven by the head alone, level-triggered: only what is durable is ever seen, and a wake-up that gets lost costs nothing.
 * Reads a page when there is room for it (backlog.ts) and gives way to other work after each. Whatever the listener throws or
 * rejects with is reported, and it goes on. Keeps the process alive until it is closed.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Observable, Subscription } from 'rxjs';
import type { SubscriptionWalk } from '../src/log/read-sources.ts';
import { isThenable } from '../src/thenable.ts';
import type { EventFilter, StoredEvent } from '../src/types.ts';
import type { Activity } from './actor-tree.ts';
import { atOnce } from './at-once.ts';
import type { Backlog } from './backlog.ts';
import { type ErasedEvents, isPassed } from './erased-events.ts';
import { keepAlive } from './keep-alive.ts';

/** What a reading needs of the bus. */
export interface LiveSource {
  /** The last durable position. @throws {STORE_CLOSED} */
  head(): number;
  /** The head, then each newer one, conflated. Completes when the bus closes. */
  readonly head$: Observable<number>;
  walk(after: number, filter: EventFilter): SubscriptionWalk;
  /** Told of failures that nobody waits for. */
  report(error: unknown): void;
}

export interface ReadingOptions {
  readonly filter: EventFilter;
  readonly backlog: Backlog;
  /** Of what the filter lets through, what is wanted. */
  readonly isWanted: ((event: StoredEvent) => boolean) | undefined;
  /** Whether what is erased is delivered, too. */
  readonly erased: ErasedEvents;
  /** The listener. What it returns is waited for, if it can be. */
  readonly deliver: (event: StoredEvent) => unknown;
  /** It has got on, or has ended. */
  readonly onProgress?: () => void;
  /** It is closed, by whomever. */
  readonly onClose: () => void;
  /** Ended by the bus, which closes, or by an error of the store; not by `close`. */
  readonly onEnd: (error: unknown) => void;
}

export class LiveReading {
  /** The position it began behind. */
  readonly after: number;
  readonly #source: LiveSource;
  readonly #options: ReadingOptions;
  readonly #walk: SubscriptionWalk;
  readonly #heads: Subscription;
  readonly #letGo = keepAlive();
  /** Listeners run in the context in which they were registered, not in that of whoever happens to append. */
  readonly #inContext = AsyncLocalStorage.snapshot();
  /** Given to the listener, and not done with. */
  #current: StoredEvent | undefined;
  #isDelivering = false;
  #delivered = 0;
  #isScheduled = false;
  #isClosed = false;

  /** Begins at the head. @throws {TypeError} for a filter of the wrong shape. @throws {STORE_CLOSED} */
  constructor(source: LiveSource, options: ReadingOptions) {
    this.#source = source;
    this.#options = options;
    try {
      this.after = source.head();
      this.#walk = source.walk(this.after, options.filter);
    } catch (error) {
      this.#letGo();
      throw error;
    }
    this.#heads = source.head$.subscribe({
      next: () => this.#read(),
      error: (error: unknown) => this.#end(error),
      complete: () => this.#end(undefined),
    });
    if (this.#isClosed) this.#heads.unsubscribe();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get activity(): Activity {
    return { state: this.#isClosed ? 'closed' : this.#isDelivering ? 'busy' : 'idle', messages: this.#delivered };
  }

  /** Positions between what the listener is done with and the head. */
  get behind(): number {
    if (this.#isClosed) return 0;
    const next = this.#current ?? this.#options.backlog.first;
    const done = next === undefined ? this.#walk.position() : next.position - 1;
    return Math.max(0, this.#source.head() - done);
  }

  /** No further call begins; one that runs is not waited for. Twice is fine. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // Not there yet where the bus was closed before it began.
    this.#heads?.unsubscribe();
    this.#letGo();
    this.#options.backlog.clear();
    this.#options.onProgress?.();
    this.#options.onClose();
  }

  #end(error: unknown): void {
    if (this.#isClosed) return;
    this.close();
    this.#options.onEnd(error);
  }

  /** Reads a page, if there is one and room for it, and has it delivered. */
  #read(): void {
    if (this.#isClosed || this.#isScheduled) return;
    const { backlog, onProgress } = this.#options;
    try {
      const head = this.#source.head();
      if (backlog.room > 0 && this.#walk.position() < head) {
        for (const event of this.#walk.next(head, backlog.room)) this.#take(event);
        if (this.#walk.position() < head) this.#schedule();
      }
    } catch (error) {
      this.#end(error);
      return;
    }
    onProgress?.();
    if (!this.#isDelivering) void this.#deliver();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#read();
    });
  }

  /** Asks the user's code whether, and where, an event is to wait for its turn. */
  #take(event: StoredEvent): void {
    const { isWanted, backlog, erased } = this.#options;
    if (isPassed(event, erased)) return;
    this.#guarded(() => {
      if (isWanted === undefined || atOnce(isWanted(event), 'the predicate')) backlog.push(event);
    });
  }

  async #deliver(): Promise<void> {
    const { backlog, deliver, onProgress, erased } = this.#options;
    this.#isDelivering = true;
    for (;;) {
      const event = this.#isClosed ? undefined : backlog.shift();
      if (event === undefined) break;
      if (isPassed(event, erased)) continue;
      this.#current = event;
      this.#delivered++;
      try {
        const done = this.#inContext(deliver, event);
        // A listener that is done at once costs no turn of the microtasks.
        if (isThenable(done)) await done;
      } catch (error) {
        this.#source.report(error);
      }
      this.#current = undefined;
      onProgress?.();
    }
    this.#isDelivering = false;
    // The head may have moved while there was no room.
    if (!this.#isClosed && this.#hasMore()) this.#schedule();
  }

  #hasMore(): boolean {
    try {
      return this.#walk.position() < this.#source.head();
    } catch {
      // Reading finds the same, and ends with it.
      return true;
    }
  }

  #guarded(use: () => void): void {
    try {
      this.#inContext(use);
    } catch (error) {
      this.#source.report(error);
    }
  }
}
