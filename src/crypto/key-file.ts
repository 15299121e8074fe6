/**
 * The keys file before anything else of a store is opened: which master key it asks for, and whether one opens it.
 */
import { BusError } from '../errors.ts';
import { decodeHeader, type HeldSecrets, headerBytes, openHeader } from './key-entry.ts';
import type { KeyStorage } from './key-storage.ts';
import type { MasterKey } from './master-key.ts';
import type { SecretValues } from './secrets.ts';

/**
 * What the application called the key that the file was wrapped with: a provider is asked for this one. `undefined`: there
 * is no keys file.
 * @throws {STORE_CORRUPT} {STORE_FORMAT} {STORE_FAILED}
 */
export function readMasterKeyId(storage: KeyStorage): { readonly masterKeyId: string | undefined } | undefined {
  const head = storage.read(headerBytes);
  return head === undefined ? undefined : { masterKeyId: decodeHeader(head, storage.path).masterKeyId };
}

/**
 * The secrets in the keys file: the caller's to zero. `undefined`: there is none, and none is made here.
 * @throws {MASTER_KEY_REQUIRED} there is one, and no `masterKey`. @throws {MASTER_KEY_WRONG} it is not the one
 * @throws {STORE_CORRUPT} {STORE_FORMAT} {STORE_FAILED}
 */
export function readSecrets(storage: KeyStorage, masterKey: MasterKey | undefined): SecretValues | undefined {
  const head = storage.read(headerBytes);
  if (head === undefined) return undefined;
  const { path } = storage;
  const { wrapId, cryptoId } = decodeHeader(head, path);
  if (masterKey === undefined)
    throw new BusError('MASTER_KEY_REQUIRED', `what ${path} belongs to is encrypted: open it with its master key`, {
      path,
    });
  return { wrapId, cryptoId, ...openHeld(head, masterKey, path) };
}

/** What the header holds: the caller's to zero. @throws {MASTER_KEY_WRONG} */
export function openHeld(head: Buffer, masterKey: MasterKey, path: string): HeldSecrets {
  const held = openHeader(head, masterKey.key);
  if (held !== undefined) return held;
  throw new BusError('MASTER_KEY_WRONG', `the master key does not open ${path}: it is another one's, or an old one`, {
    path,
  });
}

/** Zeroes them. */
export function forgetHeld({ wrappingKey, tagKey }: Pick<SecretValues, 'wrappingKey' | 'tagKey'>): void {
  wrappingKey.fill(0);
  tagKey.fill(0);
}
