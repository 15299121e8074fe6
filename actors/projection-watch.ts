/**
 * The watch of read models: looks again whenever something was committed, while somebody waits.
 *
 * Level-triggered: a wake-up is a hint to look at the rows, several of one turn are one. Where another process writes, it is
 * the clock that hints (wake-ups.ts).
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Listen } from './wake-ups.ts';

export class ProjectionWatch {
  readonly #listen: Listen;
  readonly #lookers = new Set<Looker>();
  /** Not in the context of whoever waits first. */
  readonly #inContext = AsyncLocalStorage.snapshot();
  #stopListening: (() => void) | undefined;
  #isScheduled = false;
  #isClosed = false;

  constructor(listen: Listen) {
    this.#listen = listen;
  }

  /** Calls `look` once soon, and after commits, until what is returned is called; `onClose` when the bus closes. */
  add(look: () => void, onClose: () => void): () => void {
    const looker = { look, onClose };
    if (this.#isClosed) {
      onClose();
      return () => undefined;
    }
    this.#lookers.add(looker);
    this.#stopListening ??= this.#inContext(this.#listen, () => this.#schedule());
    // Only now is every commit either told of or there to be seen.
    this.#schedule();
    return () => {
      this.#lookers.delete(looker);
      if (this.#lookers.size === 0) this.#rest();
    };
  }

  close(): void {
    this.#isClosed = true;
    for (const { onClose } of [...this.#lookers]) onClose();
    this.#lookers.clear();
    this.#rest();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      for (const { look } of [...this.#lookers]) look();
    });
  }

  #rest(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
  }
}

interface Looker {
  readonly look: () => void;
  readonly onClose: () => void;
}
