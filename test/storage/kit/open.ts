/** Opens LMDB engines with the options of a test, and closes those that a test leaves open. */
import { onTestFinished } from 'vitest';
import type { Engine } from '#kernel/storage/engine';
import { type LmdbEngineOptions, openLmdbEngine } from '#kernel/storage/lmdb-engine';

/** What a test need not say. */
export const usualOptions: Omit<LmdbEngineOptions, 'directory'> = {
  readOnly: false,
  durability: 'sync',
  lockWaitMs: 0,
  force: [],
  initialRows: [],
};

export async function openEngine(directory: string, options: Partial<LmdbEngineOptions> = {}): Promise<Engine> {
  const engine = await openLmdbEngine({ ...usualOptions, ...options, directory });
  onTestFinished(() => engine.close());
  return engine;
}
