/**
 * The index tables: `streams`, `stream_index` and `idempotency`, written many commits at a time and always from the log.
 *
 * One function makes their rows from a tail; the writer uses it when its tail is full, `rebuildIndex` on a log read from
 * its beginning. The tables are a cache: they never know what the log does not.
 */
import { Block } from '../codec/block.ts';
import {
  decodeIdempotencyRow,
  decodeStreamRow,
  encodeIdempotencyRow,
  encodeIndexRun,
  encodeStreamRow,
  type IdempotencyRow,
  type IndexEntry,
  indexKey,
  type StreamRow,
  textKey,
} from '../codec/row.ts';
import { BusError, isBusError } from '../errors.ts';
import { indexRunEventsMax, tailBlocksMax, tailEventsMax } from '../limits.ts';
import type { Engine, RowWrite, Snapshot, TableName, WriteSet } from '../storage/engine.ts';
import { metaNumberRow, readMetaNumber } from './store-meta.ts';
import { lastTimeOf, Tail, tailEntries } from './tail.ts';

/** Everything an index flush writes, in one transaction: the rows of all that is in `tail`, and how far they reach. */
export function indexRows(snapshot: Snapshot, tail: Tail, idempotencyTtlMs: number): RowWrite[] {
  const streams = [...tail.streams].map(([stream, known]) => ({ stream, key: textKey(stream), known }));
  streams.sort((left, right) => Buffer.compare(left.key, right.key));
  const heads: RowWrite[] = [];
  const runs: RowWrite[] = [];
  for (const { stream, key, known } of streams) {
    const { firstVersion } = known;
    const entries = tailEntries(known, firstVersion, Number.POSITIVE_INFINITY);
    const before = readStreamRow(snapshot, stream, key);
    if ((before?.version ?? 0) !== firstVersion - 1) throw staleRow('streams', stream);
    const newestRun = addRuns(snapshot, runs, stream, before, entries);
    const last = entries.at(-1) as IndexEntry;
    const version = firstVersion + entries.length - 1;
    const row = { version, lastPosition: last.position, runVersion: newestRun, keyId: before?.keyId ?? 0 };
    heads.push({ table: 'streams', key, value: encodeStreamRow(key, row) });
  }
  return [
    ...heads,
    ...runs,
    ...sweepRows(snapshot, tail, tail.lastTimeMs - idempotencyTtlMs),
    ...keyRows(tail),
    metaNumberRow('indexedPosition', tail.head),
  ];
}

/**
 * The row of `stream`, or `undefined` if there is no such stream in the index. A first run without a row tells that the row
 * was lost, without which the stream would begin again. @throws {STORE_CORRUPT}
 */
export function readStreamRow(snapshot: Snapshot, stream: string, key = textKey(stream)): StreamRow | undefined {
  const row = snapshot.row('streams', key);
  if (row !== undefined) return decodeStreamRow(key, row);
  if (snapshot.row('stream_index', indexKey(stream, 1)) !== undefined) throw staleRow('streams', stream);
  return undefined;
}

/** The row of an idempotency key, or `undefined` if it has none. */
export function readKeyRow(snapshot: Snapshot, text: string): IdempotencyRow | undefined {
  const key = textKey(text);
  const row = snapshot.row('idempotency', key);
  return row === undefined ? undefined : decodeIdempotencyRow(key, row);
}

/** Fills up the newest run of the stream, begins new ones for the rest, and returns the first version of the newest. */
function addRuns(
  snapshot: Snapshot,
  runs: RowWrite[],
  stream: string,
  before: StreamRow | undefined,
  entries: readonly IndexEntry[],
): number {
  let runVersion = before?.runVersion ?? 1;
  let count = before === undefined ? 0 : before.version - runVersion + 1;
  for (let added = 0; added < entries.length; ) {
    if (count === indexRunEventsMax) {
      runVersion += count;
      count = 0;
    }
    const key = indexKey(stream, runVersion);
    const part = entries.slice(added, added + indexRunEventsMax - count);
    const run = count === 0 ? undefined : snapshot.row('stream_index', key);
    if (count > 0 && run === undefined) throw staleRow('stream_index', stream);
    runs.push({ table: 'stream_index', key, value: encodeIndexRun(key, part, run) });
    added += part.length;
    count += part.length;
  }
  return runVersion;
}

function keyRows(tail: Tail): RowWrite[] {
  return [...tail.keys]
    .map(([text, row]) => ({ key: textKey(text), row }))
    .sort((left, right) => Buffer.compare(left.key, right.key))
    .map(({ key, row }) => ({ table: 'idempotency', key, value: encodeIdempotencyRow(key, row) }));
}

/**
 * Removes keys that have expired. The log is the list of keys by age: it is read on from `sweptPosition`, two blocks for
 * each that the tail brings and some more, so that sweeping keeps up and stays bounded. Every key up to the new
 * `sweptPosition` is gone, unless it was used again later. Age is by commit times: a clock that was wrong for a while and
 * wrote nothing makes no key expire. A damaged block ends the sweep for good: its keys stay, and appends go on.
 */
function sweepRows(snapshot: Snapshot, tail: Tail, expiredBeforeMs: number): RowWrite[] {
  const sweptPosition = readMetaNumber(snapshot, 'sweptPosition');
  if (tail.keys.size === 0 && isEmpty(snapshot, 'idempotency')) return [metaNumberRow('sweptPosition', tail.head)];
  let blocksLeft = 2 * tail.blockCount + 64;
  let swept = sweptPosition;
  const expired: { key: string; firstPosition: number }[] = [];
  snapshot.walkForward(sweptPosition, (firstPosition, bytes) => {
    const block = soundBlock(bytes, firstPosition);
    if (block === undefined) return false;
    if (block.lastPosition <= sweptPosition) return true;
    if (block.lastPosition > tail.indexedPosition || blocksLeft-- === 0) return false;
    if (lastTimeOf(block) >= expiredBeforeMs) return false;
    for (const { idempotency, firstPosition: commit } of block.commits()) {
      if (idempotency !== undefined) expired.push({ key: idempotency.key, firstPosition: commit });
    }
    swept = block.lastPosition;
    return true;
  });
  const removals = expired.filter(({ key, firstPosition }) => ownsRow(snapshot, key, firstPosition));
  return [
    ...removals.map(({ key }): RowWrite => ({ table: 'idempotency', key: textKey(key), value: undefined })),
    metaNumberRow('sweptPosition', swept),
  ];
}

/** The block, unless it is damaged. */
function soundBlock(bytes: Uint8Array, firstPosition: number): Block | undefined {
  try {
    return new Block(bytes, firstPosition, 'whole');
  } catch (error) {
    if (isBusError(error, 'STORE_CORRUPT')) return undefined;
    throw error;
  }
}

function ownsRow(snapshot: Snapshot, text: string, firstPosition: number): boolean {
  return readKeyRow(snapshot, text)?.firstPosition === firstPosition;
}

function staleRow(table: 'streams' | 'stream_index', stream: string): BusError<'STORE_CORRUPT'> {
  return new BusError('STORE_CORRUPT', `the row of ${JSON.stringify(stream)} in ${table} is not what the log says`, {
    table,
    position: undefined,
  });
}

function isEmpty(snapshot: Snapshot, table: TableName): boolean {
  let empty = true;
  snapshot.walkRows(table, {}, () => {
    empty = false;
    return false;
  });
  return empty;
}

/** True when `tail` has no room for `eventCount` more events in `blockCount` more blocks. */
export function isTailFull(tail: Tail, eventCount: number, blockCount: number): boolean {
  return tail.eventCount + eventCount > tailEventsMax || tail.blockCount + blockCount > tailBlocksMax;
}

const indexTables = ['streams', 'stream_index', 'idempotency'] as const;
const removalsPerCommit = 10_000;

/**
 * Builds the index tables anew from the blocks alone and returns the tail that is left over. Safe to interrupt: the next
 * open goes on. Readers in other processes should be closed meanwhile, their tail would be the whole log.
 */
export function rebuildIndex(engine: Engine, fence: WriteSet['fence'], idempotencyTtlMs: number): Tail {
  commit(engine, fence, [metaNumberRow('indexedPosition', 0), metaNumberRow('sweptPosition', 0)]);
  return openIndex(engine, fence, idempotencyTtlMs);
}

/**
 * The writer's tail at open. Removes rows left by an interrupted rebuild, which alone leaves rows while nothing counts as
 * indexed, and indexes what is more than a tail may hold.
 */
export function openIndex(engine: Engine, fence: WriteSet['fence'], idempotencyTtlMs: number): Tail {
  const indexedPosition = engine.read((snapshot) => readMetaNumber(snapshot, 'indexedPosition'));
  if (indexedPosition === 0) for (const table of indexTables) clear(engine, fence, table);
  return catchUpIndex(engine, fence, idempotencyTtlMs, new Tail(indexedPosition));
}

/** Follows the log behind `tail`, writing index rows whenever the tail is full. */
function catchUpIndex(engine: Engine, fence: WriteSet['fence'], idempotencyTtlMs: number, tail: Tail): Tail {
  let isBehind = true;
  while (isBehind) {
    isBehind = engine.read((snapshot) => fillTail(snapshot, tail));
    if (!isBehind) break;
    commit(
      engine,
      fence,
      engine.read((snapshot) => indexRows(snapshot, tail, idempotencyTtlMs)),
    );
    tail.dropThrough(tail.head);
  }
  return tail;
}

/** Follows blocks as long as they fit. True when there are more. */
function fillTail(snapshot: Snapshot, tail: Tail): boolean {
  let isFull = false;
  snapshot.walkForward(tail.head, (firstPosition, bytes) => {
    const block = new Block(bytes, firstPosition, 'whole');
    if (firstPosition <= tail.head) {
      // The last block in the index still tells the time that later ones may not go behind.
      tail.lastTimeMs = lastTimeOf(block);
      return true;
    }
    isFull = tail.eventCount > 0 && isTailFull(tail, block.eventCount, 1);
    if (!isFull) tail.follow(block);
    return !isFull;
  });
  return isFull;
}

function clear(engine: Engine, fence: WriteSet['fence'], table: TableName): void {
  for (;;) {
    const rows: RowWrite[] = [];
    engine.read((snapshot) =>
      snapshot.walkRows(table, {}, (key) => {
        rows.push({ table, key: Uint8Array.prototype.slice.call(key), value: undefined });
        return rows.length < removalsPerCommit;
      }),
    );
    if (rows.length === 0) return;
    commit(engine, fence, rows);
  }
}

function commit(engine: Engine, fence: WriteSet['fence'], rows: readonly RowWrite[]): void {
  engine.commit(fence === undefined ? { blocks: [], rows } : { blocks: [], rows, fence });
}
