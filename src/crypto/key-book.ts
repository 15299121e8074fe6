/**
 * The keys of a store for its writer: who makes data keys, erases them, wraps them anew, and counts what they seal.
 *
 * The file is ahead of the store, never behind: a key is in it before a commit uses it, an erasure before the fact of it is
 * in the log.
 */
import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { assert } from '../assert.ts';
import { keyCacheMax, keyOwnersCacheMax } from '../limits.ts';
import { erasuresAfter, erasuresAt, type NameTag, refuseErased, tagOfErasable } from './erased-names.ts';
import { KeptKeys } from './kept-keys.ts';
import {
  type EntryFields,
  entryAt,
  entryDomains,
  entryKinds,
  finishEntry,
  noTag,
  wrapKey,
  writeEntry,
} from './key-entry.ts';
import { entriesAsTheyAre, entriesRewrapped, entriesWithout, type NameToErase } from './key-image.ts';
import type { Erasable, KeyOwner } from './key-owner.ts';
import { KnownOwners, ownerText } from './key-owners.ts';
import type { ErasedKeys, KeyBook, SealingKey } from './key-ports.ts';
import type { KeyStorage } from './key-storage.ts';
import type { KeyTable } from './key-table.ts';
import type { MasterKey } from './master-key.ts';
import { CountedKey, SealCounts } from './seal-counts.ts';
import { isSealed, type SealMode } from './seal-mode.ts';
import { type StoreSecrets, secretBytes } from './secrets.ts';
import { notOpened, openEntry, ownerTag, UnwrappedKeys, unwrapAt } from './unwrapped-keys.ts';
import { newWrapId } from './wrap-id.ts';

export interface KeyBookParts {
  /** Closed with the book. */
  readonly storage: KeyStorage;
  readonly secrets: StoreSecrets;
  readonly masterKey: MasterKey;
  readonly mode: SealMode;
  /** Rises with every writer of the store. */
  readonly writerEpoch: number;
  readonly nowMs: () => number;
  /** Seals with one key before its owner gets another. */
  readonly sealsMax: number;
}

export class KeyBookFile implements KeyBook {
  readonly cryptoId: Uint8Array;
  readonly #parts: KeyBookParts;
  readonly #kept: KeptKeys;
  #unrecorded: ErasedKeys[];
  readonly #counts: SealCounts;
  readonly #owners = new KnownOwners(keyOwnersCacheMax);
  readonly #unwrapped = new UnwrappedKeys(keyCacheMax);

  /**
   * On a file that was checked, whose secrets are those of `parts`; it begins with what is whole in `table`.
   * @param keyGeneration what the log knows of
   */
  constructor(parts: KeyBookParts, table: KeyTable, keyGeneration: number) {
    const { storage, secrets, masterKey, writerEpoch, sealsMax } = parts;
    this.#parts = parts;
    this.#kept = new KeptKeys(storage, secrets, masterKey, table);
    this.cryptoId = this.#kept.cryptoId;
    this.#unrecorded = erasuresAfter(table, secrets, keyGeneration);
    this.#counts = new SealCounts(writerEpoch, sealsMax);
  }

  get plainUntil(): number {
    return this.#kept.header.plainUntil;
  }

  get generation(): number {
    return this.#kept.header.generation;
  }

  get lastKeyId(): number {
    return this.table.lastKeyId;
  }

  get unrecorded(): readonly ErasedKeys[] {
    return this.#unrecorded;
  }

  /** The file as it is in memory. */
  get table(): KeyTable {
    return this.#kept.table;
  }

  /** Nothing changes but through this book. */
  refresh(): void {}

  open(id: number, owner: KeyOwner, position: number | undefined): KeyObject | undefined {
    const known = this.#unwrapped.get(id, owner);
    if (known !== null) return known;
    const start = this.#startOf(id, position);
    const key = openEntry(this.table, start, this.#kept.wrapping, this.#parts.secrets, owner, position);
    this.#unwrapped.set(id, owner, key);
    return key;
  }

  isErased(id: number, owner: KeyOwner, position: number | undefined): boolean {
    const isTombstone = this.table.kindAt(this.#startOf(id, position)) === entryKinds.tombstone;
    return isTombstone && this.open(id, owner, position) === undefined;
  }

  sealing(owner: KeyOwner, newKeyGeneration: boolean): SealingKey | undefined {
    const name = ownerText(owner);
    let key = this.#owners.get(name);
    if (key === undefined) {
      key = isSealed(this.#parts.mode, owner) ? this.#find(owner, newKeyGeneration) : null;
      this.#owners.set(name, key);
    }
    if (key === null) return undefined;
    if (!this.#counts.isDue(key.id)) return key;
    if (!this.#counts.isUsedUp(key.id)) {
      this.#recordSeals(key.id);
      return key;
    }
    const next = this.#make(owner, this.#tagsOf(owner));
    this.#owners.set(name, next);
    return next;
  }

  sealingById(id: number, owner: KeyOwner): SealingKey | undefined {
    const key = this.open(id, owner, undefined);
    if (key === undefined) return undefined;
    const counted = this.#counted(id, key);
    if (this.#counts.isDue(id) && !this.#counts.isUsedUp(id)) this.#recordSeals(id);
    return counted;
  }

  contentTag(hash: Uint8Array): Uint8Array {
    return this.#parts.secrets.tag('content', [hash], 32);
  }

  erase(what: Erasable, timeMs: number): ErasedKeys {
    const name = tagOfErasable(this.#parts.secrets, what);
    const [erased] = this.eraseNames([{ ...name, upToId: this.lastKeyId, timeMs }]);
    return erased ?? (this.#erasuresOf([name], undefined)[0] as ErasedKeys);
  }

  /** As {@link erase}, many names at once; gives those of which something was left. */
  eraseNames(names: readonly NameToErase[]): readonly ErasedKeys[] {
    const { secrets, writerEpoch } = this.#parts;
    const known = this.generation;
    const generation = known + 1;
    const erasing = { table: this.table, wrapping: this.#kept.wrapping, secrets, generation, epoch: writerEpoch };
    const without = entriesWithout(erasing, names);
    if (without === undefined) return [];
    this.#kept.replace({ entries: without.entries });
    secrets.noteErasure();
    this.#owners.clear();
    this.#unwrapped.clear();
    const erasures = this.#erasuresOf(without.names, known);
    this.#unrecorded = [...this.#unrecorded, ...erasures.filter(({ kind }) => kind !== 'projection')];
    return erasures;
  }

  recorded(): void {
    this.#unrecorded = [];
  }

  rotate(next: MasterKey): void {
    const wrappingKey = randomBytes(secretBytes);
    const wrapId = newWrapId(this.#kept.header.wrapId);
    const wrapping = { key: createSecretKey(wrappingKey), wrapId, cryptoId: this.cryptoId };
    try {
      const entries = entriesRewrapped(this.table, this.#kept.wrapping, wrapping);
      this.#kept.replace({ entries, wrapped: { wrapping, wrappingKey, masterKey: next } });
    } finally {
      wrappingKey.fill(0);
    }
  }

  /**
   * Events behind `position` are sealed, all but those of streams of our own; durable when it returns. Raises `generation`
   * if that is news.
   * @throws {STORE_FULL} {STORE_FAILED}
   */
  requirePlainUntil(position: number): void {
    if (position === this.plainUntil) return;
    this.#kept.replace({ entries: entriesAsTheyAre(this.table), plainUntil: position });
  }

  flush(): void {
    this.#kept.flush();
  }

  close(): void {
    this.#owners.clear();
    this.#unwrapped.clear();
    this.#kept.close();
  }

  #startOf(id: number, position: number | undefined): number {
    return this.table.startOf(id) ?? notOpened(`there is no key ${id}`, position);
  }

  /** Of names that were erased, with the keys that went after `generation`. */
  #erasuresOf(names: readonly NameTag[], generation: number | undefined): ErasedKeys[] {
    const starts = names.map(({ domain, tag }) => {
      const start = this.table.erasedName(domain, tag);
      assert(start !== undefined, 'a name that was erased is in the file');
      return start;
    });
    return erasuresAt(this.table, this.#parts.secrets, starts, generation);
  }

  /** The owner's key, or one that is made. @throws {KEY_ERASED} */
  #find(owner: KeyOwner, newKeyGeneration: boolean): CountedKey {
    const tags = this.#tagsOf(owner);
    const start = this.#kept.live.find(tags);
    if (start === undefined) {
      if (!newKeyGeneration) refuseErased(this.table, owner, tags);
      return this.#make(owner, tags);
    }
    // A key that lives was made after whatever erased the ones before it.
    const id = this.table.idAt(start);
    const key = unwrapAt(this.table, start, this.#kept.wrapping);
    return this.#counted(id, key ?? notOpened(`key ${id} does not open: its entry was changed`, undefined));
  }

  #counted(id: number, key: KeyObject): CountedKey {
    const made = { seals: 0, epoch: this.table.epochAt(this.#startOf(id, undefined)) };
    this.#counts.begin(id, this.table.sealCount(id) ?? made);
    return new CountedKey(id, key, this.#counts);
  }

  #make(owner: KeyOwner, tags: Buffer): CountedKey {
    const id = this.lastKeyId + 1;
    assert(id < 2 ** 32, 'ids of keys do not run out');
    const raw = randomBytes(secretBytes);
    this.#kept.add((entry) => {
      writeEntry(entry, 0, {
        kind: entryKinds.key,
        domain: owner.kind === 'stream' ? entryDomains.stream : entryDomains.projection,
        id,
        ownerTag: tags.subarray(0, noTag.length),
        subjectTag: tags.subarray(noTag.length),
        ...this.#now(),
      });
      wrapKey(this.#kept.wrapping, entry, 0, raw);
    });
    const key = createSecretKey(raw);
    raw.fill(0);
    return this.#counted(id, key);
  }

  #recordSeals(id: number): void {
    const seals = this.#counts.seals(id);
    this.#kept.add((entry) => {
      writeEntry(entry, 0, {
        kind: entryKinds.count,
        domain: 0,
        id,
        ownerTag: noTag,
        subjectTag: noTag,
        ...this.#now(),
      });
      entry.writeUIntLE(seals, entryAt.seals, 6);
      finishEntry(entry, 0);
    });
    this.#counts.recorded(id);
  }

  #now(): Pick<EntryFields, 'generation' | 'timeMs' | 'epoch'> {
    return { generation: this.generation, timeMs: this.#parts.nowMs(), epoch: this.#parts.writerEpoch };
  }

  /** Of the owner and its subject, one behind the other. */
  #tagsOf(owner: KeyOwner): Buffer {
    const { secrets } = this.#parts;
    const hasSubject = owner.kind === 'stream' && owner.subject !== undefined;
    return Buffer.concat([ownerTag(secrets, owner), hasSubject ? secrets.tag('subject', [owner.subject]) : noTag]);
  }
}
