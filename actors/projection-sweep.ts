/**
 * The sweep of a projection: erases keys of builds that nobody needs any more, and removes their rows and cursors, a bounded
 * number at a time.
 *
 * What a crash leaves is found again at the next start.
 */
import { projectionSweepRows } from '../src/limits.ts';
import { leftoverKeys, leftoverRows } from '../src/log/projection-leftovers.ts';
import type { ProjectionStore } from './projection-work.ts';

export class ProjectionSweep {
  readonly #name: string;
  readonly #store: ProjectionStore;
  #running: Promise<void> | undefined;
  readonly #failureListeners = new Set<() => void>();
  #isAsked = false;
  #isClosed = false;

  constructor(name: string, store: ProjectionStore) {
    this.#name = name;
    this.#store = store;
  }

  /** Looks for leftovers, soon. */
  start(): void {
    this.#isAsked = true;
    this.#running ??= this.#run();
  }

  /** Calls `told` when it gives up, which it does at the first failure: until it is started again. Until what is returned is called. */
  onFailed(told: () => void): () => void {
    this.#failureListeners.add(told);
    return () => this.#failureListeners.delete(told);
  }

  /** Resolves when it does nothing any more: at most one transaction later. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#isAsked && !this.#isClosed) {
        this.#isAsked = false;
        // In a turn of its own: who asked is in the middle of something.
        await Promise.resolve();
        await this.#sweep();
      }
    } catch (error) {
      // The next start tries again.
      this.#store.processors.report(error);
      for (const told of [...this.#failureListeners]) told();
    } finally {
      this.#running = undefined;
    }
  }

  async #sweep(): Promise<void> {
    const keys = this.#store.engine.read((snapshot) => leftoverKeys(snapshot, this.#name));
    for (const build of keys) {
      if (this.#isClosed) return;
      await this.#store.eraseKey({ projection: this.#name, build });
    }
    while (!this.#isClosed) {
      const rows = this.#store.engine.read((snapshot) => leftoverRows(snapshot, this.#name, projectionSweepRows));
      if (rows.length === 0) return;
      await this.#store.writeRows(rows);
    }
  }
}
