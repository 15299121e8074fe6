/** An engine whose commits pass through a hook: what happens around them is a test's. */
import type { Engine, WriteSet } from '#kernel/storage/engine';
import { EngineSpy } from './engine-spy.ts';

export class HookedEngine extends EngineSpy {
  readonly #around: (commit: () => void, writes: WriteSet) => void;

  /** `around` is called for each commit, and commits, or does not. */
  constructor(engine: Engine, around: (commit: () => void, writes: WriteSet) => void) {
    super(engine);
    this.#around = around;
  }

  override commit(writes: WriteSet): void {
    this.#around(() => super.commit(writes), writes);
  }
}
