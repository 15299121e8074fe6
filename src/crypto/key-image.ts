/**
 * The entries of a keys file that takes another one's place: without the keys that are erased, or with all keys wrapped anew.
 *
 * In order: keys and tombstones by id, names that were erased, counts of the keys that are left.
 */
import {
  type EntryDomain,
  entryAt,
  entryBytes,
  entryDomains,
  entryKinds,
  fingerprintBytes,
  finishEntry,
  keysDamaged,
  noTag,
  unwrapKey,
  type Wrapping,
  wrapKey,
  wrappedEnd,
  writeEntry,
} from './key-entry.ts';
import { fingerprintInto } from './key-fingerprint.ts';
import { type KeyTable, nameKey } from './key-table.ts';
import type { StoreSecrets } from './secrets.ts';

/** A name all of whose keys are to be erased. */
export interface NameToErase {
  readonly domain: EntryDomain;
  readonly tag: Buffer;
  /** Keys with higher ids stay. */
  readonly upToId: number;
  readonly timeMs: number;
}

export interface Erasing {
  readonly table: KeyTable;
  readonly wrapping: Wrapping;
  readonly secrets: StoreSecrets;
  /** Of the file to be, and of the writer. */
  readonly generation: number;
  readonly epoch: number;
}

/** The entries without the keys of `names`, and those of them of which something was left; `undefined`: nothing was. */
export function entriesWithout(
  erasing: Erasing,
  names: readonly NameToErase[],
): { readonly entries: Buffer; readonly names: readonly NameToErase[] } | undefined {
  const { table, generation, epoch } = erasing;
  const wanted = new Map(names.map((name) => [nameKey(name.domain, name.tag), name]));
  const isNew = new Set([...wanted.values()].filter(({ domain, tag }) => table.erasedName(domain, tag) === undefined));
  const image = new Image(table, wanted.size);
  const gone = new Set<number>();
  for (let id = 1; id <= table.lastKeyId; id += 1) {
    const start = startOf(table, id);
    const name = table.kindAt(start) === entryKinds.key ? nameOf(wanted, table, start) : undefined;
    if (name === undefined) image.copy(start);
    else {
      image.put((target, at) => writeTombstone(erasing, start, name, target, at));
      isNew.add(name);
      gone.add(id);
    }
  }
  if (isNew.size === 0) return undefined;
  for (const start of table.erasedNames()) {
    const name = wanted.get(nameKey(table.domainAt(start), table.ownerTagAt(start)));
    if (name === undefined || !isNew.has(name)) image.copy(start);
  }
  for (const { domain, tag, upToId, timeMs } of isNew)
    image.put((target, at) => {
      const kind = entryKinds.name;
      writeEntry(target, at, { kind, domain, id: upToId, ownerTag: tag, subjectTag: noTag, generation, timeMs, epoch });
      finishEntry(target, at);
    });
  image.copyCounts((id) => !gone.has(id));
  return { entries: image.bytes, names: [...isNew] };
}

/** The entries with all keys wrapped anew. @throws {STORE_CORRUPT} one does not open: nothing is lost yet */
export function entriesRewrapped(table: KeyTable, wrapping: Wrapping, next: Wrapping): Buffer {
  const image = new Image(table, 0);
  for (let id = 1; id <= table.lastKeyId; id += 1) {
    const start = startOf(table, id);
    image.copy(start);
    if (table.kindAt(start) !== entryKinds.key) continue;
    const raw = unwrapKey(wrapping, table.entries, start);
    if (raw === undefined) keysDamaged(`key ${id} does not open: its entry was changed`);
    wrapKey(next, image.bytes, image.bytes.length - entryBytes, raw);
    raw.fill(0);
  }
  for (const start of table.erasedNames()) image.copy(start);
  image.copyCounts(() => true);
  return image.bytes;
}

/** The entries as they are. */
export function entriesAsTheyAre(table: KeyTable): Buffer {
  const image = new Image(table, 0);
  for (let id = 1; id <= table.lastKeyId; id += 1) image.copy(startOf(table, id));
  for (const start of table.erasedNames()) image.copy(start);
  image.copyCounts(() => true);
  return image.bytes;
}

/** Entries that are put one behind the other. */
class Image {
  readonly #table: KeyTable;
  readonly #target: Buffer;
  #end = 0;

  /** Room for what is in `table` and `more` entries. */
  constructor(table: KeyTable, more: number) {
    this.#table = table;
    this.#target = Buffer.alloc(table.end + more * entryBytes);
  }

  get bytes(): Buffer {
    return this.#target.subarray(0, this.#end);
  }

  put(write: (target: Buffer, at: number) => void): void {
    write(this.#target, this.#end);
    this.#end += entryBytes;
  }

  copy(start: number): void {
    this.#table.entries.copy(this.#target, this.#end, start, start + entryBytes);
    this.#end += entryBytes;
  }

  /** The last count of each key that is left. */
  copyCounts(isLeft: (id: number) => boolean): void {
    const table = this.#table;
    const last = new Map<number, number>();
    for (const start of table.starts())
      if (table.kindAt(start) === entryKinds.count) last.set(table.idAt(start), start);
    for (const [id, start] of last)
      if (isLeft(id) && table.kindAt(startOf(table, id)) === entryKinds.key) this.copy(start);
  }
}

function startOf(table: KeyTable, id: number): number {
  return table.startOf(id) ?? keysDamaged(`key ${id} is missing`);
}

/** The name among `wanted` that the key at `start` goes with. */
function nameOf(wanted: ReadonlyMap<string, NameToErase>, table: KeyTable, start: number): NameToErase | undefined {
  const id = table.idAt(start);
  const ofOwner = wanted.get(nameKey(table.domainAt(start), table.ownerTagAt(start)));
  if (ofOwner !== undefined && id <= ofOwner.upToId) return ofOwner;
  if (!table.hasSubjectAt(start)) return undefined;
  const ofSubject = wanted.get(nameKey(entryDomains.subject, table.subjectTagAt(start)));
  return ofSubject !== undefined && id <= ofSubject.upToId ? ofSubject : undefined;
}

function writeTombstone(erasing: Erasing, start: number, name: NameToErase, target: Buffer, at: number): void {
  const { table, wrapping, secrets, generation, epoch } = erasing;
  writeEntry(target, at, {
    kind: entryKinds.tombstone,
    domain: table.domainAt(start),
    id: table.idAt(start),
    ownerTag: table.ownerTagAt(start),
    subjectTag: table.subjectTagAt(start),
    generation,
    timeMs: name.timeMs,
    epoch,
  });
  const raw = unwrapKey(wrapping, table.entries, start);
  // One that does not open was changed: there is no key to look for, and erasing goes on.
  if (raw !== undefined) fingerprintInto(secrets, raw, target, at + entryAt.fingerprints);
  raw?.fill(0);
  const wrapped = table.entries.subarray(start + entryAt.wrapped, start + wrappedEnd);
  fingerprintInto(secrets, wrapped, target, at + entryAt.fingerprints + fingerprintBytes);
  finishEntry(target, at);
}
