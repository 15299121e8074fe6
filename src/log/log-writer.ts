/**
 * The append path: one group of requests becomes one durable transaction.
 *
 * Owns the order: positions and versions start at 1 and have no gap, a failed commit burns none. Each request has its own
 * outcome; one that is refused leaves no trace in the others. Synchronous, in one thread; queueing is the host's (actors/).
 */
import { assert } from '../assert.ts';
import { BlockPacker } from '../codec/block-packer.ts';
import { recordBytes } from '../codec/record.ts';
import { decodeIdempotencyRow, type IdempotencyRow, textKey } from '../codec/row.ts';
import { BusError } from '../errors.ts';
import { headCacheMax } from '../limits.ts';
import type { Engine, Snapshot, WriteSet } from '../storage/engine.ts';
import type { AppendResult, ExpectedVersion, StreamHead } from '../types.ts';
import type { AppendRequest } from './append-request.ts';
import { indexRows, isTailFull, openIndex, readStreamRow, rebuildIndex } from './deferred-index.ts';
import { commitResults } from './log-reader.ts';
import { durabilityRow, metaNumberRow, readIdentity, readMetaNumber, type StoreIdentity } from './store-meta.ts';
import type { Tail, TailSource } from './tail.ts';

/** What became of one request: where its events are, or why nothing of it was written. */
export type Outcome = { readonly results: AppendResult[] } | { readonly error: unknown };

export interface LogWriterOptions {
  /** How long an idempotency key is remembered, in milliseconds. */
  readonly idempotencyTtlMs: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** One event of a group with its place, for the tail, once the group is durable. */
interface PlacedEvent {
  readonly stream: string;
  readonly version: number;
  readonly position: number;
  readonly block: number;
}

/** What a group has decided so far and nobody else may see yet. */
interface Group {
  readonly timeMs: number;
  readonly heads: Map<string, number>;
  readonly events: PlacedEvent[];
  /** Requests of this group by idempotency key. */
  readonly keys: Map<string, { readonly row: IdempotencyRow; readonly results: AppendResult[] }>;
}

export class LogWriter implements TailSource {
  readonly identity: StoreIdentity;
  readonly #engine: Engine;
  readonly #options: LogWriterOptions;
  readonly #fence: NonNullable<WriteSet['fence']>;
  readonly #packer: BlockPacker;
  /** Heads of streams outside the tail that were asked for lately. */
  readonly #headCache = new Map<string, StreamHead>();
  #tail: Tail;
  #lastTimeMs: number;
  #failure: BusError | undefined;

  /**
   * Takes the store over: raises the writer's epoch, so that any earlier writer is fenced off, and reads the tail.
   * @throws {STORE_FORMAT} {STORE_CORRUPT} {STORE_READ_ONLY}
   */
  constructor(engine: Engine, options: LogWriterOptions) {
    this.#engine = engine;
    this.#options = options;
    this.identity = engine.read((snapshot) => readIdentity(snapshot, engine.path));
    this.#fence = takeOver(engine, this.identity);
    this.#packer = new BlockPacker(this.identity.incarnation);
    this.#tail = openIndex(engine, this.#fence, this.#expiredBeforeMs());
    this.#lastTimeMs = this.#tail.lastTimeMs;
  }

  /** The last durable position. */
  get head(): number {
    return this.#tail.head;
  }

  /** Why no more appends are taken, if so. */
  get failure(): BusError | undefined {
    return this.#failure;
  }

  /** The writer's tail is that of every snapshot taken in its thread: it changes only with a commit. */
  at(_snapshot: Snapshot): Tail {
    return this.#tail;
  }

  /** Commits `requests` in order as one transaction and returns an outcome for each. Never throws. */
  commit(requests: readonly AppendRequest[]): Outcome[] {
    const failure = this.#failure;
    if (failure !== undefined) return requests.map(() => ({ error: failure }));
    const group: Group = { timeMs: this.#now(), heads: new Map(), events: [], keys: new Map() };
    try {
      this.#packer.start(this.#tail.head + 1);
      const outcomes = this.#engine.read((snapshot) =>
        requests.map((request) => this.#place(snapshot, group, request)),
      );
      if (group.events.length > 0) this.#write(group);
      return outcomes;
    } catch (error) {
      this.#poison(error);
      return requests.map(() => ({ error }));
    }
  }

  /** Writes what is not indexed yet, so that the next open has nothing to replay. */
  flushIndex(): void {
    if (this.#failure !== undefined || this.#tail.eventCount === 0) return;
    const rows = this.#engine.read((snapshot) => indexRows(snapshot, this.#tail, this.#expiredBeforeMs()));
    this.#engine.commit({ blocks: [], rows, fence: this.#fence });
    this.#tail.dropThrough(this.#tail.head);
  }

  /** Throws the index tables away and builds them from the blocks. */
  rebuildIndex(): void {
    this.#headCache.clear();
    this.#tail = rebuildIndex(this.#engine, this.#fence, this.#expiredBeforeMs());
  }

  /** Decides one request: refuses it, finds it a duplicate, or gives its events their places. */
  #place(snapshot: Snapshot, group: Group, request: AppendRequest): Outcome {
    try {
      const duplicate = this.#duplicateOf(snapshot, group, request);
      if (duplicate !== undefined) return { results: duplicate };
      for (const part of request.parts) {
        checkExpected(part.stream, part.expectedVersion, this.#version(snapshot, group, part.stream));
      }
    } catch (error) {
      // Nothing of this request is placed yet, so its failure is its own: a refusal, or a damaged row it had to look at.
      return { error };
    }
    return { results: this.#add(snapshot, group, request) };
  }

  #duplicateOf(snapshot: Snapshot, group: Group, request: AppendRequest): AppendResult[] | undefined {
    if (request.idempotency === undefined) return undefined;
    const { key, hash } = request.idempotency;
    const inGroup = group.keys.get(key);
    const row = inGroup?.row ?? this.#tail.keys.get(key) ?? readKey(snapshot, key);
    if (row === undefined || row.timeMs < group.timeMs - this.#options.idempotencyTtlMs) return undefined;
    if (Buffer.compare(row.hash, hash) !== 0) {
      throw new BusError(
        'IDEMPOTENCY_KEY_REUSED',
        `the idempotency key ${JSON.stringify(key)} was used for other content, at position ${row.firstPosition}`,
        { key, firstPosition: row.firstPosition },
      );
    }
    if (inGroup !== undefined) return inGroup.results.map((result) => ({ ...result, duplicate: true }));
    return commitResults(snapshot, row.firstPosition, row.eventCount);
  }

  /** The version of `stream` as this group leaves it so far; 0 if there is no such stream. */
  #version(snapshot: Snapshot, group: Group, stream: string): number {
    return group.heads.get(stream) ?? this.#head(snapshot, stream)?.version ?? 0;
  }

  #head(snapshot: Snapshot, stream: string): StreamHead | undefined {
    const known = this.#tail.headOf(stream) ?? this.#headCache.get(stream);
    if (known !== undefined) return known;
    const head = readStreamRow(snapshot, textKey(stream));
    if (head !== undefined) {
      if (this.#headCache.size >= headCacheMax) this.#headCache.clear();
      this.#headCache.set(stream, head);
    }
    return head;
  }

  #add(snapshot: Snapshot, group: Group, request: AppendRequest): AppendResult[] {
    const firstPosition = this.#packer.beginCommit(request.types.length, request.idempotency);
    const results: AppendResult[] = [];
    let recordStart = 0;
    let index = 0;
    for (const { stream, eventCount } of request.parts) {
      const before = this.#version(snapshot, group, stream);
      const partPosition = firstPosition + index;
      for (let version = before + 1; version <= before + eventCount; version++) {
        const recordEnd = recordStart + recordBytes(request.records, recordStart);
        const type = request.types[index++] as string;
        const event = { stream, type, version, timeMs: group.timeMs };
        const { position, block } = this.#packer.add(event, request.records, recordStart, recordEnd);
        group.events.push({ stream, version, position, block });
        recordStart = recordEnd;
      }
      group.heads.set(stream, before + eventCount);
      results.push({
        stream,
        firstVersion: before + 1,
        lastVersion: before + eventCount,
        firstPosition: partPosition,
        lastPosition: firstPosition + index - 1,
        duplicate: false,
      });
    }
    assert(recordStart === request.records.length, 'a request holds as many records as it says');
    if (request.idempotency !== undefined) {
      const { key, hash } = request.idempotency;
      const row = { firstPosition, eventCount: index, timeMs: group.timeMs, hash };
      group.keys.set(key, { row, results });
    }
    return results;
  }

  /** Makes the group durable, then known. With a full tail, the tail goes into the index in the same transaction. */
  #write(group: Group): void {
    const blocks = this.#packer.finish();
    const isFull = isTailFull(this.#tail, group.events.length, blocks.length);
    const rows = isFull
      ? this.#engine.read((snapshot) => indexRows(snapshot, this.#tail, this.#expiredBeforeMs()))
      : [];
    this.#engine.commit({ blocks, rows, fence: this.#fence });

    if (isFull) this.#dropTail();
    for (const { stream, version, position, block } of group.events) {
      this.#tail.addEvent(stream, version, { position, block });
    }
    for (const [key, { row }] of group.keys) this.#tail.addKey(key, row);
    for (const _block of blocks) this.#tail.addBlock(group.timeMs);
    this.#lastTimeMs = group.timeMs;
  }

  /** Heads that leave the tail are likely to be asked for again. */
  #dropTail(): void {
    if (this.#headCache.size + this.#tail.streams.size > headCacheMax) this.#headCache.clear();
    for (const stream of this.#tail.streams.keys()) {
      this.#headCache.set(stream, this.#tail.headOf(stream) as StreamHead);
    }
    this.#tail.dropThrough(this.#tail.head);
  }

  /** A failed commit leaves only what the engine says: nothing written, or an unknown outcome, after which nothing goes on. */
  #poison(error: unknown): void {
    if (error instanceof BusError && error.code === 'STORE_FULL') return;
    this.#failure =
      error instanceof BusError
        ? error
        : new BusError('STORE_FAILED', 'a commit failed', { path: this.#engine.path }, { cause: error });
  }

  /** The commit time: the clock, unless that went back or is broken. */
  #now(): number {
    return Math.max(this.#lastTimeMs, readClock(this.#options.clock));
  }

  #expiredBeforeMs(): number {
    return readClock(this.#options.clock) - this.#options.idempotencyTtlMs;
  }
}

function takeOver(engine: Engine, identity: StoreIdentity): NonNullable<WriteSet['fence']> {
  const before = engine.read((snapshot) => readMetaNumber(snapshot, 'writerEpoch'));
  const epoch = metaNumberRow('writerEpoch', before + 1);
  const weaker = engine.capabilities.durability === 'os' && identity.durability === 'sync';
  const rows = weaker ? [epoch, durabilityRow('os')] : [epoch];
  engine.commit({ blocks: [], rows, fence: metaNumberRow('writerEpoch', before) });
  return epoch;
}

function readKey(snapshot: Snapshot, text: string): IdempotencyRow | undefined {
  const key = textKey(text);
  const row = snapshot.row('idempotency', key);
  return row === undefined ? undefined : decodeIdempotencyRow(key, row);
}

function checkExpected(stream: string, expected: ExpectedVersion, actual: number): void {
  if (expected === 'any') return;
  const holds =
    expected === 'no-stream' ? actual === 0 : expected === 'stream-exists' ? actual > 0 : expected === actual;
  if (holds) return;
  throw new BusError(
    'CONCURRENCY_CONFLICT',
    `expected ${JSON.stringify(stream)} at ${expected}, but it is at version ${actual}: reload it and decide again`,
    { stream, expected, actual },
  );
}

/** Users give the clock; one that throws or gives nonsense must not stop the writer. */
function readClock(clock: () => number): number {
  try {
    const timeMs = Math.floor(clock());
    return Number.isSafeInteger(timeMs) && timeMs >= 0 ? timeMs : Date.now();
  } catch {
    return Date.now();
  }
}
