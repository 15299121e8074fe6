/**
 * Turns: those of one thread that want the same thing go one after the other, in the order in which they came.
 *
 * A courtesy, not a lock: it spares them from getting in each other's way. Whoever takes too long, or waits for somebody
 * behind them, keeps the next one waiting for `turnMaxMs` only. Knows nothing of other threads.
 */
import { abortError } from '../src/log/pages.ts';

interface Waiter {
  readonly grant: () => void;
}

interface Queue {
  /** Whose turn it is; one that was overdue is not it any more. */
  holder: object;
  readonly waiters: Set<Waiter>;
  timer: NodeJS.Timeout | undefined;
}

export class Turns {
  readonly #turnMaxMs: number;
  readonly #queueByKey = new Map<string, Queue>();

  constructor(turnMaxMs: number) {
    this.#turnMaxMs = turnMaxMs;
  }

  /** Resolves when it is the caller's turn, with what is to be called at its end. @throws {ABORTED} */
  take(key: string, signal: AbortSignal | undefined): Promise<() => void> {
    if (signal?.aborted) return Promise.reject(abortError(signal, 'nothing-written'));
    const queue = this.#queueByKey.get(key);
    if (queue === undefined) {
      const holder = {};
      this.#queueByKey.set(key, { holder, waiters: new Set(), timer: undefined });
      return Promise.resolve(() => this.#leave(key, holder));
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        queue.waiters.delete(waiter);
        reject(abortError(signal as AbortSignal, 'nothing-written'));
      };
      const waiter: Waiter = {
        grant: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve(() => this.#leave(key, waiter));
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      queue.waiters.add(waiter);
      queue.timer ??= this.#timer(key, queue);
    });
  }

  #leave(key: string, holder: object): void {
    const queue = this.#queueByKey.get(key);
    if (queue?.holder === holder) this.#next(key, queue);
  }

  #next(key: string, queue: Queue): void {
    clearTimeout(queue.timer);
    queue.timer = undefined;
    const { value: next } = queue.waiters.values().next();
    if (next === undefined) {
      this.#queueByKey.delete(key);
      return;
    }
    queue.waiters.delete(next);
    queue.holder = next;
    if (queue.waiters.size > 0) queue.timer = this.#timer(key, queue);
    next.grant();
  }

  #timer(key: string, queue: Queue): NodeJS.Timeout {
    return setTimeout(() => this.#next(key, queue), this.#turnMaxMs);
  }
}
