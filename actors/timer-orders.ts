/**
 * Orders for timers that wait for their turn to be written, oldest first, and what their callers wait for.
 */

import { abortError, throwIfAborted } from '../src/log/pages.ts';
import type { TimerAnswer, TimerOrder } from '../src/log/timer-writes.ts';
import { AbortableSet } from './abortable-set.ts';
import { Fifo } from './fifo.ts';

export interface WaitingOrder {
  readonly order: TimerOrder;
  readonly signal: AbortSignal | undefined;
  /** Ends the wait of its caller; later calls do nothing. */
  readonly settle: (answer: TimerAnswer) => void;
}

export class TimerOrders {
  readonly #queue = new Fifo<WaitingOrder>();
  readonly #abortable = new AbortableSet<WaitingOrder>((signal, aborted) => this.#abort(signal, aborted));

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Resolves with the answer. @throws {ABORTED} and what the answer says. */
  add(order: TimerOrder, signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((resolve, reject) => {
      throwIfAborted(signal);
      const settle = (answer: TimerAnswer) => {
        if ('error' in answer) reject(answer.error);
        else resolve(answer.wasPending);
      };
      const waiting = { order, signal, settle };
      if (signal !== undefined) this.#abortable.add(signal, waiting);
      this.#queue.push(waiting);
    });
  }

  /** Takes the oldest orders, at most `count` and, unless the first alone has more, of `bytesMax` bytes of events. */
  take(count: number, bytesMax: number): readonly WaitingOrder[] {
    const taken: WaitingOrder[] = [];
    let bytes = 0;
    for (let next = this.#queue.first; next !== undefined && taken.length < count; next = this.#queue.first) {
      bytes += next.order.kind === 'schedule' ? next.order.record.length : 0;
      if (taken.length > 0 && bytes > bytesMax) break;
      this.#queue.shift();
      taken.push(next);
    }
    return taken;
  }

  /** `answers` are those of `taken`, in their order. */
  settle(taken: readonly WaitingOrder[], answers: readonly TimerAnswer[]): void {
    for (const [index, waiting] of taken.entries()) {
      if (waiting.signal !== undefined) this.#abortable.delete(waiting.signal, waiting);
      waiting.settle(answers[index] as TimerAnswer);
    }
  }

  /** Takes back what was not taken yet; of the rest only the callers wait no longer. */
  #abort(signal: AbortSignal, aborted: ReadonlySet<WaitingOrder>): void {
    const withdrawn = new Set(this.#queue.remove(aborted));
    for (const waiting of aborted) {
      waiting.settle({ error: abortError(signal, withdrawn.has(waiting) ? 'nothing-written' : 'unknown') });
    }
  }
}
