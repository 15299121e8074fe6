/**
 * How a thread opens what is sealed, with the secrets that the thread has which opened the store.
 */
import { KeyRing } from '../src/crypto/key-ring.ts';
import { StoreSecrets } from '../src/crypto/secrets.ts';
import { keyCacheMax } from '../src/limits.ts';
import { KeyedEngine } from '../src/log/keyed-engine.ts';
import type { Engine } from '../src/storage/engine.ts';
import { FileKeyStorage } from '../src/storage/key-storage.ts';

/** `engine` with keys; `memory` is that of the secrets, `undefined` for a store without encryption. */
export function keyedReader(engine: Engine, memory: SharedArrayBuffer | undefined): Engine {
  if (memory === undefined) return engine;
  const secrets = new StoreSecrets(memory);
  const ring = new KeyRing({ storage: new FileKeyStorage(engine.path), secrets, cacheMax: keyCacheMax });
  return new KeyedEngine(engine, ring, !secrets.isKnown);
}
