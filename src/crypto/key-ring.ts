/**
 * The keys of a store for a thread that reads.
 *
 * Reads the keys file when it first needs it, what was appended when it meets a key it does not know (a key is there before
 * the commit that uses it), and all of it anew when a snapshot shows another generation. The file may change under it: what
 * does not fit is looked at again, for a bounded time.
 */
import type { KeyObject } from 'node:crypto';
import { BusError, isBusError } from '../errors.ts';
import { keyLooksMax, keyLookWaitMs } from '../limits.ts';
import { entryKinds, keysDamaged, type Wrapping } from './key-entry.ts';
import type { KeyOwner } from './key-owner.ts';
import type { KeyView } from './key-ports.ts';
import type { KeyStorage } from './key-storage.ts';
import { KeyTable } from './key-table.ts';
import type { StoreSecrets } from './secrets.ts';
import { notOpened, openEntry, UnwrappedKeys } from './unwrapped-keys.ts';

export interface KeyRingOptions {
  /** Closed with the ring. */
  readonly storage: KeyStorage;
  /** Of the open store; another's to clear. */
  readonly secrets: StoreSecrets;
  /** How many keys are kept unwrapped. */
  readonly cacheMax: number;
}

/** A file as it was read, with what its keys are wrapped with. */
interface Loaded {
  readonly table: KeyTable;
  readonly wrapping: Wrapping;
}

export class KeyRing implements KeyView {
  readonly #storage: KeyStorage;
  readonly #secrets: StoreSecrets;
  readonly #unwrapped: UnwrappedKeys;
  /** What snapshots show. */
  #generation = 0;
  /** Those in this process that what is in memory knows of. */
  #erasures = 0;
  #loaded: Loaded | undefined;
  #cryptoId: Uint8Array | undefined;

  constructor({ storage, secrets, cacheMax }: KeyRingOptions) {
    this.#storage = storage;
    this.#secrets = secrets;
    this.#unwrapped = new UnwrappedKeys(cacheMax);
  }

  get cryptoId(): Uint8Array {
    this.#cryptoId ??= this.#secrets.cryptoId;
    return this.#cryptoId;
  }

  get plainUntil(): number {
    return this.#file().table.header.plainUntil;
  }

  refresh(keyGeneration: number): void {
    if (keyGeneration === this.#generation) return;
    this.#generation = keyGeneration;
    this.#forget();
  }

  open(id: number, owner: KeyOwner, position: number | undefined): KeyObject | undefined {
    this.#heedErasures();
    const known = this.#unwrapped.get(id, owner);
    if (known !== null) return known;
    const { table, wrapping } = this.#fileWith(id);
    const start = table.startOf(id) ?? notOpened(`there is no key ${id}`, position);
    const key = openEntry(table, start, wrapping, this.#secrets, owner, position);
    this.#unwrapped.set(id, owner, key);
    return key;
  }

  isErased(id: number, owner: KeyOwner, position: number | undefined): boolean {
    this.#heedErasures();
    const { table } = this.#fileWith(id);
    const start = table.startOf(id) ?? notOpened(`there is no key ${id}`, position);
    return table.kindAt(start) === entryKinds.tombstone && this.open(id, owner, position) === undefined;
  }

  close(): void {
    this.#unwrapped.clear();
    this.#loaded = undefined;
    this.#storage.close();
  }

  /** An event that was read before an erasure may be opened after it, without a look at a snapshot. */
  #heedErasures(): void {
    const { erasures } = this.#secrets;
    if (erasures === this.#erasures) return;
    this.#erasures = erasures;
    this.#forget();
  }

  /** The file is read when it is needed: a read of what is not sealed, or of rows that have no payload, never does. */
  #forget(): void {
    this.#loaded = undefined;
    this.#unwrapped.clear();
  }

  /** The file, looked at again if it does not have key `id`. */
  #fileWith(id: number): Loaded {
    const loaded = this.#file();
    return loaded.table.startOf(id) === undefined ? this.#readOn(loaded) : loaded;
  }

  #file(): Loaded {
    this.#loaded ??= this.#patiently(() => this.#load());
    return this.#loaded;
  }

  /** What was appended since, or the file that is there instead. */
  #readOn(loaded: Loaded): Loaded {
    const { table } = loaded;
    this.#loaded = this.#patiently(() => {
      const bytes = this.#storage.readOn(table.head, table.end);
      if (bytes === undefined) return this.#load();
      table.add(bytes);
      return loaded;
    });
    return this.#loaded;
  }

  #load(): Loaded {
    const { path } = this.#storage;
    const wrapping = this.#secrets.wrapping();
    if (wrapping === undefined) throw new BusError('STORE_CLOSED', `the store of ${path} was closed`, { path });
    const bytes = this.#storage.read();
    if (bytes === undefined) keysDamaged(`${path} is missing`);
    const table = new KeyTable(bytes, path);
    if (table.header.generation < this.#generation)
      keysDamaged(`${path} is of generation ${table.header.generation}, the store of generation ${this.#generation}`);
    if (!Buffer.from(table.header.cryptoId).equals(this.cryptoId)) keysDamaged(`${path} is of another store`);
    if (table.header.wrapId !== wrapping.wrapId)
      throw new BusError(
        'MASTER_KEY_WRONG',
        `the keys in ${path} were wrapped anew by another process: open the store again with the new master key`,
        { path },
      );
    return { table, wrapping: { ...wrapping, cryptoId: this.cryptoId } };
  }

  /**
   * What `look` gives. One that finds no sense may have looked while the file was being changed: entries half written, or a
   * rotation of which this thread has not got the secrets yet.
   */
  #patiently(look: () => Loaded): Loaded {
    for (let looks = 1; ; looks += 1) {
      try {
        return look();
      } catch (error) {
        const mayPass = isBusError(error, 'STORE_CORRUPT') || isBusError(error, 'MASTER_KEY_WRONG');
        if (!mayPass || looks >= keyLooksMax) throw error;
        Atomics.wait(nothing, 0, 0, keyLookWaitMs);
      }
    }
  }
}

/** What is waited for in vain. */
const nothing = new Int32Array(new SharedArrayBuffer(4));
