/**
 * Projections as the store has them: builds, entries and cursors, read within a snapshot, and the rows that change them.
 *
 * A reader takes the active build and its entries from one snapshot. Nothing here decides which build is worked on.
 */
import { assert } from '../assert.ts';
import type { EncodedPayload } from '../codec/payload.ts';
import {
  buildsKey,
  decodeBuilds,
  encodeBuilds,
  entryPrefix,
  entryRowBytes,
  openEntry,
  type ProjectionBuild,
  type ProjectionBuilds,
  projectionOfKey,
  writeEntry,
} from '../codec/projection-row.ts';
import { sealRowInPlace, textKey } from '../codec/row.ts';
import { pageBytesMax } from '../limits.ts';
import type { RowWrite, Snapshot } from '../storage/engine.ts';
import { type KeyRange, rowRange } from './projection-range.ts';

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
const cursorPrefix = '$projection/';

/** The cursor of a build. */
export function buildCursorName(name: string, build: number): string {
  return `${cursorPrefix}${build}/${name}`;
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

/** The entries of one build. */
export class BuildEntries {
  readonly #prefix: Buffer;
  /** The prefix with room for a key, filled for each look-up. */
  readonly #key: Buffer;

  constructor(name: string, { build }: ProjectionBuild) {
    this.#prefix = entryPrefix(name, build);
    // Two bytes more than any key that LMDB takes.
    this.#key = Buffer.alloc(1980, this.#prefix);
  }

  /** What each key has before that of its entry. */
  get prefixBytes(): number {
    return this.#prefix.length;
  }

  /** @throws {STORE_CORRUPT} */
  get(snapshot: Snapshot, key: string): EncodedPayload | undefined {
    const rowKey = this.#key.subarray(0, this.#prefix.length + this.#key.write(key, this.#prefix.length));
    const row = snapshot.row('projections', rowKey);
    return row === undefined ? undefined : openEntry(rowKey, row);
  }

  /** The next entries of `range` behind `after`, at most `count`, and whether they are the last. @throws {STORE_CORRUPT} */
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
      const key = Buffer.from(rowKey.buffer, rowKey.byteOffset, rowKey.length).toString('utf8', this.#prefix.length);
      items.push({ key, value: openEntry(rowKey, row) });
      bytes += row.length;
      return items.length < count && bytes < pageBytesMax;
    });
    return { items, isLast: items.length < count && bytes < pageBytesMax };
  }

  /** The rows of `writes`. All of them share one piece of memory, so that they change threads as one. */
  rows(writes: readonly EntryWrite[]): RowWrite[] {
    const prefixBytes = this.#prefix.length;
    let bytes = 0;
    for (const { key, value } of writes) {
      bytes += prefixBytes + Buffer.byteLength(key) + (value === undefined ? 0 : entryRowBytes(value));
    }
    const memory = Buffer.allocUnsafeSlow(bytes);
    let end = 0;
    return writes.map(({ key, value }): RowWrite => {
      memory.set(this.#prefix, end);
      const keyEnd = end + prefixBytes + memory.write(key, end + prefixBytes);
      const rowKey = memory.subarray(end, keyEnd);
      end = keyEnd;
      if (value === undefined) return { table: 'projections', key: rowKey, value: undefined };
      end += entryRowBytes(value);
      const row = memory.subarray(keyEnd, end);
      writeEntry(row, value);
      sealRowInPlace(rowKey, row);
      return { table: 'projections', key: rowKey, value: row };
    });
  }
}

/** Removes what no build of `name` needs any more, at most `rowsMax` rows; nothing when there is nothing left over. */
export function leftoverRows(snapshot: Snapshot, name: string, rowsMax: number): RowWrite[] {
  const { active, building } = readBuilds(snapshot, name);
  const isKept = (build: number) => build === active?.build || build === building?.build;
  const rows: RowWrite[] = [];
  let next: number | undefined = 0;
  while (next !== undefined && rows.length < rowsMax)
    next = collectLeftovers(snapshot, name, next, isKept, rows, rowsMax);
  if (rows.length === rowsMax) return rows;
  // Cursors go last: while there is one, somebody may see that something was there.
  const from = textKey(cursorPrefix);
  snapshot.walkRows('consumer_cursors', { from }, (key) => {
    const text = Buffer.from(key).toString();
    const [build] = text.startsWith(cursorPrefix) ? text.slice(cursorPrefix.length).split('/', 1) : [];
    if (build === undefined) return false;
    if (text === buildCursorName(name, Number(build)) && !isKept(Number(build)))
      rows.push(removal('consumer_cursors', key));
    return rows.length < rowsMax;
  });
  return rows;
}

/** Collects rows of the first build from number `from` on; gives the number to go on with. Builds that are kept are passed over. */
function collectLeftovers(
  snapshot: Snapshot,
  name: string,
  from: number,
  isKept: (build: number) => boolean,
  rows: RowWrite[],
  rowsMax: number,
): number | undefined {
  let passed: number | undefined;
  const below = Buffer.from(`${name}\u0001`);
  snapshot.walkRows('projections', { from: entryPrefix(name, from), below }, (key) => {
    const build = projectionOfKey(key)?.build;
    if (build !== undefined && isKept(build)) {
      passed = build;
      return false;
    }
    rows.push(removal('projections', key));
    return rows.length < rowsMax;
  });
  assert(passed === undefined || passed >= from, 'builds ascend');
  return passed === undefined ? undefined : passed + 1;
}

function removal(table: RowWrite['table'], key: Uint8Array): RowWrite {
  return { table, key: Uint8Array.prototype.slice.call(key), value: undefined };
}
