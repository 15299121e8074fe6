/**
 * The tail: what is committed but not yet in the index tables, kept in memory by everyone who reads.
 *
 * Streams, positions and idempotency keys of the blocks behind the indexed position, at most `tailEventsMax` events.
 * The writer's tail is told of each commit; a follower's reads the headers of new blocks and drops what a newer snapshot has indexed.
 */
import { Block } from '../codec/block.ts';
import type { IdempotencyRow, IndexEntry } from '../codec/row.ts';
import type { Engine, Snapshot } from '../storage/engine.ts';
import type { StreamHead } from '../types.ts';
import { readMetaNumber } from './store-meta.ts';

/** Events of one stream in the tail: entry `i` has version `firstVersion + i`. */
export interface TailStream {
  firstVersion: number;
  entries: IndexEntry[];
}

/** Gives the tail that belongs to a snapshot. */
export interface TailSource {
  at(snapshot: Snapshot): Tail;
}

export class Tail {
  /** Everything up to here is in the index tables. */
  indexedPosition: number;
  /** Last position known. */
  head: number;
  /** Commit time of the last event known. */
  lastTimeMs = 0;
  eventCount = 0;
  blockCount = 0;
  readonly streams = new Map<string, TailStream>();
  readonly keys = new Map<string, IdempotencyRow>();

  constructor(indexedPosition: number) {
    this.indexedPosition = indexedPosition;
    this.head = indexedPosition;
  }

  headOf(stream: string): StreamHead | undefined {
    const known = this.streams.get(stream);
    if (known === undefined) return undefined;
    const last = known.entries.at(-1) as IndexEntry;
    return { version: known.firstVersion + known.entries.length - 1, lastPosition: last.position };
  }

  addEvent(stream: string, version: number, entry: IndexEntry): void {
    const known = this.streams.get(stream);
    if (known === undefined) this.streams.set(stream, { firstVersion: version, entries: [entry] });
    else known.entries.push(entry);
    this.eventCount++;
    this.head = entry.position;
  }

  addKey(key: string, row: IdempotencyRow): void {
    this.keys.set(key, row);
  }

  addBlock(timeMs: number): void {
    this.blockCount++;
    this.lastTimeMs = timeMs;
  }

  /** Adds what a stored block tells. */
  follow(block: Block): void {
    let recordAt = block.recordAt(0);
    const firstTimeMs = block.timeMsAt(recordAt);
    for (let ordinal = 0; ordinal < block.eventCount; ordinal++) {
      recordAt = block.recordAt(ordinal);
      const stream = block.streamName(block.streamIndexAt(recordAt));
      const position = block.positionOf(ordinal);
      this.addEvent(stream, block.versionAt(recordAt), { position, block: block.firstPosition });
    }
    for (const { idempotency, firstPosition, eventCount } of block.commits()) {
      if (idempotency === undefined) continue;
      const timeMs = firstPosition < block.firstPosition ? firstTimeMs : timeOf(block, firstPosition);
      this.addKey(idempotency.key, { firstPosition, eventCount, timeMs, hash: idempotency.hash });
    }
    this.addBlock(block.timeMsAt(recordAt));
  }

  /** Forgets what the index tables hold now: everything up to `indexedPosition`. */
  dropThrough(indexedPosition: number): void {
    this.indexedPosition = indexedPosition;
    if (this.head <= indexedPosition) {
      this.head = indexedPosition;
      this.streams.clear();
      this.keys.clear();
      this.eventCount = 0;
      this.blockCount = 0;
      return;
    }
    for (const [name, stream] of this.streams) {
      const kept = stream.entries.filter((entry) => entry.position > indexedPosition);
      this.eventCount -= stream.entries.length - kept.length;
      stream.firstVersion += stream.entries.length - kept.length;
      stream.entries = kept;
      if (kept.length === 0) this.streams.delete(name);
    }
    for (const [key, row] of this.keys) if (row.firstPosition <= indexedPosition) this.keys.delete(key);
    // How many blocks went is not known; their number only bounds work, and events bound blocks.
    this.blockCount = Math.min(this.blockCount, this.eventCount);
  }
}

/** The time of the event at `position`, which is in `block`. */
export function timeOf(block: Block, position: number): number {
  return block.timeMsAt(block.recordAt(position - block.firstPosition));
}

/** Keeps a private tail up with a store that somebody else writes. */
export class TailFollower implements TailSource {
  readonly #engine: Engine;
  #tail = new Tail(0);
  #transactionId = -1;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The tail of `snapshot`. Reads only what came since the last call; nothing at all if there was no commit. */
  at(snapshot: Snapshot): Tail {
    const transactionId = this.#engine.transactionId();
    if (transactionId !== this.#transactionId) {
      this.#catchUp(snapshot);
      this.#transactionId = transactionId;
    }
    return this.#tail;
  }

  #catchUp(snapshot: Snapshot): void {
    const indexedPosition = readMetaNumber(snapshot, 'indexedPosition');
    if (indexedPosition < this.#tail.indexedPosition) this.#tail = new Tail(indexedPosition);
    else if (indexedPosition > this.#tail.indexedPosition) this.#tail.dropThrough(indexedPosition);
    followBlocks(snapshot, this.#tail);
  }
}

/** Adds all blocks of `snapshot` behind the tail's head. */
export function followBlocks(snapshot: Snapshot, tail: Tail): void {
  snapshot.walkForward(tail.head, (firstPosition, bytes) => {
    if (firstPosition > tail.head) tail.follow(new Block(bytes, firstPosition, 'whole'));
    return true;
  });
}
