/**
 * A keys file in memory: its entries as they are in the file, and where each is.
 *
 * Data keys stay wrapped. A million keys are 128 MB of entries and 4 MB beside them. Ids are 1, 2, 3 …, each there once, as a
 * key or as a tombstone: an entry that is missing is noticed.
 */
import {
  decodeHeader,
  type EntryDomain,
  entryAt,
  entryBytes,
  entryKinds,
  headerBytes,
  isEntry,
  type KeysHeader,
  keysDamaged,
  noTag,
} from './key-entry.ts';
import { tagOfNameBytes } from './secrets.ts';

/** How often a key has sealed: at least that often when writer `epoch` recorded it. */
export interface SealCount {
  readonly seals: number;
  readonly epoch: number;
}

export class KeyTable {
  /** The header's bytes: no two files have the same. */
  readonly head: Buffer;
  readonly header: KeysHeader;
  /** The highest id; 0 when there is none. */
  lastKeyId = 0;
  #entries: Buffer;
  #count = 0;
  /** By id: the place of its entry, counted from 1. */
  #places = new Uint32Array(64);
  readonly #path: string;
  /** By domain and tag: the places of names that were erased. */
  readonly #names = new Map<string, number>();
  readonly #counts = new Map<number, SealCount>();

  /**
   * Of the bytes of a file; what is not whole at its end is left out.
   * @throws {STORE_CORRUPT} {STORE_FORMAT}
   */
  constructor(bytes: Buffer, path: string) {
    this.#path = path;
    this.head = Buffer.from(bytes.subarray(0, headerBytes));
    this.header = decodeHeader(this.head, path);
    this.#entries = Buffer.alloc(0);
    this.add(bytes.subarray(headerBytes));
    if (this.#count < this.header.entries)
      keysDamaged(`${path} has ${this.#count} entries that are whole and began with ${this.header.entries}`);
  }

  /** How long the file is as far as it is whole. */
  get end(): number {
    return headerBytes + this.#count * entryBytes;
  }

  /**
   * Adds what follows in the file, as far as it is whole. `bytes` are kept if they are the first.
   * @throws {STORE_CORRUPT} when something whole follows behind what is not
   */
  add(bytes: Buffer): void {
    let end = 0;
    while (end + entryBytes <= bytes.length && isEntry(bytes, end)) end += entryBytes;
    for (let next = end + entryBytes; next + entryBytes <= bytes.length; next += entryBytes)
      if (isEntry(bytes, next)) keysDamaged(`an entry of ${this.#path} is damaged, ${next} bytes before a whole one`);
    const from = this.#count;
    if (from === 0) this.#entries = bytes.subarray(0, end);
    else this.#reserve(end).set(bytes.subarray(0, end), from * entryBytes);
    this.#count += end / entryBytes;
    for (let place = from; place < this.#count; place += 1) this.#index(place);
  }

  /** The entry at each place, in the order of the file. */
  *starts(): IterableIterator<number> {
    for (let place = 0; place < this.#count; place += 1) yield place * entryBytes;
  }

  /** The bytes that {@link starts} and {@link startOf} are about. */
  get entries(): Buffer {
    return this.#entries;
  }

  /** Where the entry of key `id` starts; `undefined` when there is none. */
  startOf(id: number): number | undefined {
    const place = id < this.#places.length ? this.#places[id] : 0;
    return place === undefined || place === 0 ? undefined : (place - 1) * entryBytes;
  }

  kindAt(start: number): number {
    return this.#entries[start + entryAt.kind] as number;
  }

  domainAt(start: number): EntryDomain {
    return this.#entries[start + entryAt.domain] as EntryDomain;
  }

  idAt(start: number): number {
    return this.#entries.readUInt32LE(start + entryAt.id);
  }

  generationAt(start: number): number {
    return this.#entries.readUIntLE(start + entryAt.generation, 6);
  }

  timeAt(start: number): number {
    return this.#entries.readUIntLE(start + entryAt.time, 6);
  }

  epochAt(start: number): number {
    return this.#entries.readUIntLE(start + entryAt.epoch, 6);
  }

  ownerTagAt(start: number): Buffer {
    return this.#entries.subarray(start + entryAt.ownerTag, start + entryAt.ownerTag + tagOfNameBytes);
  }

  subjectTagAt(start: number): Buffer {
    return this.#entries.subarray(start + entryAt.subjectTag, start + entryAt.subjectTag + tagOfNameBytes);
  }

  hasSubjectAt(start: number): boolean {
    return !this.subjectTagAt(start).equals(noTag);
  }

  /** Where the entry of a name that was erased starts. */
  erasedName(domain: EntryDomain, tag: Buffer): number | undefined {
    return this.#names.get(nameKey(domain, tag));
  }

  /** Of all names that were erased. */
  erasedNames(): IterableIterator<number> {
    return this.#names.values();
  }

  /** The last that was recorded of key `id`. */
  sealCount(id: number): SealCount | undefined {
    return this.#counts.get(id);
  }

  #index(place: number): void {
    const start = place * entryBytes;
    const id = this.idAt(start);
    switch (this.kindAt(start)) {
      case entryKinds.name:
        this.#names.set(nameKey(this.domainAt(start), this.ownerTagAt(start)), start);
        return;
      case entryKinds.count:
        if (id === 0 || id > this.lastKeyId) keysDamaged(`${this.#path} counts key ${id}, which is not there`);
        this.#counts.set(id, {
          seals: this.#entries.readUIntLE(start + entryAt.seals, 6),
          epoch: this.epochAt(start),
        });
        return;
      default:
        if (id !== this.lastKeyId + 1) keysDamaged(`${this.#path} has key ${id} behind key ${this.lastKeyId}`);
        this.lastKeyId = id;
        if (id >= this.#places.length) {
          const places = new Uint32Array(2 * this.#places.length);
          places.set(this.#places);
          this.#places = places;
        }
        this.#places[id] = place + 1;
    }
  }

  /** Room for `bytes` more. */
  #reserve(bytes: number): Buffer {
    const used = this.#count * entryBytes;
    if (used + bytes > this.#entries.length) {
      const larger = Buffer.alloc(Math.max(2 * this.#entries.length, used + bytes));
      this.#entries.copy(larger, 0, 0, used);
      this.#entries = larger;
    }
    return this.#entries;
  }
}

/** One text for a name of any domain. */
export function nameKey(domain: number, tag: Buffer): string {
  return String.fromCharCode(domain) + tag.toString('latin1');
}
