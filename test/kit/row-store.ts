/** Rows for a processor store of a test: in memory, written whole or not at all. */
import type { RowDraft } from '#kernel/log/row-draft';
import { finishRows } from '#kernel/log/row-sealer';
import type { Snapshot } from '#kernel/storage/engine';
import { MemoryStorage, openMemoryEngine } from '#kernel/storage/memory-engine';

export class RowStore {
  readonly #engine = openMemoryEngine(new MemoryStorage());

  write(rows: readonly RowDraft[]): void {
    this.#engine.commit({ blocks: [], rows: finishRows(rows, undefined) });
  }

  read<Result>(use: (snapshot: Snapshot) => Result): Result {
    return this.#engine.read(use);
  }
}
