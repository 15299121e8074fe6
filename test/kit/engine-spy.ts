/** An engine that counts what is asked of the one behind it. */
import type { Engine, EngineUsage, Snapshot, WriteSet } from '#kernel/storage/engine';

/** What one commit wrote. */
export interface SeenCommit {
  readonly blocks: number;
  readonly rows: number;
}

export class EngineSpy implements Engine {
  readonly commits: SeenCommit[] = [];
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  get capabilities() {
    return this.#engine.capabilities;
  }

  get path() {
    return this.#engine.path;
  }

  read<T>(use: (snapshot: Snapshot) => T): T {
    return this.#engine.read(use);
  }

  commit(writes: WriteSet): void {
    this.#engine.commit(writes);
    this.commits.push({ blocks: writes.blocks.length, rows: writes.rows.length });
  }

  transactionId(): number {
    return this.#engine.transactionId();
  }

  sizeBytes(): number {
    return this.#engine.sizeBytes();
  }

  usage(): EngineUsage {
    return this.#engine.usage();
  }

  close(): void {
    this.#engine.close();
  }
}
