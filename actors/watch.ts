/**
 * The watch: the head of the log as a value that others wait for.
 *
 * Semantics of a watch channel: the latest value, conflated; nobody is told of each step. A wake-up is only a hint to look
 * at the head again. Listens for them (wake-ups.ts) only while somebody waits.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Observable, Subscriber } from 'rxjs';
import { abortError } from '../src/log/pages.ts';
import type { Activity } from './actor-tree.ts';
import { GuardedObservable } from './guarded-observable.ts';
import { keepAlive } from './keep-alive.ts';
import type { Listen } from './wake-ups.ts';

export interface WatchOptions {
  /** The head as of now. */
  readonly head: () => number;
  readonly listen: Listen;
  /** Told of whatever a subscriber throws, and of a failure that no subscriber handles. */
  readonly onError: (error: unknown) => void;
}

export class HeadWatch {
  /** The head, then every newer one: conflated, so a slow turn sees only the last. Completes when the bus closes. */
  readonly head$: Observable<number>;
  readonly #options: WatchOptions;
  /** Each with the head it was told last. */
  readonly #subscribers = new Map<Subscriber<number>, number>();
  readonly #waiters = new Set<() => void>();
  /** Wake-ups come in the context in which the bus was opened, not in that of whoever waits first. */
  readonly #inContext = AsyncLocalStorage.snapshot();
  #isScheduled = false;
  #seenHead = -1;
  /** Wake-ups so far. */
  #woken = 0;
  #stopListening: (() => void) | undefined;
  #letGo: (() => void) | undefined;
  #isClosed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.head$ = new GuardedObservable((subscriber) => this.#subscribe(subscriber), options.onError);
  }

  get activity(): Activity {
    return {
      state: this.#isClosed ? 'closed' : this.#stopListening === undefined ? 'resting' : 'listening',
      messages: this.#woken,
    };
  }

  /** The head may have moved. */
  #wake(): void {
    for (const waiter of this.#waiters) waiter();
    if (this.#isScheduled || this.#subscribers.size === 0) return;
    this.#isScheduled = true;
    setImmediate(() => this.#emit());
  }

  /**
   * Resolves with a head beyond `position`, or with `undefined` when the bus closes or `left` is aborted.
   * @throws {ABORTED} when `signal` is.
   */
  async beyond(position: number, signal: AbortSignal | undefined, left: AbortSignal): Promise<number | undefined> {
    for (;;) {
      if (signal?.aborted) throw abortError(signal, 'nothing-written');
      if (this.#isClosed || left.aborted) return undefined;
      const head = this.#options.head();
      if (head > position) return head;
      await this.#wakeUp(position, signal, left);
    }
  }

  /** Ends all waits, and completes `head$` with the last head. */
  close(): void {
    this.#emit();
    this.#isClosed = true;
    for (const waiter of this.#waiters) waiter();
    for (const subscriber of this.#subscribers.keys()) subscriber.complete();
    this.#listen();
  }

  #wakeUp(position: number, signal: AbortSignal | undefined, left: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#waiters.delete(done);
        signal?.removeEventListener('abort', done);
        left.removeEventListener('abort', done);
        this.#listen();
        resolve();
      };
      this.#waiters.add(done);
      signal?.addEventListener('abort', done);
      left.addEventListener('abort', done);
      this.#listen();
      // It may have moved between the last look at it and the beginning of listening: of that nobody tells any more.
      try {
        if (this.#options.head() > position) done();
      } catch (error) {
        reject(error);
        done();
      }
    });
  }

  #subscribe(subscriber: Subscriber<number>): () => void {
    if (this.#isClosed) {
      subscriber.complete();
      return () => undefined;
    }
    this.#subscribers.set(subscriber, this.#options.head());
    this.#listen();
    // Looked at again for the same reason as above.
    const head = this.#options.head();
    this.#subscribers.set(subscriber, head);
    subscriber.next(head);
    return () => {
      this.#subscribers.delete(subscriber);
      this.#listen();
    };
  }

  #emit(): void {
    this.#isScheduled = false;
    if (this.#isClosed) return;
    const head = this.#head();
    for (const [subscriber, told] of this.#subscribers) {
      if (head === undefined || told === head) continue;
      this.#subscribers.set(subscriber, head);
      subscriber.next(head);
    }
  }

  /** The head, or `undefined` when it can't be read: then everybody is told why, once. */
  #head(): number | undefined {
    try {
      return this.#options.head();
    } catch (error) {
      for (const waiter of this.#waiters) waiter();
      for (const subscriber of this.#subscribers.keys()) subscriber.error(error);
      return undefined;
    }
  }

  /**
   * Starts or stops what waiting needs: wake-ups, and what keeps the process alive while an iteration waits.
   */
  #listen(): void {
    const isWatched = this.#waiters.size > 0 || this.#subscribers.size > 0;
    if (isWatched && !this.#isClosed) {
      this.#stopListening ??= this.#inContext(this.#options.listen, () => this.#look());
    } else {
      this.#stopListening?.();
      this.#stopListening = undefined;
    }
    if (this.#waiters.size > 0 && !this.#isClosed) {
      this.#letGo ??= keepAlive();
    } else {
      this.#letGo?.();
      this.#letGo = undefined;
    }
  }

  #look(): void {
    this.#woken++;
    const head = this.#head();
    if (head === undefined || head === this.#seenHead) return;
    this.#seenHead = head;
    this.#wake();
  }
}
