/**
 * What a store says of its encryption. Nothing of it is secret.
 */
import { entryKinds } from '../src/crypto/key-entry.ts';
import type { KeyStorage } from '../src/crypto/key-storage.ts';
import { KeyTable } from '../src/crypto/key-table.ts';
import { u48Max } from '../src/limits.ts';
import { hasEncryption, readMetaNumber } from '../src/log/store-meta.ts';
import type { Engine } from '../src/storage/engine.ts';

export interface EncryptionInfo {
  /** `'all'`: behind a certain position every event is sealed, and a plain one is refused. */
  readonly mode: 'all' | 'prefixes';
  /** Hexadecimal; part of all that is authenticated. */
  readonly cryptoId: string;
  /** As its provider calls it; `undefined` for a key that was given itself. */
  readonly masterKeyId: string | undefined;
  /** Data keys that are there, and those that were erased. */
  readonly keys: number;
  readonly erasedKeys: number;
  /** Events that are stored plain, as they were before encryption, or because no prefix was theirs. Streams of our own left out. */
  readonly plainEvents: number;
}

/** `undefined` for a store without encryption. Reads the whole keys file. @throws {STORE_CORRUPT} {STORE_FAILED} {STORE_CLOSED} */
export function encryptionInfo(engine: Engine, storage: KeyStorage): EncryptionInfo | undefined {
  const plainEvents = engine.read((snapshot) =>
    hasEncryption(snapshot) ? readMetaNumber(snapshot, 'plainEvents') : undefined,
  );
  const bytes = storage.read(Number.POSITIVE_INFINITY);
  if (plainEvents === undefined || bytes === undefined) return undefined;
  const table = new KeyTable(bytes, storage.path);
  let keys = 0;
  for (const start of table.starts()) if (table.kindAt(start) === entryKinds.key) keys++;
  const { plainUntil, cryptoId, masterKeyId } = table.header;
  return {
    mode: plainUntil === u48Max ? 'prefixes' : 'all',
    cryptoId: Buffer.from(cryptoId).toString('hex'),
    masterKeyId,
    keys,
    erasedKeys: table.lastKeyId - keys,
    plainEvents,
  };
}
