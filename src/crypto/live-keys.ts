/**
 * The key that each owner has now: found by the owner's tags, in a table of hashes without texts.
 *
 * Tags are as good as random, so their first bytes are the hash. A million owners take 8 to 16 MB.
 */
import { entryAt, entryBytes, entryKinds } from './key-entry.ts';
import type { KeyTable } from './key-table.ts';
import { tagOfNameBytes } from './secrets.ts';

const tagsBytes = 2 * tagOfNameBytes;

export class LiveKeys {
  readonly #table: KeyTable;
  /** Places of entries, counted from 1, at or behind the hash of their tags; at most half of them are taken. */
  #places: Uint32Array;
  #count = 0;

  constructor(table: KeyTable) {
    this.#table = table;
    let size = 1024;
    while (size < 2 * table.lastKeyId) size *= 2;
    this.#places = new Uint32Array(size);
    for (const start of table.starts()) this.add(start);
  }

  /** Takes the entry at `start` for its owner's, if it is a key and not older than what the owner has. */
  add(start: number): void {
    if (this.#table.kindAt(start) !== entryKinds.key) return;
    if (2 * this.#count >= this.#places.length) this.#grow();
    const slot = this.#slot(this.#tagsAt(start));
    if (this.#places[slot] === 0) this.#count += 1;
    this.#places[slot] = start / entryBytes + 1;
  }

  /** Where the newest key of the owner with these tags (the owner's and the subject's, 32 bytes) starts. */
  find(tags: Buffer): number | undefined {
    const place = this.#places[this.#slot(tags)] as number;
    return place === 0 ? undefined : (place - 1) * entryBytes;
  }

  /** Where these tags are, or would be. */
  #slot(tags: Buffer): number {
    const mask = this.#places.length - 1;
    // The owner's and the subject's: many subjects of one stream are not neighbours.
    let slot = ((tags.readUInt32LE(0) ^ tags.readUInt32LE(tagOfNameBytes)) >>> 0) & mask;
    for (;;) {
      const place = this.#places[slot] as number;
      if (place === 0 || this.#tagsAt((place - 1) * entryBytes).equals(tags)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #tagsAt(start: number): Buffer {
    return this.#table.entries.subarray(start + entryAt.ownerTag, start + entryAt.ownerTag + tagsBytes);
  }

  #grow(): void {
    const old = this.#places;
    this.#places = new Uint32Array(2 * old.length);
    for (const place of old) if (place !== 0) this.#places[this.#slot(this.#tagsAt((place - 1) * entryBytes))] = place;
  }
}
