/** Rows for a processor store of a test: in memory, written whole or not at all. */
import type { RowWrite, Snapshot } from '#kernel/storage/engine';
import { MemoryStorage, openMemoryEngine } from '#kernel/storage/memory-engine';

export class RowStore {
  readonly #engine = openMemoryEngine(new MemoryStorage());

  write(rows: readonly RowWrite[]): void {
    this.#engine.commit({ blocks: [], rows });
  }

  read<Result>(use: (snapshot: Snapshot) => Result): Result {
    return this.#engine.read(use);
  }
}
