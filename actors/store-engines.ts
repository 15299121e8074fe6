/**
 * The engines under the stores of a bus: the one that this thread opens, and those beside it that only read.
 */
import { initialMetaRows, readIdentity, type StoreIdentity } from '../src/log/store-meta.ts';
import type { Engine } from '../src/storage/engine.ts';
import { openLmdbEngine } from '../src/storage/lmdb-engine.ts';
import { type MemoryStorage, openMemoryEngine } from '../src/storage/memory-engine.ts';
import type { ReaderKeys } from './keyed-reader.ts';
import type { ResolvedOptions } from './options.ts';

/** The engine of a store, in `memory` where there is one. @throws what `openBus` throws */
export async function openEngine(options: ResolvedOptions, memory: MemoryStorage | undefined): Promise<Engine> {
  const initialRows = initialMetaRows(options.durability, Date.now());
  if (memory !== undefined) return openMemoryEngine(memory, { initialRows, readOnly: options.readOnly });
  return openLmdbEngine({ ...options, directory: options.path, initialRows });
}

/** Opens a store that this process has open already, for reading in this thread: every check was made. */
export function openReader(path: string, durability: ResolvedOptions['durability']): Promise<Engine> {
  return openLmdbEngine({
    directory: path,
    readOnly: true,
    durability,
    lockWaitMs: 0,
    force: ['network-file-system', 'pid-namespace'],
    initialRows: [],
  });
}

/** The secrets of `keys` go with the store that was not opened. */
export function closingOnError<Result>(engine: Engine, keys: ReaderKeys | undefined, use: () => Result): Result {
  try {
    return use();
  } catch (error) {
    engine.close();
    keys?.secrets.clear();
    throw error;
  }
}

export function readStoreIdentity(engine: Engine): StoreIdentity {
  return engine.read((snapshot) => readIdentity(snapshot, engine.path));
}
