/**
 * An engine whose snapshots have keys, as of what each of them shows: an erasure that a snapshot shows is heeded in it.
 */
import type { KeyView } from '../crypto/key-ports.ts';
import type { Engine, EngineUsage, Snapshot, WriteSet } from '../storage/engine.ts';
import type { Capabilities } from '../types.ts';
import { hasEncryption, readMetaNumber } from './store-meta.ts';

export class KeyedEngine implements Engine {
  readonly capabilities: Capabilities;
  readonly path: string;
  readonly #engine: Engine;
  readonly #keys: KeyView;
  #isPlain: boolean;

  /**
   * Owns both: they are closed together. `isPlain`: the store has no encryption so far; its snapshots have keys from the first
   * one on that shows some.
   */
  constructor(engine: Engine, keys: KeyView, isPlain = false) {
    this.capabilities = engine.capabilities;
    this.path = engine.path;
    this.#engine = engine;
    this.#keys = keys;
    this.#isPlain = isPlain;
  }

  read<T>(use: (snapshot: Snapshot) => T): T {
    return this.#engine.read((snapshot) => {
      if (this.#isPlain && !hasEncryption(snapshot)) return use(snapshot);
      this.#isPlain = false;
      this.#keys.refresh(readMetaNumber(snapshot, 'keyGeneration'));
      snapshot.keys = this.#keys;
      return use(snapshot);
    });
  }

  commit(writes: WriteSet): void {
    this.#engine.commit(writes);
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
    this.#keys.close();
  }
}
