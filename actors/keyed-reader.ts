/**
 * How a thread opens what is sealed, with the secrets that the thread has which opened the store.
 */
import { KeyRing } from '../src/crypto/key-ring.ts';
import type { KeyStorage } from '../src/crypto/key-storage.ts';
import type { StoreSecrets } from '../src/crypto/secrets.ts';
import { keyCacheMax } from '../src/limits.ts';
import { KeyedEngine } from '../src/log/keyed-engine.ts';
import type { Engine } from '../src/storage/engine.ts';

/** What opens the sealed things of a store. */
export interface ReaderKeys {
  readonly storage: KeyStorage;
  /** Shared by all threads of the process. */
  readonly secrets: StoreSecrets;
}

/** `engine` with keys, which it owns from here on; `undefined`: a store without encryption. */
export function keyedReader(engine: Engine, keys: ReaderKeys | undefined): Engine {
  if (keys === undefined) return engine;
  return new KeyedEngine(engine, new KeyRing({ ...keys, cacheMax: keyCacheMax }), !keys.secrets.isKnown);
}
