/**
 * The overlay: entries of one build with what was written since the last save, over the rows of the store.
 *
 * Knows three moments: the last save, the beginning of the current round, and that of the current call of a handler. What a
 * call or a round did can be taken back; the rows can be told as of now and as of the beginning of the round. Entries that
 * were read or saved stay in memory, up to a limit: nobody else writes the rows of a build.
 */
import { projectionCacheBytesMax, projectionCacheMax, projectionRangePage } from '../limits.ts';
import type { Engine } from '../storage/engine.ts';
import { compareKeys, isInRange, type KeyRange } from './projection-range.ts';
import type { BuildEntries, StoredEntry } from './projection-rows.ts';
import { encoded, type HeldValue, heldBytes, heldOf } from './projection-value.ts';
import type { RowDraft } from './row-draft.ts';

interface Entry {
  readonly key: string;
  now: HeldValue;
  /** Not saved. */
  isDirty: boolean;
  /** The round in which it was written last; `before` and `wasDirty` are of its beginning. */
  round: number;
  before: HeldValue;
  wasDirty: boolean;
}

/** What a call has changed, to be taken back. */
interface Undo {
  readonly entry: Entry;
  readonly now: HeldValue;
  readonly wasDirty: boolean;
}

/** Bytes of an entry beside key and value, in memory, roughly. */
const entryBytes = 64;

export class ProjectionOverlay {
  readonly #engine: Pick<Engine, 'read'>;
  readonly #stored: BuildEntries;
  readonly #entries = new Map<string, Entry>();
  readonly #dirty = new Set<Entry>();
  /** Of the current call. */
  readonly #undos: Undo[] = [];
  /** Of the current round. */
  #written: Entry[] = [];
  #round = 1;
  #bytes = 0;
  #dirtyBytes = 0;
  /** Keys of unsaved entries in order, once a range has asked for them; some may have been saved or taken back since. */
  #sorted: string[] | undefined;

  constructor(engine: Pick<Engine, 'read'>, stored: BuildEntries) {
    this.#engine = engine;
    this.#stored = stored;
  }

  /** Bytes of what is not saved, roughly. */
  get dirtyBytes(): number {
    return this.#dirtyBytes;
  }

  get isDirty(): boolean {
    return this.#dirty.size > 0;
  }

  get(key: string): HeldValue {
    const entry = this.#entries.get(key);
    if (entry !== undefined) return entry.now;
    const value = heldOf(this.#engine.read((snapshot) => this.#stored.get(snapshot, key)));
    if (this.#entries.size < projectionCacheMax && this.#bytes < projectionCacheBytesMax) this.#add(key, value);
    return value;
  }

  /** `undefined` removes the entry. */
  set(key: string, value: HeldValue): void {
    const entry = this.#entries.get(key) ?? this.#add(key, undefined);
    if (entry.round !== this.#round) {
      entry.round = this.#round;
      entry.before = entry.now;
      entry.wasDirty = entry.isDirty;
      this.#written.push(entry);
    }
    this.#undos.push({ entry, now: entry.now, wasDirty: entry.isDirty });
    this.#put(entry, value, true);
  }

  /** The entries of a range, read as they are asked for. What is written behind an entry that was given shows. */
  *range(range: KeyRange): Generator<readonly [key: string, value: HeldValue], void, undefined> {
    let left = range.limit;
    let after: string | undefined;
    for (let isLast = false; !isLast && left > 0; ) {
      const count = Math.min(projectionRangePage, left);
      const page = this.#engine.read((snapshot) => this.#stored.page(snapshot, range, after, count));
      isLast = page.isLast;
      const end = isLast ? undefined : page.items.at(-1)?.key;
      for (const { key, value } of this.#merged(page.items, this.#dirtyKeys(range, after, end), range.isReverse)) {
        const entry = this.#entries.get(key);
        const current = entry === undefined ? value : entry.now;
        if (current === undefined) continue;
        yield [key, current];
        if (--left === 0) return;
      }
      after = end;
    }
  }

  /** A call of a handler begins. */
  beginCall(): void {
    this.#undos.length = 0;
  }

  /** Takes back what was written since {@link beginCall}. */
  undoCall(): void {
    for (let undo = this.#undos.pop(); undo !== undefined; undo = this.#undos.pop()) {
      this.#put(undo.entry, undo.now, undo.wasDirty);
    }
  }

  /** A round begins: the one before is kept. */
  beginRound(): void {
    this.#round++;
    this.#written = [];
  }

  /** Takes back what was written since {@link beginRound}. */
  undoRound(): void {
    this.#undos.length = 0;
    for (const entry of this.#written) this.#put(entry, entry.before, entry.wasDirty);
  }

  /** The rows that make durable what was written since the last save, up to now or up to the beginning of the round. */
  rows(upTo: 'now' | 'round'): readonly RowDraft[] {
    const writes = [];
    for (const { key, now, before, round, wasDirty } of this.#dirty) {
      const isOfRound = upTo === 'round' && round === this.#round;
      if (isOfRound && !wasDirty) continue;
      const value = isOfRound ? before : now;
      writes.push({ key, value: value === undefined ? undefined : encoded(value) });
    }
    return this.#stored.rows(writes);
  }

  /** Everything written is saved. */
  saved(): void {
    if (this.#entries.size > projectionCacheMax || this.#bytes > projectionCacheBytesMax) {
      this.clear();
      return;
    }
    for (const entry of this.#dirty) entry.isDirty = false;
    this.#dirty.clear();
    this.#dirtyBytes = 0;
    this.#sorted = undefined;
    this.beginRound();
  }

  /** Forgets everything: only what is stored counts. */
  clear(): void {
    this.#entries.clear();
    this.#dirty.clear();
    this.#undos.length = 0;
    this.#bytes = 0;
    this.#dirtyBytes = 0;
    this.#sorted = undefined;
    this.beginRound();
  }

  #add(key: string, now: HeldValue): Entry {
    const entry = { key, now, isDirty: false, round: 0, before: undefined, wasDirty: false };
    this.#entries.set(key, entry);
    this.#bytes += entryBytes + key.length + heldBytes(now);
    return entry;
  }

  #put(entry: Entry, value: HeldValue, isDirty: boolean): void {
    const bytes = heldBytes(value);
    const bytesBefore = heldBytes(entry.now);
    this.#bytes += bytes - bytesBefore;
    const base = entryBytes + this.#stored.prefixBytes + entry.key.length;
    if (entry.isDirty) this.#dirtyBytes -= base + bytesBefore;
    if (isDirty) this.#dirtyBytes += base + bytes;
    entry.now = value;
    if (entry.isDirty === isDirty) return;
    entry.isDirty = isDirty;
    if (isDirty) {
      this.#dirty.add(entry);
      if (this.#sorted !== undefined) insert(this.#sorted, entry.key);
    } else {
      this.#dirty.delete(entry);
      // What was there before it was written first is not known, if it was not read.
      this.#entries.delete(entry.key);
      this.#bytes -= entryBytes + entry.key.length + bytes;
    }
  }

  /** Keys of unsaved entries in the range, behind `after` and up to `end`, in the order of keys. */
  #dirtyKeys(range: KeyRange, after: string | undefined, end: string | undefined): string[] {
    this.#sorted ??= [...this.#dirty].map(({ key }) => key).sort(compareKeys);
    const [low, high] = range.isReverse ? [end, after] : [after, end];
    const keys: string[] = [];
    for (let index = lowerBound(this.#sorted, low ?? range.from); index < this.#sorted.length; index++) {
      const key = this.#sorted[index] as string;
      if (high !== undefined && compareKeys(key, high) > 0) break;
      if (!isInRange(range, key)) break;
      if (key !== after) keys.push(key);
    }
    return keys;
  }

  /** Both in the order of the range, each key once. */
  #merged(
    stored: readonly StoredEntry[],
    dirty: readonly string[],
    isReverse: boolean,
  ): readonly { readonly key: string; readonly value: HeldValue }[] {
    if (dirty.length === 0) return stored;
    const known = new Set(stored.map(({ key }) => key));
    const fresh = dirty.filter((key) => !known.has(key)).map((key) => ({ key, value: undefined }));
    const merged = [...stored, ...fresh].sort((left, right) => compareKeys(left.key, right.key));
    return isReverse ? merged.reverse() : merged;
  }
}

/** The first place whose key is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keys[middle] as string, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insert(keys: string[], key: string): void {
  const index = lowerBound(keys, key);
  if (keys[index] !== key) keys.splice(index, 0, key);
}
