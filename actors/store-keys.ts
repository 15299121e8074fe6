/**
 * The keys of a store that is being opened: which master key it wants, whether that is the one, and its secrets.
 *
 * All that comes before anything else of the store is touched. Here alone a provider is asked.
 */
import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { readMasterKeyId, readSecrets } from '../src/crypto/key-file.ts';
import type { KeyStorage } from '../src/crypto/key-storage.ts';
import type { MasterKey } from '../src/crypto/master-key.ts';
import { type SecretValues, StoreSecrets } from '../src/crypto/secrets.ts';
import { BusError } from '../src/errors.ts';
import { isThenable } from '../src/thenable.ts';
import { type MasterKeySource, masterKeyOf, type ResolvedEncryption } from './encryption-options.ts';
import type { ReaderKeys } from './keyed-reader.ts';
import { untilAborted } from './until-aborted.ts';

/** What a bus opens the keys of its store with. */
export interface StoreKeys extends Omit<ResolvedEncryption, 'ledger'>, ReaderKeys {
  /** Of erasures. */
  readonly ledger: Uint8Array | undefined;
  /** The one that opens the keys there are, or that new keys are to be wrapped with. */
  readonly key: MasterKey;
  /** Whether there are keys already. */
  readonly exist: boolean;
}

/**
 * Finds out whether `encryption` opens the keys in `storage`. Writes nothing. `undefined`: neither are there any, nor are they
 * wanted.
 * @throws {MASTER_KEY_REQUIRED} {MASTER_KEY_WRONG} {STORE_CORRUPT} {STORE_FORMAT} {STORE_FAILED} {LEDGER_INVALID} {ABORTED}
 */
export async function unlockKeys(
  storage: KeyStorage,
  encryption: ResolvedEncryption | undefined,
  signal: AbortSignal | undefined,
): Promise<StoreKeys | undefined> {
  const found = readMasterKeyId(storage);
  if (encryption === undefined) {
    if (found !== undefined) zero(readSecrets(storage, undefined));
    return undefined;
  }
  const id = found === undefined ? encryption.masterKey.id : found.masterKeyId;
  const asked = askMasterKey(encryption.masterKey, id, storage.path);
  const key = isThenable(asked) ? await untilAborted(asked, signal) : asked;
  const values = readSecrets(storage, key);
  zero(values);
  const ledger = await readLedger(encryption.ledger);
  return { ...encryption, ledger, storage, secrets: new StoreSecrets(), key, exist: values !== undefined };
}

/** The ledger at a path, or these bytes. @throws {LEDGER_INVALID} it can't be read (`cause`) */
async function readLedger(ledger: string | Uint8Array | undefined): Promise<Uint8Array | undefined> {
  if (typeof ledger !== 'string') return ledger;
  try {
    return Uint8Array.from(await readFile(ledger));
  } catch (cause) {
    throw new BusError(
      'LEDGER_INVALID',
      `the ledger of erasures can't be read: ${(cause as Error).message}`,
      {
        reason: 'unreadable',
      },
      { cause },
    );
  }
}

/** Fills `secrets` with what `key` opens. False: there are no keys. @throws as {@link unlockKeys} */
export function openSecrets(storage: KeyStorage, key: MasterKey, secrets: StoreSecrets): boolean {
  const values = readSecrets(storage, key);
  if (values === undefined) return false;
  if (secrets.wrapping()?.wrapId !== values.wrapId) secrets.set(values);
  zero(values);
  return true;
}

/**
 * The key `id` of `source`, at once if it can. `path` is for messages.
 * @throws, or rejects with, {MASTER_KEY_REQUIRED} the provider has not given it (`cause`). {MASTER_KEY_WRONG} that is no key (`cause`)
 */
export function askMasterKey(
  source: MasterKeySource,
  id: string | undefined,
  path: string,
): MasterKey | PromiseLike<MasterKey> {
  const made = (given: unknown): MasterKey => ({ id, key: keyGiven(given, id, path) });
  const refused = (cause: unknown): never => {
    const message = `the provider of master keys did not give ${nameOf(id)} for ${path}`;
    throw new BusError('MASTER_KEY_REQUIRED', message, { path }, { cause });
  };
  let given: unknown;
  try {
    given = source.get(id);
  } catch (cause) {
    return refused(cause);
  }
  return isThenable(given) ? Promise.resolve(given).then(made, refused) : made(given);
}

function keyGiven(given: unknown, id: string | undefined, path: string): KeyObject {
  try {
    return masterKeyOf('what get(id) gives', given);
  } catch (cause) {
    const message = `the provider of master keys gave something else for ${nameOf(id)} of ${path}`;
    throw new BusError('MASTER_KEY_WRONG', message, { path }, { cause });
  }
}

function nameOf(id: string | undefined): string {
  return id === undefined ? 'the key' : `the key ${JSON.stringify(id)}`;
}

function zero(values: SecretValues | undefined): void {
  values?.wrappingKey.fill(0);
  values?.tagKey.fill(0);
}
