/** Books and rings of keys for tests: on a file or in memory, opened again and again. */
import { createCipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import type { KeyBookFile } from '#kernel/crypto/key-book';
import type { KeyOwner } from '#kernel/crypto/key-owner';
import { KeyRing } from '#kernel/crypto/key-ring';
import type { KeyStorage } from '#kernel/crypto/key-storage';
import type { MasterKey } from '#kernel/crypto/master-key';
import { type KeyBookOptions, type KeyFacts, openKeyBook } from '#kernel/crypto/open-key-book';
import { StoreSecrets } from '#kernel/crypto/secrets';
import { keyCacheMax, keySealsMax } from '#kernel/limits';
import { MemoryKeyStorage } from '#kernel/storage/memory-key-storage';

/** The master key all of whose bytes are `byte`. */
export function masterKeyOf(byte: number, id?: string): MasterKey {
  return { id, key: createSecretKey(Buffer.alloc(32, byte)) };
}

export interface OpenedBook {
  readonly book: KeyBookFile;
  readonly secrets: StoreSecrets;
  readonly storage: KeyStorage;
}

export function openBook(options: Partial<KeyBookOptions> & { readonly storage?: KeyStorage } = {}): OpenedBook {
  const parts: KeyBookOptions = {
    storage: new MemoryKeyStorage('keys'),
    secrets: new StoreSecrets(),
    masterKey: masterKeyOf(1),
    mode: 'all',
    facts: undefined,
    writerEpoch: 1,
    nowMs: () => 1000,
    sealsMax: keySealsMax,
    ...options,
  };
  return { book: openKeyBook(parts), secrets: parts.secrets, storage: parts.storage };
}

export function openRing(storage: KeyStorage, secrets: StoreSecrets, cacheMax = keyCacheMax): KeyRing {
  return new KeyRing({ storage, secrets, cacheMax });
}

export function streamOwner(stream: string, subject?: string): KeyOwner {
  return { kind: 'stream', stream, subject };
}

export function factsOf(book: KeyBookFile): KeyFacts {
  return { cryptoId: book.cryptoId, keyGeneration: book.generation, lastKeyId: book.lastKeyId };
}

/** A text that only the same key gives: says which key it is. */
export function printOf(key: KeyObject | undefined): string | undefined {
  if (key === undefined) return undefined;
  return createCipheriv('aes-256-gcm', key, Buffer.alloc(12)).update(Buffer.alloc(32)).toString('hex');
}
