/**
 * The keys of a store that another process writes: as a thread's keys are, and they keep up when that process rotates the
 * master key, or begins to encrypt.
 *
 * The master key is asked for anew then. Where the answer takes a while, what is sealed is refused meanwhile, and opens as soon
 * as it is there; a provider that fails is asked again, but not all the time.
 */
import type { KeyObject } from 'node:crypto';
import { decodeHeader, keysDamaged } from '../src/crypto/key-entry.ts';
import type { KeyOwner } from '../src/crypto/key-owner.ts';
import type { KeyView } from '../src/crypto/key-ports.ts';
import { KeyRing } from '../src/crypto/key-ring.ts';
import type { KeyStorage } from '../src/crypto/key-storage.ts';
import type { MasterKey } from '../src/crypto/master-key.ts';
import type { StoreSecrets } from '../src/crypto/secrets.ts';
import { BusError, isBusError } from '../src/errors.ts';
import { keyCacheMax } from '../src/limits.ts';
import { isThenable } from '../src/thenable.ts';
import type { MasterKeySource } from './encryption-options.ts';
import { askMasterKey, openSecrets } from './store-keys.ts';

/** Between two times that the same keys are asked for. */
const askAgainMs = 1000;

export interface FollowedKeysOptions {
  /** Closed with them. */
  readonly storage: KeyStorage;
  /** Filled here whenever they change; the bus's to clear. */
  readonly secrets: StoreSecrets;
  readonly source: MasterKeySource;
}

export class FollowedKeys implements KeyView {
  readonly #storage: KeyStorage;
  readonly #secrets: StoreSecrets;
  readonly #source: MasterKeySource;
  readonly #ring: KeyRing;
  #generation: number | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  #isClosed = false;
  /** Why the secrets there are now are not known. */
  #failure: unknown;

  constructor({ storage, secrets, source }: FollowedKeysOptions) {
    this.#storage = storage;
    this.#secrets = secrets;
    this.#source = source;
    this.#ring = new KeyRing({ storage, secrets, cacheMax: keyCacheMax });
  }

  get cryptoId(): Uint8Array {
    return this.#ring.cryptoId;
  }

  /** Whether the secrets there are now are not known yet, and will be, or why not, before long. */
  get isAsking(): boolean {
    return this.#isAsking;
  }

  get plainUntil(): number {
    return this.#upToDate(() => this.#ring.plainUntil);
  }

  refresh(keyGeneration: number): void {
    const isNew = this.#generation !== undefined && keyGeneration !== this.#generation;
    this.#generation = keyGeneration;
    // Other threads have the secrets from here, and can't ask themselves.
    if (isNew || !this.#secrets.isKnown) this.#keepUp();
    if (!this.#secrets.isKnown) throw this.#unknown();
    this.#ring.refresh(keyGeneration);
  }

  open(id: number, owner: KeyOwner, position: number | undefined): KeyObject | undefined {
    return this.#upToDate(() => this.#ring.open(id, owner, position));
  }

  isErased(id: number, owner: KeyOwner, position: number | undefined): boolean {
    return this.#upToDate(() => this.#ring.isErased(id, owner, position));
  }

  close(): void {
    this.#isClosed = true;
    this.#ring.close();
  }

  /** What `use` gives, with the secrets there are now if those it had were old. */
  #upToDate<Result>(use: () => Result): Result {
    try {
      return use();
    } catch (error) {
      if (!isBusError(error, 'MASTER_KEY_WRONG')) throw error;
      if (!this.#keepUp()) throw this.#failure === undefined ? error : this.#unknown();
      return use();
    }
  }

  /** Takes the secrets in the file, unless they are known. True when they are. */
  #keepUp(): boolean {
    try {
      const bytes = this.#storage.read();
      if (bytes === undefined) keysDamaged(`${this.#storage.path} is missing`);
      const { wrapId, masterKeyId } = decodeHeader(bytes, this.#storage.path);
      if (this.#secrets.wrapping()?.wrapId === wrapId) return true;
      if (this.#isAsking || performance.now() < this.#askedMs + askAgainMs) return false;
      this.#askedMs = performance.now();
      const asked = askMasterKey(this.#source, masterKeyId, this.#storage.path);
      if (!isThenable(asked)) return this.#take(asked);
      this.#isAsking = true;
      asked.then(
        (key) => this.#answered(() => this.#take(key)),
        (error: unknown) => this.#answered(() => this.#fail(error)),
      );
    } catch (error) {
      this.#fail(error);
    }
    return false;
  }

  #answered(use: () => void): void {
    this.#isAsking = false;
    if (this.#isClosed) return;
    try {
      use();
    } catch (error) {
      this.#fail(error);
    }
  }

  #take(key: MasterKey): boolean {
    openSecrets(this.#storage, key, this.#secrets);
    this.#failure = undefined;
    // The next rotation may come at once.
    this.#askedMs = Number.NEGATIVE_INFINITY;
    return true;
  }

  #fail(error: unknown): void {
    this.#failure = error;
  }

  #unknown(): Error {
    const failure = this.#failure;
    if (failure instanceof BusError) return failure;
    const { path } = this.#storage;
    const message = `the master key of ${path} has changed, and the new one was asked for: try again`;
    return new BusError('MASTER_KEY_WRONG', message, { path }, failure === undefined ? undefined : { cause: failure });
  }
}
