/**
 * The read path, one page at a time: each page is one synchronous look at a fresh snapshot, so that nothing stays pinned
 * while the consumer thinks.
 *
 * Scans check whole blocks; reads by version or position check the block's directory and the record. Damage is thrown,
 * never served. Ranges are given by comparison with positions that exist; nothing here counts on the next position.
 */
import { Block } from '../codec/block.ts';
import { eventView } from '../codec/event.ts';
import {
  decodeIndexRun,
  decodeStreamRow,
  type IndexEntry,
  indexKey,
  keyBehindPrefix,
  runVersionOf,
  textKey,
} from '../codec/row.ts';
import { BusError } from '../errors.ts';
import { nameBytesMax, pageBytesMax, pageEventsMax } from '../limits.ts';
import type { Engine, Snapshot } from '../storage/engine.ts';
import type { AppendResult, Direction, StoredEvent, StreamHead, StreamInfo } from '../types.ts';
import { readKeyRow, readStreamRow } from './deferred-index.ts';
import { EventMaker } from './event-maker.ts';
import { RecordCopies } from './record-copies.ts';
import { Scanner, type ScanRange } from './scanner.ts';
import { type Tail, type TailSource, tailEntries } from './tail.ts';

/** A page and whether there may be more behind it. A page can be empty before the end, when a filter rejects much. */
export interface Page<Item> {
  readonly items: Item[];
  readonly isLast: boolean;
}

export class LogReader {
  readonly #engine: Pick<Engine, 'read'>;
  readonly #tails: TailSource;
  readonly #onRead: (events: number) => void;
  readonly #copies = new RecordCopies();

  /** `onRead` is told how many events each page gives. */
  constructor(engine: Pick<Engine, 'read'>, tails: TailSource, onRead: (events: number) => void = () => undefined) {
    this.#engine = engine;
    this.#tails = tails;
    this.#onRead = onRead;
  }

  /** The same for those who tell themselves what they make use of: a page that is left in the middle is read again. */
  get uncounted(): LogReader {
    return new LogReader(this.#engine, this.#tails);
  }

  /** The last durable position; 0 for an empty store. */
  head(): number {
    return this.#look((_snapshot, tail) => tail.head);
  }

  /** The last position that is in the index tables. */
  indexedPosition(): number {
    return this.#look((_snapshot, tail) => tail.indexedPosition);
  }

  /** The next events of `range`, at most `limit`. */
  scan(range: ScanRange, limit: number): Page<StoredEvent> {
    if (limit <= 0 || range.low > range.high) return { items: [], isLast: true };
    const scanner = this.#engine.read((snapshot) => {
      const scanner = new Scanner(range, Math.min(limit, pageEventsMax), new EventMaker(snapshot.keys));
      if (range.direction === 'forward') snapshot.walkForward(range.low, (key, bytes) => scanner.visit(key, bytes));
      else snapshot.walkBackward(range.high, (key, bytes) => scanner.visit(key, bytes));
      return scanner;
    });
    this.#onRead(scanner.items.length);
    return { items: scanner.items, isLast: scanner.isExhausted || range.low > range.high };
  }

  /** The event at `position`, or `undefined` outside the log. */
  event(position: number): StoredEvent | undefined {
    const event = this.#engine.read((snapshot) => {
      let found: StoredEvent | undefined;
      snapshot.walkBackward(position, (firstPosition, bytes) => {
        const block = new Block(bytes, firstPosition, 'directory');
        if (position <= block.lastPosition)
          found = this.#pointRead(new EventMaker(snapshot.keys), kept(block), position);
        return false;
      });
      return found;
    });
    this.#onRead(event === undefined ? 0 : 1);
    return event;
  }

  /** Events of `stream` from version `low` to `high`, at most `limit`, in `direction`. `high` must not be beyond the stream. */
  stream(stream: string, low: number, high: number, direction: Direction, limit: number): StoredEvent[] {
    const count = Math.min(limit, pageEventsMax);
    if (low > high || count <= 0) return [];
    const [first, last] =
      direction === 'forward' ? [low, Math.min(high, low + count - 1)] : [Math.max(low, high - count + 1), high];
    const events = this.#look((snapshot, tail) => {
      const entries = findEntries(snapshot, tail, stream, first, last);
      const versions = entries.map((entry, index) => ({ ...entry, version: first + index }));
      if (direction === 'backward') versions.reverse();
      return this.#readEntries(snapshot, stream, versions);
    });
    this.#onRead(events.length);
    return events;
  }

  streamHead(stream: string): StreamHead | undefined {
    return this.#look((snapshot, tail) => tail.headOf(stream) ?? storedHead(snapshot, stream));
  }

  /** Where the append of an idempotency key is, or `undefined` when the key is not remembered (any more). */
  appendOfKey(text: string): AppendResult[] | undefined {
    return this.#look((snapshot, tail) => {
      const row = tail.keys.get(text) ?? readKeyRow(snapshot, text);
      return row === undefined ? undefined : commitResults(snapshot, row.firstPosition, row.eventCount);
    });
  }

  /** Streams whose name starts with `prefix`, behind `after`, in the order of their bytes. */
  streams(prefix: string, after: string | undefined, limit: number): Page<StreamInfo> {
    if (limit <= 0) return { items: [], isLast: true };
    const count = Math.min(limit, pageEventsMax);
    return this.#look((snapshot, tail) => {
      const rows = storedStreams(snapshot, prefix, after, count);
      const known = new Set(rows.map((row) => row.stream));
      const isAll = rows.length < count;
      const lastRow = rows.at(-1);
      const fresh = [...tail.streams.keys()]
        .filter((name) => !known.has(name) && name.startsWith(prefix))
        .filter((name) => after === undefined || compareBytes(name, after) > 0)
        .filter((name) => isAll || compareBytes(name, (lastRow as StreamInfo).stream) < 0)
        .map((stream) => ({ stream, ...(tail.headOf(stream) as StreamHead) }));
      const items = [...rows.map((row) => ({ ...row, ...tail.headOf(row.stream) })), ...fresh]
        .sort((left, right) => compareBytes(left.stream, right.stream))
        .slice(0, count);
      return { items, isLast: items.length < count };
    });
  }

  /** Reads the events at `entries`, up to the bytes of a page. Neighbours in one block share the look at it. */
  #readEntries(
    snapshot: Snapshot,
    stream: string,
    entries: readonly (IndexEntry & { version: number })[],
  ): StoredEvent[] {
    const events: StoredEvent[] = [];
    const maker = new EventMaker(snapshot.keys);
    let block: Block | undefined;
    let bytesRead = 0;
    for (const { position, block: firstPosition, version } of entries) {
      if (bytesRead >= pageBytesMax) break;
      if (block?.firstPosition !== firstPosition) block = kept(blockOf(snapshot, stream, firstPosition));
      if (position > block.lastPosition) throw damagedIndex(stream);
      const event = this.#pointRead(maker, block, position);
      if (event.stream !== stream || event.version !== version) throw damagedIndex(stream);
      const ordinal = position - firstPosition;
      bytesRead += block.recordEnd(ordinal) - block.recordAt(ordinal);
      events.push(event);
    }
    return events;
  }

  /** One event out of a block whose directory is checked: its record is checked, and copied unless it is sealed. */
  #pointRead(maker: EventMaker, block: Block, position: number): StoredEvent {
    const ordinal = position - block.firstPosition;
    block.checkRecord(ordinal);
    if (maker.isSealed(block, ordinal)) return maker.view(block, ordinal);
    const recordAt = block.recordAt(ordinal);
    const stream = maker.plainStream(block, ordinal);
    const type = block.typeName(block.typeIndexAt(recordAt));
    const at = this.#copies.add(block.bytes, recordAt, block.recordEnd(ordinal));
    return eventView(this.#copies.bytes, at, position, stream, type);
  }

  #look<T>(use: (snapshot: Snapshot, tail: Tail) => T): T {
    return this.#engine.read((snapshot) => use(snapshot, this.#tails.at(snapshot)));
  }
}

/** The results of the commit that begins at `firstPosition`, told from the log: what a duplicate append gets. */
export function commitResults(snapshot: Snapshot, firstPosition: number, eventCount: number): AppendResult[] {
  const results: {
    stream: string;
    firstVersion: number;
    lastVersion: number;
    firstPosition: number;
    lastPosition: number;
    duplicate: boolean;
  }[] = [];
  const lastPosition = firstPosition + eventCount - 1;
  snapshot.walkForward(firstPosition, (key, bytes) => {
    const block = new Block(bytes, key, 'whole');
    for (let ordinal = 0; ordinal < block.eventCount; ordinal++) {
      const position = block.positionOf(ordinal);
      if (position < firstPosition || position > lastPosition) continue;
      const recordAt = block.recordAt(ordinal);
      const stream = block.streamName(block.streamIndexAt(recordAt));
      const version = block.versionAt(recordAt);
      const result = results.at(-1);
      if (result?.stream === stream) {
        result.lastVersion = version;
        result.lastPosition = position;
      } else {
        results.push({
          stream,
          firstVersion: version,
          lastVersion: version,
          firstPosition: position,
          lastPosition: position,
          duplicate: true,
        });
      }
    }
    return block.lastPosition < lastPosition;
  });
  return results;
}

/** Where versions `first` to `last` of `stream` are: from the index, then from the tail. */
function findEntries(snapshot: Snapshot, tail: Tail, stream: string, first: number, last: number): IndexEntry[] {
  const inTail = tail.streams.get(stream);
  const tailVersion = inTail?.firstVersion ?? Number.POSITIVE_INFINITY;
  const entries = first < tailVersion ? indexedEntries(snapshot, stream, first, Math.min(last, tailVersion - 1)) : [];
  if (inTail !== undefined) entries.push(...tailEntries(inTail, first, last));
  if (entries.length !== last - first + 1) throw damagedIndex(stream);
  return entries;
}

function indexedEntries(snapshot: Snapshot, stream: string, first: number, last: number): IndexEntry[] {
  const entries: IndexEntry[] = [];
  let runKey = indexKey(stream, 1);
  const lowest = runKey;
  const below = indexKey(stream, last + 1);
  snapshot.walkRows('stream_index', { from: lowest, below: indexKey(stream, first + 1), reverse: true }, (key) => {
    runKey = Buffer.from(Uint8Array.prototype.slice.call(key));
    return false;
  });
  snapshot.walkRows('stream_index', { from: runKey, below }, (key, value) => {
    const runVersion = runVersionOf(key);
    const run = decodeIndexRun(key, value);
    const skipped = Math.max(0, first - runVersion);
    for (const entry of run.slice(skipped, Math.max(0, last - runVersion + 1))) entries.push(entry);
    return true;
  });
  return entries;
}

/** A block that the index names, over borrowed bytes. */
function blockOf(snapshot: Snapshot, stream: string, firstPosition: number): Block {
  const bytes = snapshot.block(firstPosition);
  if (bytes === undefined) throw damagedIndex(stream);
  return new Block(bytes, firstPosition, 'directory');
}

/** Sealed records are opened out of their block, later: it needs bytes of its own. */
function kept(block: Block): Block {
  return block.hasSealed ? block.copy() : block;
}

function storedHead(snapshot: Snapshot, stream: string): StreamHead | undefined {
  const row = readStreamRow(snapshot, stream);
  return row === undefined ? undefined : { version: row.version, lastPosition: row.lastPosition };
}

function storedStreams(snapshot: Snapshot, prefix: string, after: string | undefined, count: number): StreamInfo[] {
  const rows: StreamInfo[] = [];
  const prefixKey = textKey(prefix);
  // No name is longer, and an engine may refuse a key that is.
  if (prefixKey.length > nameBytesMax) return rows;
  const below = prefix === '' ? undefined : keyBehindPrefix(prefixKey);
  const afterKey =
    after === undefined ? undefined : Buffer.concat([textKey(after).subarray(0, nameBytesMax), Buffer.of(0)]);
  const from = afterKey !== undefined && Buffer.compare(afterKey, prefixKey) > 0 ? afterKey : prefixKey;
  snapshot.walkRows('streams', below === undefined ? { from } : { from, below }, (key, value) => {
    if (rows.length === count) return false;
    const { version, lastPosition } = decodeStreamRow(key, value);
    rows.push({ stream: Buffer.from(Uint8Array.prototype.slice.call(key)).toString(), version, lastPosition });
    return rows.length < count;
  });
  return rows;
}

function compareBytes(left: string, right: string): number {
  return Buffer.compare(textKey(left), textKey(right));
}

function damagedIndex(stream: string): BusError<'STORE_CORRUPT'> {
  return new BusError('STORE_CORRUPT', `the index of ${JSON.stringify(stream)} does not agree with the log`, {
    table: 'stream_index',
    position: undefined,
  });
}
