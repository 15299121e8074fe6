/**
 * The option `encryption` of a bus: what may be given as a master key, and which events are sealed.
 *
 * Bytes become a KeyObject here, at once: nothing further in holds a raw master key, and no message shows one.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { types } from 'node:util';
import { masterKeyIdBytesMax, sealPrefixesMax } from '../src/limits.ts';
import { refuseUnknownNames } from '../src/option-names.ts';

/** A master key: 32 random bytes, or a secret KeyObject of 32 bytes. Bytes are copied; what is given stays yours to zero. */
export type MasterKeyBytes = Uint8Array | KeyObject;

/**
 * Gives master keys by their id: from a file, a vault, a key management service. Asked when a bus opens, when `rotateMasterKey`
 * gets it, and by a read-only bus once more after another process has rotated the key.
 */
export interface MasterKeyProvider {
  /** The key for a new store, or the next one of a rotation. 1 to 512 bytes of text; stands readable in the file `keys`. */
  readonly id: string;
  /**
   * The key `id`: of a store that exists, the one that its file `keys` names. What it throws, or rejects with, is the `cause`
   * of {MASTER_KEY_REQUIRED}.
   */
  get(id: string): MasterKeyBytes | PromiseLike<MasterKeyBytes>;
}

export type MasterKeyOption = MasterKeyBytes | MasterKeyProvider;

/** Which events are sealed: all; or those of streams whose name starts with one of `prefixes`, and all that have a subject. */
export type SealMode = 'all' | { readonly prefixes: readonly string[] };

export interface EncryptionOptions {
  /** What the keys of the store are wrapped with. Without it nothing in the store can be read: keep it elsewhere. */
  readonly masterKey: MasterKeyOption;
  /**
   * Which events are sealed from now on; what is stored stays as it is. With `'all'`, a plain event behind the place where
   * that began is refused as {DECRYPTION_FAILED}. For a bus that writes. @default 'all'
   */
  readonly mode?: SealMode;
  /**
   * What `eraseLedger` gave, or the path of a file with it: all that was erased in the store by then is erased in this copy of
   * it, before anything is read. For a copy or a backup that is older than an erasure; {LEDGER_INVALID} if it is another
   * store's. For a bus that writes. @default none
   */
  readonly ledger?: Uint8Array | string;
}

/** Where a bus has its master keys from. */
export interface MasterKeySource {
  /** Of the key for a new store; `undefined` for a key that was given itself. */
  readonly id: string | undefined;
  /** The key `id`; of one that was given itself, that one. May throw, and give anything. */
  readonly get: (id: string | undefined) => unknown;
}

export interface ResolvedEncryption {
  readonly masterKey: MasterKeySource;
  readonly mode: SealMode;
  /** Its bytes, or its path. */
  readonly ledger: Uint8Array | string | undefined;
}

/** Of a master key. */
const masterKeyBytes = 32;

/** @throws {TypeError} naming the option and its range, never what is in a key */
export function resolveEncryption(options: EncryptionOptions | undefined): ResolvedEncryption | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== 'object' || options === null || isKey(options)) {
    throw new TypeError(`encryption must be an object with a masterKey, got ${kindOf(options)}`);
  }
  refuseUnknownNames('encryption', options, ['masterKey', 'mode', 'ledger'] satisfies (keyof EncryptionOptions)[]);
  return {
    masterKey: masterKeySource('encryption.masterKey', options.masterKey),
    mode: sealMode(options.mode),
    ledger: ledgerOption(options.ledger),
  };
}

/** What `option` gives keys from. @throws {TypeError} */
export function masterKeySource(option: string, given: MasterKeyOption): MasterKeySource {
  if (isProvider(given)) {
    const { id } = given;
    if (!isKeyId(id)) {
      throw new TypeError(`${option}.id must be 1 to ${masterKeyIdBytesMax} bytes of well-formed text`);
    }
    // A store whose key had no name: the provider may know it by the name it gives new ones.
    return { id, get: (wanted = id) => given.get(wanted) };
  }
  const key = masterKeyOf(option, given);
  return { id: undefined, get: () => key };
}

/** @throws {TypeError} unless `given` is a key of 32 bytes */
export function masterKeyOf(option: string, given: unknown): KeyObject {
  if (types.isKeyObject(given)) {
    if (given.type === 'secret' && given.symmetricKeySize === masterKeyBytes) return given;
  } else if (types.isUint8Array(given) && given.length === masterKeyBytes) {
    const copy = Buffer.from(given);
    try {
      return createSecretKey(copy);
    } finally {
      copy.fill(0);
    }
  }
  throw new TypeError(
    `${option} must be ${masterKeyBytes} bytes, or a secret KeyObject of so many, got ${kindOf(given)}`,
  );
}

function sealMode(mode: SealMode = 'all'): SealMode {
  if (mode === 'all') return mode;
  const prefixes: unknown = typeof mode === 'object' ? mode?.prefixes : undefined;
  if (!Array.isArray(prefixes) || prefixes.length > sealPrefixesMax || !prefixes.every(isPrefix)) {
    throw new TypeError(
      `encryption.mode must be 'all' or { prefixes } with at most ${sealPrefixesMax} texts that don't start with $`,
    );
  }
  refuseUnknownNames('encryption.mode', mode, ['prefixes']);
  return { prefixes: [...prefixes] };
}

function ledgerOption(ledger: unknown): Uint8Array | string | undefined {
  if (ledger === undefined) return undefined;
  if (typeof ledger === 'string' && ledger !== '') return ledger;
  if (types.isUint8Array(ledger)) return Uint8Array.from(ledger);
  throw new TypeError(`encryption.ledger must be the bytes of a ledger, or the path of one, got ${kindOf(ledger)}`);
}

/** Streams whose name starts with `$` are ours, and never sealed. */
function isPrefix(prefix: unknown): boolean {
  return typeof prefix === 'string' && prefix.isWellFormed() && !prefix.startsWith('$');
}

function isProvider(given: MasterKeyOption): given is MasterKeyProvider {
  return typeof given === 'object' && given !== null && !isKey(given) && typeof given.get === 'function';
}

function isKey(given: object): given is MasterKeyBytes {
  return types.isKeyObject(given) || types.isUint8Array(given);
}

function isKeyId(id: unknown): boolean {
  if (typeof id !== 'string' || id === '' || !id.isWellFormed()) return false;
  return Buffer.byteLength(id) <= masterKeyIdBytesMax;
}

/** What it is, and nothing of what is in it: it may be a key. */
function kindOf(given: unknown): string {
  if (types.isUint8Array(given)) return `${given.length} bytes`;
  if (types.isKeyObject(given)) return `a ${given.type} KeyObject`;
  if (given === null || typeof given !== 'object') return given === null ? 'null' : typeof given;
  return 'an object without get(id)';
}
