/**
 * The gate of `publish`: closed while a listener with the policy `'block'` is too far behind.
 *
 * Callers pass in the order in which they came. What they have not yet appended counts as if it were, so that many that come
 * together don't pass together. A listener that publishes itself never waits: it would wait for its own end.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { abortError } from '../src/log/pages.ts';
import { keepAlive } from './keep-alive.ts';

/** A listener that publishing waits for. */
export interface Blocking {
  /** Positions it is behind the head. */
  readonly behind: number;
  /** How far behind it may be. */
  readonly bufferEvents: number;
}

interface Waiter {
  readonly events: number;
  readonly settle: (error?: unknown) => void;
}

export class PublishGate {
  readonly #blocking = new Set<Blocking>();
  /** In the order in which they came. */
  readonly #waiters = new Set<Waiter>();
  /** Whether the caller was called by a blocking listener. Made with the first one. */
  #inside: AsyncLocalStorage<true> | undefined;
  /** Let through and not yet appended. */
  #admittedEvents = 0;
  #letGo: (() => void) | undefined;

  /** Nobody has to wait, and nothing has to be counted. */
  get isOpen(): boolean {
    return this.#blocking.size === 0 && this.#waiters.size === 0 && this.#admittedEvents === 0;
  }

  /** Publishing waits for `listener` until what is returned is called. */
  add(listener: Blocking): () => void {
    this.#blocking.add(listener);
    return () => {
      this.#blocking.delete(listener);
      this.look();
    };
  }

  /** Calls a blocking listener. */
  inside<Result>(call: () => Result): Result {
    this.#inside ??= new AsyncLocalStorage();
    return this.#inside.run(true, call);
  }

  /**
   * Resolves when `events` more may be appended; then `leave` has to be called once they are. @throws {ABORTED}
   */
  enter(events: number, signal: AbortSignal | undefined): Promise<void> {
    const isExempt = this.#inside?.getStore() === true;
    if (signal?.aborted) return Promise.reject(abortError(signal, 'nothing-written'));
    if (isExempt || (this.#waiters.size === 0 && this.#hasRoom())) {
      this.#admittedEvents += events;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => waiter.settle(abortError(signal as AbortSignal, 'nothing-written'));
      const waiter: Waiter = {
        events,
        settle: (error) => {
          this.#waiters.delete(waiter);
          signal?.removeEventListener('abort', onAbort);
          this.#hold();
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort);
      this.#waiters.add(waiter);
      this.#hold();
    });
  }

  leave(events: number): void {
    this.#admittedEvents -= events;
    this.look();
  }

  /** A listener has got on: lets through whoever may pass now. */
  look(): void {
    for (const waiter of this.#waiters) {
      if (!this.#hasRoom()) return;
      this.#admittedEvents += waiter.events;
      waiter.settle();
    }
  }

  /** Nobody passes any more. */
  close(error: unknown): void {
    for (const waiter of this.#waiters) waiter.settle(error);
  }

  #hasRoom(): boolean {
    for (const { behind, bufferEvents } of this.#blocking) {
      if (behind + this.#admittedEvents > bufferEvents) return false;
    }
    return true;
  }

  /** Who waits here keeps the process alive. */
  #hold(): void {
    if (this.#waiters.size > 0) this.#letGo ??= keepAlive();
    else {
      this.#letGo?.();
      this.#letGo = undefined;
    }
  }
}
