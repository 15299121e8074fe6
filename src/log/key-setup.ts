/**
 * How a writer comes by the keys of its store: those there are, or, for a store that was plain until now, new ones.
 *
 * The `keys` file is durable before `meta` names it, so a crash in between leaves a plain store, and the next writer that has a
 * master key goes on from there. Nothing is sealed before both are.
 */
import { type KeyBookFile, openKeyBook } from '../crypto/key-book.ts';
import type { KeyStorage } from '../crypto/key-storage.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import type { SealMode } from '../crypto/seal-mode.ts';
import type { StoreSecrets } from '../crypto/secrets.ts';
import { BusError } from '../errors.ts';
import type { Engine } from '../storage/engine.ts';
import { rebuildIndex } from './deferred-index.ts';
import { LogReader } from './log-reader.ts';
import { encryptionRows, metaNumberRow, readIdentity, readMetaNumber } from './store-meta.ts';
import { TailFollower } from './tail.ts';

export interface WriterKeysOptions {
  readonly storage: KeyStorage;
  /** Filled here. */
  readonly secrets: StoreSecrets;
  readonly masterKey: MasterKey;
  readonly mode: SealMode;
  /** The index can't be relied on until it was built anew. */
  readonly rebuildIndex: boolean;
  readonly idempotencyTtlMs: number;
}

/**
 * The keys of the store of `engine`, whose writer lock is held and whose writer is not made yet.
 * @throws {MASTER_KEY_WRONG} {STORE_CORRUPT} {STORE_FORMAT} {STORE_FULL} {STORE_FAILED}
 */
export function openWriterKeys(engine: Engine, options: WriterKeysOptions): KeyBookFile {
  const { storage, secrets, masterKey, mode } = options;
  const identity = engine.read((snapshot) => readIdentity(snapshot, engine.path));
  const epoch = engine.read((snapshot) => readMetaNumber(snapshot, 'writerEpoch'));
  const facts = engine.read((snapshot) =>
    identity.cryptoId === undefined
      ? undefined
      : {
          cryptoId: identity.cryptoId,
          keyGeneration: readMetaNumber(snapshot, 'keyGeneration'),
          lastKeyId: readMetaNumber(snapshot, 'lastKeyId'),
        },
  );
  const book = openKeyBook({ storage, secrets, masterKey, mode, facts, writerEpoch: epoch + 1 });
  try {
    if (facts === undefined) {
      const fence = metaNumberRow('writerEpoch', epoch);
      if (options.rebuildIndex) rebuildIndex(engine, fence, options.idempotencyTtlMs);
      engine.commit({ blocks: [], rows: encryptionRows(book.cryptoId, countEvents(engine)), fence });
    }
    book.requirePlainUntil(plainUntil(engine, book, mode));
    book.flush();
    return book;
  } catch (error) {
    book.close();
    throw error;
  }
}

/** @throws {STORE_CORRUPT} when the store has encryption: then its `keys` are lost, and nothing of it is to be written plain. */
export function requirePlain(engine: Engine): void {
  const { cryptoId } = engine.read((snapshot) => readIdentity(snapshot, engine.path));
  if (cryptoId === undefined) return;
  throw new BusError(
    'STORE_CORRUPT',
    `the store at ${engine.path} has encryption, but its file keys is missing: restore it from a backup`,
    { table: 'keys', position: undefined },
  );
}
