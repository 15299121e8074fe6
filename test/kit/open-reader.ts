/** A store on disk for a test that looks at its rows: as any reader would, and with what opens them. */
import { resolveEncryption } from '#actors/encryption-options';
import { keyedReader } from '#actors/keyed-reader';
import type { OpenOptions } from '#actors/options';
import { openSecrets, unlockKeys } from '#actors/store-keys';
import type { Engine } from '#kernel/storage/engine';
import { KeyFileStorage } from '#kernel/storage/key-storage';
import { openLmdbEngine } from '#kernel/storage/lmdb-engine';
import { withTestKey } from './test-key.ts';

/** The engine is the caller's to close. */
export async function openReader(directory: string): Promise<Engine> {
  const { encryption } = withTestKey<Pick<OpenOptions, 'encryption'>>({});
  const keys = await unlockKeys(new KeyFileStorage({ directory }), resolveEncryption(encryption), undefined);
  const engine = await openLmdbEngine({
    directory,
    readOnly: true,
    durability: 'sync',
    lockWaitMs: 0,
    force: ['network-file-system'],
    initialRows: [],
  });
  return keys !== undefined && openSecrets(keys.storage, keys.key, keys.secrets) ? keyedReader(engine, keys) : engine;
}
