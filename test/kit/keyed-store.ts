/** Engines of stores with encryption, for a writer by itself whose keys are in the test's hand. */
import { KeyedEngine } from '#kernel/log/keyed-engine';
import { metaNumberRow } from '#kernel/log/store-meta';
import type { Engine } from '#kernel/storage/engine';
import type { KeysInMemory } from './keys-in-memory.ts';
import type { TempStore } from './temp-store.ts';

/** The engine of a new store, with what meta says of keys. */
export async function keyedEngine(store: TempStore, keys: KeysInMemory): Promise<Engine> {
  const engine = await store.openEngine();
  const rows = (['keyGeneration', 'lastKeyId', 'plainEvents'] as const).map((name) => metaNumberRow(name, 0));
  engine.commit({ blocks: [], rows });
  return new KeyedEngine(engine, keys);
}
