import { join } from 'node:path';
import { describe, test } from 'vitest';
import { MemoryStorage, openMemoryEngine } from '#kernel/storage/memory-engine';
import { type EngineFactory, engineBehaviours } from '../kit/engine-contract.ts';
import { openEngine } from './kit/open.ts';
import { tempDirectory } from './kit/temp-directory.ts';

const factoryByEngine: Readonly<Record<string, EngineFactory>> = {
  lmdb: async () => {
    const directory = join(tempDirectory(), 'store');
    return { open: (options) => openEngine(directory, options) };
  },
  memory: async () => {
    const storage = new MemoryStorage();
    return { open: async (options) => openMemoryEngine(storage, options) };
  },
};

describe.each(Object.entries(factoryByEngine))('the %s engine', (_, factory) => {
  for (const behaviour of engineBehaviours) test(behaviour.name, () => behaviour.run(factory));
});
