/**
 * The keys of a store for its writer: who makes data keys, erases them, wraps them anew, and counts what they seal.
 *
 * The file is ahead of the store, never behind: a key is in it before a commit uses it, an erasure before the fact of it is
 * in the log. What was made and is not in the file yet follows behind what is, in the same table.
 */
import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { assert } from '../assert.ts';
import { BusError } from '../errors.ts';
import { keyCacheMax, keyOwnersCacheMax, keySealsUnrecordedMax } from '../limits.ts';
import {
  encodeHeader,
  entryAt,
  entryBytes,
  entryDomains,
  entryKinds,
  finishEntry,
  type HeldSecrets,
  headerBytes,
  type KeysHeader,
  noTag,
  type Wrapping,
  wrapKey,
  writeEntry,
} from './key-entry.ts';
import { forgetHeld, openHeld } from './key-file.ts';
import { entriesCompacted, entriesRewrapped, entriesWithout, type NameToErase } from './key-image.ts';
import type { Erasable, KeyOwner } from './key-owner.ts';
import type { ErasedKeys, KeyBook, SealingKey } from './key-ports.ts';
import type { KeyStorage } from './key-storage.ts';
import { KeyTable } from './key-table.ts';
import { LiveKeys } from './live-keys.ts';
import type { MasterKey } from './master-key.ts';
import { type CountedKey, SealingKeys } from './sealing-keys.ts';
import { type StoreSecrets, secretBytes } from './secrets.ts';
import { notOpened, openEntry, ownerTag, UnwrappedKeys, unwrapAt } from './unwrapped-keys.ts';
import { newWrapId } from './wrap-id.ts';

/** Which streams are sealed: all but those whose name starts with `$`, or those whose name starts with one of these. */
export type SealingMode = 'all' | { readonly prefixes: readonly string[] };

export interface KeyBookParts {
  /** Closed with the book. */
  readonly storage: KeyStorage;
  readonly secrets: StoreSecrets;
  readonly masterKey: MasterKey;
  readonly mode: SealingMode;
  /** Rises with every writer of the store. */
  readonly writerEpoch: number;
  readonly nowMs: () => number;
  /** Seals with one key before its owner gets another. */
  readonly sealsMax: number;
}

/** What changes when the file is replaced; the rest stays. */
interface Replacement extends Partial<Pick<KeysHeader, 'plainUntil' | 'wrapId' | 'wrapGeneration'>> {
  readonly entries: Buffer;
  readonly wrappingKey?: Buffer;
  readonly masterKey?: MasterKey;
}

export class KeyBookFile implements KeyBook {
  readonly cryptoId: Uint8Array;
  readonly #parts: KeyBookParts;
  #masterKey: MasterKey;
  #table: KeyTable;
  #live: LiveKeys;
  #wrapping: Wrapping;
  /** How long the file is; what the table has behind it is new. */
  #durableEnd: number;
  readonly #sealing = new SealingKeys(keyOwnersCacheMax);
  readonly #unwrapped = new UnwrappedKeys(keyCacheMax);

  /** On a file that was checked, whose secrets are those of `parts`; it begins with what is whole in `table`. */
  constructor(parts: KeyBookParts, table: KeyTable) {
    this.#parts = parts;
    this.#masterKey = parts.masterKey;
    this.#table = table;
    this.#live = new LiveKeys(table);
    this.#durableEnd = table.end;
    this.cryptoId = table.header.cryptoId;
    this.#wrapping = this.#sharedWrapping();
  }

  get plainUntil(): number {
    return this.#table.header.plainUntil;
  }

  get generation(): number {
    return this.#table.header.generation;
  }

  get lastKeyId(): number {
    return this.#table.lastKeyId;
  }

  /** The file as it is in memory; entries may be new in it. */
  get table(): KeyTable {
    return this.#table;
  }

  /** Nothing changes but through this book. */
  refresh(): void {}

  open(id: number, owner: KeyOwner, position: number | undefined): KeyObject | undefined {
    const known = this.#unwrapped.get(id, owner);
    if (known !== null) return known;
    const start = this.#table.startOf(id);
    if (start === undefined) notOpened(`there is no key ${id}`, position);
    const key = openEntry(this.#table, start, this.#wrapping, this.#parts.secrets, owner, position);
    this.#unwrapped.set(id, owner, key);
    return key;
  }

  sealing(owner: KeyOwner, newKeyGeneration: boolean): SealingKey | undefined {
    const name = nameOf(owner);
    let key = this.#sealing.get(name);
    if (key === undefined) {
      key = this.#isSealed(owner) ? this.#find(owner, newKeyGeneration) : null;
      this.#sealing.set(name, key);
    }
    if (key === null) return undefined;
    if (key.seals < key.checkAt) return key;
    if (key.seals < this.#parts.sealsMax) {
      this.#recordSeals(key);
      return key;
    }
    const next = this.#make(owner, this.#tagsOf(owner));
    this.#sealing.set(name, next);
    return next;
  }

  erase(what: Erasable, timeMs: number): ErasedKeys {
    const { secrets } = this.#parts;
    const upToId = this.lastKeyId;
    if ('stream' in what)
      return this.eraseNames([
        { domain: entryDomains.stream, tag: secrets.tag('stream', [what.stream]), upToId, timeMs },
      ]);
    if ('subject' in what)
      return this.eraseNames([
        { domain: entryDomains.subject, tag: secrets.tag('subject', [what.subject]), upToId, timeMs },
      ]);
    const tag = ownerTag(secrets, { kind: 'projection', name: what.projection, build: what.build });
    return this.eraseNames([{ domain: entryDomains.projection, tag, upToId, timeMs }]);
  }

  /** As {@link erase}, several names at once. */
  eraseNames(names: readonly NameToErase[]): ErasedKeys {
    const without = entriesWithout(
      {
        table: this.#table,
        wrapping: this.#wrapping,
        secrets: this.#parts.secrets,
        generation: this.generation + 1,
        epoch: this.#parts.writerEpoch,
      },
      names,
    );
    if (without === undefined) return { ids: [] };
    this.#replace({ entries: without.entries }, () => undefined);
    this.#sealing.drop(new Set(without.ids));
    return { ids: without.ids };
  }

  rotate(next: MasterKey): void {
    const { secrets } = this.#parts;
    const wrappingKey = randomBytes(secretBytes);
    const wrapId = newWrapId(this.#wrapping.wrapId);
    const wrapping = { key: createSecretKey(wrappingKey), wrapId, cryptoId: this.cryptoId };
    try {
      const entries = entriesRewrapped(this.#table, this.#wrapping, wrapping);
      const wrapGeneration = this.generation + 1;
      this.#replace({ entries, wrapId, wrapGeneration, wrappingKey, masterKey: next }, ({ tagKey }) => {
        secrets.set({ wrapId, cryptoId: this.cryptoId, wrappingKey, tagKey });
      });
      this.#masterKey = next;
      this.#wrapping = wrapping;
    } finally {
      wrappingKey.fill(0);
    }
  }

  /** Events behind `position` are sealed from now on; durable when it returns. */
  setPlainUntil(position: number): void {
    this.#replace({ entries: entriesCompacted(this.#table), plainUntil: position }, () => undefined);
  }

  flush(): void {
    const { end } = this.#table;
    if (end === this.#durableEnd) return;
    const bytes = this.#table.entries.subarray(this.#durableEnd - headerBytes, end - headerBytes);
    this.#parts.storage.append(this.#durableEnd, bytes);
    this.#durableEnd = end;
  }

  close(): void {
    this.#sealing.clear();
    this.#unwrapped.clear();
    this.#parts.storage.close();
  }

  /** Replaces the file, and everything new with it. `onReplaced` gets the secrets in it. */
  #replace(replacement: Replacement, onReplaced: (held: HeldSecrets) => void): void {
    const { storage } = this.#parts;
    const { entries, wrappingKey, masterKey, ...changes } = replacement;
    const held = openHeld(this.#table.head, this.#masterKey, storage.path);
    try {
      const header = {
        ...this.#table.header,
        ...changes,
        masterKeyId: (masterKey ?? this.#masterKey).id,
        generation: this.generation + 1,
        entries: entries.length / entryBytes,
      };
      const kept = { ...held, wrappingKey: wrappingKey ?? held.wrappingKey };
      const bytes = Buffer.concat([encodeHeader(header, kept, (masterKey ?? this.#masterKey).key), entries]);
      const table = new KeyTable(bytes, storage.path);
      storage.replace(bytes, () => onReplaced(held));
      this.#table = table;
    } finally {
      forgetHeld(held);
    }
    this.#live = new LiveKeys(this.#table);
    this.#durableEnd = this.#table.end;
    this.#unwrapped.clear();
  }

  #isSealed(owner: KeyOwner): boolean {
    if (owner.kind === 'projection') return true;
    const { stream, subject } = owner;
    if (stream.startsWith('$')) {
      assert(subject === undefined, 'a stream of our own has no subjects');
      return false;
    }
    const { mode } = this.#parts;
    return mode === 'all' || subject !== undefined || mode.prefixes.some((prefix) => stream.startsWith(prefix));
  }

  /** The owner's key, or one that is made. @throws {KEY_ERASED} */
  #find(owner: KeyOwner, newKeyGeneration: boolean): CountedKey {
    const tags = this.#tagsOf(owner);
    const start = this.#live.find(tags);
    // A key that lives was made after whatever erased the ones before it.
    if (start !== undefined) return this.#counted(start);
    if (!newKeyGeneration) this.#refuseErased(owner, tags);
    return this.#make(owner, tags);
  }

  #counted(start: number): CountedKey {
    const table = this.#table;
    const id = table.idAt(start);
    const key = unwrapAt(table, start, this.#wrapping);
    if (key === undefined) notOpened(`key ${id} does not open: its entry was changed`, undefined);
    const record = table.sealCount(id) ?? { seals: 0, epoch: table.epochAt(start) };
    const sessions = Math.max(0, this.#parts.writerEpoch - record.epoch);
    const seals = Math.max(record.seals + sessions * keySealsUnrecordedMax, this.#sealing.sealsOf(id));
    return { id, key, seals, checkAt: this.#nextCheck(seals) };
  }

  #make(owner: KeyOwner, tags: Buffer): CountedKey {
    const id = this.lastKeyId + 1;
    assert(id < 2 ** 32, 'ids of keys do not run out');
    const { writerEpoch, nowMs } = this.#parts;
    const entry = Buffer.alloc(entryBytes);
    writeEntry(entry, 0, {
      kind: entryKinds.key,
      domain: owner.kind === 'stream' ? entryDomains.stream : entryDomains.projection,
      id,
      ownerTag: tags.subarray(0, noTag.length),
      subjectTag: tags.subarray(noTag.length),
      generation: this.generation,
      timeMs: nowMs(),
      epoch: writerEpoch,
    });
    const raw = randomBytes(secretBytes);
    wrapKey(this.#wrapping, entry, 0, raw);
    const key = createSecretKey(raw);
    raw.fill(0);
    this.#live.add(this.#add(entry));
    return { id, key, seals: 0, checkAt: this.#nextCheck(0) };
  }

  #recordSeals(key: CountedKey): void {
    const entry = Buffer.alloc(entryBytes);
    writeEntry(entry, 0, {
      kind: entryKinds.count,
      domain: 0,
      id: key.id,
      ownerTag: noTag,
      subjectTag: noTag,
      generation: this.generation,
      timeMs: this.#parts.nowMs(),
      epoch: this.#parts.writerEpoch,
    });
    entry.writeUIntLE(key.seals, entryAt.seals, 6);
    finishEntry(entry, 0);
    this.#add(entry);
    key.checkAt = this.#nextCheck(key.seals);
  }

  /** Adds what the next flush writes; gives its place in the table. */
  #add(entry: Buffer): number {
    const start = this.#table.end - headerBytes;
    this.#table.add(entry);
    return start;
  }

  /** Half of what may be unrecorded: what one group of commits seals before it is looked at again is less than that. */
  #nextCheck(seals: number): number {
    return Math.min(seals + keySealsUnrecordedMax / 2, this.#parts.sealsMax);
  }

  /** Of the owner and its subject, one behind the other. */
  #tagsOf(owner: KeyOwner): Buffer {
    const { secrets } = this.#parts;
    const hasSubject = owner.kind === 'stream' && owner.subject !== undefined;
    return Buffer.concat([ownerTag(secrets, owner), hasSubject ? secrets.tag('subject', [owner.subject]) : noTag]);
  }

  #refuseErased(owner: KeyOwner, tags: Buffer): void {
    const table = this.#table;
    const domain = owner.kind === 'stream' ? entryDomains.stream : entryDomains.projection;
    const isOwnerErased = table.erasedName(domain, tags.subarray(0, noTag.length)) !== undefined;
    const isSubjectErased = table.erasedName(entryDomains.subject, tags.subarray(noTag.length)) !== undefined;
    if (!isOwnerErased && !isSubjectErased) return;
    if (owner.kind === 'projection')
      throw new BusError('KEY_ERASED', `build ${owner.build} of the projection ${owner.name} was erased`, {
        stream: undefined,
        subject: undefined,
      });
    const what = isOwnerErased ? `the stream ${owner.stream}` : 'the subject';
    throw new BusError(
      'KEY_ERASED',
      `${what} was erased: newKeyGeneration: true makes a new key for ${owner.stream}, with which what was erased stays erased`,
      { stream: owner.stream, subject: isSubjectErased && owner.kind === 'stream' ? owner.subject : undefined },
    );
  }

  #sharedWrapping(): Wrapping {
    const wrapping = this.#parts.secrets.wrapping();
    assert(
      wrapping !== undefined && wrapping.wrapId === this.#table.header.wrapId,
      'the secrets are those of the file',
    );
    return { ...wrapping, cryptoId: this.cryptoId };
  }
}

/** One text for each owner: no name of a stream or projection has control characters. */
function nameOf(owner: KeyOwner): string {
  if (owner.kind === 'projection') return `\0${owner.name}\0${owner.build}`;
  return owner.subject === undefined ? owner.stream : `${owner.stream}\0${owner.subject}`;
}
