/**
 * The watch: the head of the log as a value that others wait for.
 *
 * Semantics of a watch channel: the latest value, conflated; nobody is told of each step. A wake-up is only a hint to look
 * at the head again. Where another process writes, the store is polled, and only while somebody waits.
 */
import type { Observable, Subscriber } from 'rxjs';
import { abortError } from '../src/log/pages.ts';
import { GuardedObservable } from './guarded-observable.ts';

/** How the head is found and, for a store that others write, how often. */
export interface WatchOptions {
  /** The head as of now. */
  readonly head: () => number;
  /** A number that changes with every commit, for polling; without it only `wake` tells of new heads. */
  readonly pollTransactionId?: () => number;
  /** Milliseconds between two polls. */
  readonly pollMs: number;
  /** Told of whatever a subscriber or a poll throws. */
  readonly onError: (error: unknown) => void;
}

export class HeadWatch {
  /** The head, then every newer one: conflated, so a slow turn sees only the last. Completes when the bus closes. */
  readonly head$: Observable<number>;
  readonly #options: WatchOptions;
  readonly #subscribers = new Set<Subscriber<number>>();
  readonly #waiters = new Set<() => void>();
  #isScheduled = false;
  #emitted = 0;
  #transactionId = -1;
  #pollTimer: NodeJS.Timeout | undefined;
  #keepAlive: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.head$ = new GuardedObservable((subscriber) => this.#subscribe(subscriber), options.onError);
  }

  /** Tells that the head may have moved. */
  wake(): void {
    for (const waiter of this.#waiters) waiter();
    if (this.#isScheduled || this.#subscribers.size === 0) return;
    this.#isScheduled = true;
    setImmediate(() => this.#emit());
  }

  /** Resolves with a head beyond `position`, or with `undefined` when the bus closes. @throws {ABORTED} */
  async beyond(position: number, signal: AbortSignal | undefined): Promise<number | undefined> {
    for (;;) {
      if (signal?.aborted) throw abortError(signal, 'nothing-written');
      if (this.#isClosed) return undefined;
      const head = this.#options.head();
      if (head > position) return head;
      await this.#wakeUp(signal);
    }
  }

  /** Ends all waits and completes `head$`. */
  close(): void {
    this.#isClosed = true;
    for (const waiter of this.#waiters) waiter();
    for (const subscriber of this.#subscribers) subscriber.complete();
    this.#poll();
  }

  #wakeUp(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiters.delete(done);
        signal?.removeEventListener('abort', done);
        this.#poll();
        resolve();
      };
      this.#waiters.add(done);
      signal?.addEventListener('abort', done);
      this.#poll();
    });
  }

  #subscribe(subscriber: Subscriber<number>): () => void {
    if (this.#isClosed) {
      subscriber.complete();
      return () => undefined;
    }
    this.#subscribers.add(subscriber);
    this.#poll();
    this.#emitted = this.#options.head();
    subscriber.next(this.#emitted);
    return () => {
      this.#subscribers.delete(subscriber);
      this.#poll();
    };
  }

  #emit(): void {
    this.#isScheduled = false;
    if (this.#isClosed) return;
    const head = this.#options.head();
    if (head === this.#emitted) return;
    this.#emitted = head;
    for (const subscriber of this.#subscribers) subscriber.next(head);
  }

  /**
   * Starts or stops what waiting needs: polling where others write, and a timer that keeps the process alive while an
   * iteration waits (a pending promise alone does not).
   */
  #poll(): void {
    const isPolled = this.#options.pollTransactionId !== undefined;
    const isWatched = this.#waiters.size > 0 || this.#subscribers.size > 0;
    if (isPolled && isWatched && !this.#isClosed) {
      this.#pollTimer ??= setInterval(() => this.#look(), this.#options.pollMs).unref();
    } else if (this.#pollTimer !== undefined) {
      clearInterval(this.#pollTimer);
      this.#pollTimer = undefined;
    }
    if (this.#waiters.size > 0 && !this.#isClosed) {
      this.#keepAlive ??= setInterval(() => undefined, keepAliveMs);
    } else if (this.#keepAlive !== undefined) {
      clearInterval(this.#keepAlive);
      this.#keepAlive = undefined;
    }
  }

  #look(): void {
    try {
      const transactionId = this.#options.pollTransactionId?.() ?? 0;
      if (transactionId === this.#transactionId) return;
      this.#transactionId = transactionId;
      this.wake();
    } catch (error) {
      this.#options.onError(error);
    }
  }
}

/** Any long time: the timer does nothing but exist. */
const keepAliveMs = 2 ** 30;
