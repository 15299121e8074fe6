/**
 * Projections as the store has them: builds, entries and cursors, read within a snapshot, and the rows that change them.
 *
 * A reader takes the active build and its entries from one snapshot. Nothing here decides which build is worked on.
 */
import type { EncodedPayload } from '../codec/payload.ts';
import {
  buildsKey,
  decodeBuilds,
  encodeBuilds,
  entryPayload,
  entryPrefix,
  entryRowBytes,
  type ProjectionBuild,
  type ProjectionBuilds,
  writeEntry,
} from '../codec/projection-row.ts';
import { keyBehindPrefix, sealRowInPlace } from '../codec/row.ts';
import type { KeyOwner } from '../crypto/key-owner.ts';
import { pageBytesMax } from '../limits.ts';
import type { RowWrite, Snapshot } from '../storage/engine.ts';
import { type KeyRange, rowRange } from './projection-range.ts';
import { ownPayload, type RowDraft } from './row-draft.ts';
import { keyIdAt, openPayload } from './sealed-payload.ts';

/** An entry whose value is not decoded yet. */
export interface StoredEntry {
  readonly key: string;
  readonly value: EncodedPayload;
}

/** What an entry becomes; without a value it goes. */
export interface EntryWrite {
  readonly key: string;
  readonly value: EncodedPayload | undefined;
}

const noBuilds: ProjectionBuilds = { active: undefined, building: undefined, lastBuild: 0 };
/** What the names of all cursors of builds begin with. */
export const buildCursorPrefix = '$projection/';

/** The cursor of a build. */
export function buildCursorName(name: string, build: number): string {
  return `${buildCursorPrefix}${build}/${name}`;
}

/** What a cursor's name says, if it is that of a build. */
export function buildOfCursor(cursorName: string): { readonly name: string; readonly build: number } | undefined {
  const [, build, name] = /^\$projection\/(\d+)\/(.+)$/su.exec(cursorName) ?? [];
  return name === undefined ? undefined : { name, build: Number(build) };
}

/** @throws {STORE_CORRUPT} */
export function readBuilds(snapshot: Snapshot, name: string): ProjectionBuilds {
  const key = buildsKey(name);
  const row = snapshot.row('projections', key);
  return row === undefined ? noBuilds : decodeBuilds(key, row);
}

export function buildsRow(name: string, builds: ProjectionBuilds): RowWrite {
  const key = buildsKey(name);
  return { table: 'projections', key, value: encodeBuilds(key, builds) };
}

/** What the values of a build are sealed with. */
export function buildOwner(name: string, build: number): KeyOwner {
  return { kind: 'projection', name, build };
}

/**
 * The entries of one build. Where that is sealed their values are; keys are not. A value whose build has lost its key is as if
 * it was not there.
 */
export class BuildEntries {
  readonly #prefix: Buffer;
  /** The prefix with room for a key, filled for each look-up. */
  readonly #key: Buffer;
  readonly #owner: KeyOwner;
  readonly #isSealed: boolean;

  constructor(name: string, { build, isSealed }: ProjectionBuild) {
    this.#prefix = entryPrefix(name, build);
    // Two bytes more than any key that LMDB takes.
    this.#key = Buffer.alloc(1980, this.#prefix);
    this.#owner = buildOwner(name, build);
    this.#isSealed = isSealed;
  }

  /** What each key has before that of its entry. */
  get prefixBytes(): number {
    return this.#prefix.length;
  }

  /** Whether they can't be read any more: they are sealed, and their key is erased. @throws {STORE_CORRUPT} {DECRYPTION_FAILED} */
  areErased(snapshot: Snapshot): boolean {
    if (!this.#isSealed) return false;
    let areErased = false;
    const walked = { from: this.#prefix, below: keyBehindPrefix(this.#prefix) as Uint8Array };
    snapshot.walkRows('projections', walked, (rowKey, row) => {
      const id = keyIdAt(entryPayload(rowKey, row), 0);
      areErased = id !== 0 && snapshot.keys?.isErased(id, this.#owner, undefined) === true;
      return false;
    });
    return areErased;
  }

  /** @throws {STORE_CORRUPT} {DECRYPTION_FAILED} */
  get(snapshot: Snapshot, key: string): EncodedPayload | undefined {
    const rowKey = this.#key.subarray(0, this.#prefix.length + this.#key.write(key, this.#prefix.length));
    const row = snapshot.row('projections', rowKey);
    return row === undefined ? undefined : this.#value(snapshot, rowKey, row);
  }

  /** The next entries of `range` behind `after`, at most `count`, and whether they are the last. @throws as {@link BuildEntries.get} */
  page(
    snapshot: Snapshot,
    range: KeyRange,
    after: string | undefined,
    count: number,
  ): { readonly items: StoredEntry[]; readonly isLast: boolean } {
    const { from, below } = rowRange(this.#prefix, range, after);
    const items: StoredEntry[] = [];
    if (below !== undefined && Buffer.compare(from, below) >= 0) return { items, isLast: true };
    let bytes = 0;
    const walked = { from, ...(below !== undefined && { below }), reverse: range.isReverse };
    snapshot.walkRows('projections', walked, (rowKey, row) => {
      const value = this.#value(snapshot, rowKey, row);
      if (value === undefined) return true;
      const key = Buffer.from(rowKey.buffer, rowKey.byteOffset, rowKey.length).toString('utf8', this.#prefix.length);
      items.push({ key, value });
      bytes += row.length;
      return items.length < count && bytes < pageBytesMax;
    });
    return { items, isLast: items.length < count && bytes < pageBytesMax };
  }

  /** The rows of `writes`. All of them share one piece of memory, so that they change threads as one. */
  rows(writes: readonly EntryWrite[]): RowDraft[] {
    const prefixBytes = this.#prefix.length;
    let bytes = 0;
    for (const { key, value } of writes) {
      bytes += prefixBytes + Buffer.byteLength(key) + (value === undefined ? 0 : entryRowBytes(value));
    }
    const memory = Buffer.allocUnsafeSlow(bytes);
    let end = 0;
    return writes.map(({ key, value }): RowDraft => {
      memory.set(this.#prefix, end);
      const keyEnd = end + prefixBytes + memory.write(key, end + prefixBytes);
      const rowKey = memory.subarray(end, keyEnd);
      end = keyEnd;
      if (value === undefined) return { table: 'projections', key: rowKey, value: undefined };
      end += entryRowBytes(value);
      const row = memory.subarray(keyEnd, end);
      writeEntry(row, value);
      if (this.#isSealed) return this.#draft(rowKey, memory.subarray(keyEnd, keyEnd), row, value);
      sealRowInPlace(rowKey, row);
      return { table: 'projections', key: rowKey, value: row };
    });
  }

  #draft(key: Uint8Array, head: Uint8Array, row: Uint8Array, { encoding, bytes }: EncodedPayload): RowDraft {
    const payload = { encoding, bytes: row.subarray(1, 1 + bytes.length) };
    const secret = { label: 'projection', owner: this.#owner, payload, ifErased: 'refuse' } as const;
    return { table: 'projections', key, value: head, secret };
  }

  #value(snapshot: Snapshot, rowKey: Uint8Array, row: Uint8Array): EncodedPayload | undefined {
    const payload = entryPayload(rowKey, row);
    const place = { label: 'projection', table: 'projections', key: rowKey } as const;
    const value = openPayload(snapshot.keys, place, this.#owner, payload, 0, !this.#isSealed);
    return value === 'erased' ? undefined : ownPayload(value);
  }
}
