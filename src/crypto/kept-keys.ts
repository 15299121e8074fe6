/**
 * The keys file as its writer has it: read into a table, appended to, and replaced.
 *
 * What was added and is not in the file yet follows, in the same table, behind what is.
 */
import { assert } from '../assert.ts';
import {
  encodeHeader,
  entryBytes,
  type HeldSecrets,
  headerBytes,
  type KeysHeader,
  type Wrapping,
} from './key-entry.ts';
import { forgetHeld, openHeld } from './key-file.ts';
import type { KeyStorage } from './key-storage.ts';
import { KeyTable } from './key-table.ts';
import { LiveKeys } from './live-keys.ts';
import type { MasterKey } from './master-key.ts';
import type { StoreSecrets } from './secrets.ts';

/** What changes when the file is replaced; the rest stays. */
export interface Replacement {
  readonly entries: Buffer;
  readonly plainUntil?: number;
  /** Of a rotation; the entries are wrapped with it. The caller's to zero. */
  readonly wrapped?: { readonly wrapping: Wrapping; readonly wrappingKey: Buffer; readonly masterKey: MasterKey };
}

export class KeptKeys {
  readonly cryptoId: Uint8Array;
  readonly #storage: KeyStorage;
  readonly #secrets: StoreSecrets;
  #masterKey: MasterKey;
  #table: KeyTable;
  #live: LiveKeys;
  #wrapping: Wrapping;
  /** How long the file is. */
  #durableEnd: number;

  /** On a file that was checked, whose secrets are `secrets`; it begins with what is whole in `table`. */
  constructor(storage: KeyStorage, secrets: StoreSecrets, masterKey: MasterKey, table: KeyTable) {
    const wrapping = secrets.wrapping();
    assert(wrapping !== undefined && wrapping.wrapId === table.header.wrapId, 'the secrets are those of the file');
    this.#storage = storage;
    this.#secrets = secrets;
    this.#masterKey = masterKey;
    this.#table = table;
    this.#live = new LiveKeys(table);
    this.#durableEnd = table.end;
    this.cryptoId = table.header.cryptoId;
    this.#wrapping = { ...wrapping, cryptoId: this.cryptoId };
  }

  get header(): KeysHeader {
    return this.#table.header;
  }

  get table(): KeyTable {
    return this.#table;
  }

  /** The newest key of each owner. */
  get live(): LiveKeys {
    return this.#live;
  }

  get wrapping(): Wrapping {
    return this.#wrapping;
  }

  /** Adds an entry that {@link flush} writes; gives where it starts in the table. */
  add(write: (entry: Buffer) => void): number {
    const entry = Buffer.alloc(entryBytes);
    write(entry);
    const start = this.#table.end - headerBytes;
    this.#table.add(entry);
    this.#live.add(start);
    return start;
  }

  /** Makes what was added last. @throws {STORE_FULL} nothing is lost. @throws {WRITER_FENCED} {STORE_FAILED} */
  flush(): void {
    const { end } = this.#table;
    if (end === this.#durableEnd) return;
    const bytes = this.#table.entries.subarray(this.#durableEnd - headerBytes, end - headerBytes);
    this.#storage.append(this.#durableEnd, bytes);
    this.#durableEnd = end;
  }

  /**
   * Replaces the file by one of the next generation, lasting when it returns.
   * @throws {STORE_FULL} {WRITER_FENCED} nothing has changed. @throws {STORE_FAILED}
   */
  replace({ entries, plainUntil, wrapped }: Replacement): void {
    const masterKey = wrapped?.masterKey ?? this.#masterKey;
    const held = openHeld(this.#table.head, this.#masterKey, this.#storage.path);
    try {
      const header = {
        ...this.header,
        plainUntil: plainUntil ?? this.header.plainUntil,
        wrapId: wrapped?.wrapping.wrapId ?? this.header.wrapId,
        generation: this.header.generation + 1,
        entries: entries.length / entryBytes,
        masterKeyId: masterKey.id,
      };
      const holds = { ...held, wrappingKey: wrapped?.wrappingKey ?? held.wrappingKey };
      const bytes = Buffer.concat([encodeHeader(header, holds, masterKey.key), entries]);
      const table = new KeyTable(bytes, this.#storage.path);
      this.#storage.replace(this.#durableEnd, bytes, () => wrapped && this.#share(header.wrapId, holds));
      this.#table = table;
    } finally {
      forgetHeld(held);
    }
    this.#masterKey = masterKey;
    this.#wrapping = wrapped?.wrapping ?? this.#wrapping;
    this.#live = new LiveKeys(this.#table);
    this.#durableEnd = this.#table.end;
  }

  close(): void {
    this.#storage.close();
  }

  /** Gives the other threads what they open the new file with. */
  #share(wrapId: number, { wrappingKey, tagKey }: HeldSecrets): void {
    this.#secrets.set({ wrapId, cryptoId: this.cryptoId, wrappingKey, tagKey });
  }
}
