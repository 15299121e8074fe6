/**
 * The tail: what is committed but not yet in the index tables, kept in memory by everyone who reads.
 *
 * Streams, positions and idempotency keys of the blocks behind the indexed position, at most `tailEventsMax` events.
 * The writer's tail is told of each commit; a follower's reads the headers of new blocks and drops what a newer snapshot has indexed.
 */
import { Block } from '../codec/block.ts';
import type { IdempotencyRow, IndexEntry } from '../codec/row.ts';
import type { Snapshot } from '../storage/engine.ts';
import type { StreamHead } from '../types.ts';
import { readMetaNumber } from './store-meta.ts';

/** Events of one stream in the tail, by version from `firstVersion` on: their positions, and those of their blocks. */
export interface TailStream {
  firstVersion: number;
  positions: number[];
  blocks: number[];
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
    return known && { version: lastVersion(known), lastPosition: known.positions.at(-1) as number };
  }

  /** The version of `stream`, if the tail knows it. */
  versionOf(stream: string): number | undefined {
    const known = this.streams.get(stream);
    return known && lastVersion(known);
  }

  addEvent(stream: string, version: number, position: number, block: number): void {
    const known = this.streams.get(stream);
    if (known === undefined) {
      this.streams.set(stream, { firstVersion: version, positions: [position], blocks: [block] });
    } else {
      known.positions.push(position);
      known.blocks.push(block);
    }
    this.eventCount++;
    this.head = position;
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
    for (let ordinal = 0; ordinal < block.eventCount; ordinal++) {
      const recordAt = block.recordAt(ordinal);
      const stream = block.streamName(block.streamIndexAt(recordAt));
      this.addEvent(stream, block.versionAt(recordAt), block.positionOf(ordinal), block.firstPosition);
    }
    for (const { idempotency, firstPosition, eventCount } of block.commits()) {
      if (idempotency === undefined) continue;
      const timeMs = timeOf(block, firstPosition);
      this.addKey(idempotency.key, { firstPosition, eventCount, timeMs, hash: idempotency.hash });
    }
    this.addBlock(lastTimeOf(block));
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
      const dropped = stream.positions.filter((position) => position <= indexedPosition).length;
      this.eventCount -= dropped;
      stream.firstVersion += dropped;
      stream.positions = stream.positions.slice(dropped);
      stream.blocks = stream.blocks.slice(dropped);
      if (stream.positions.length === 0) this.streams.delete(name);
    }
    for (const [key, row] of this.keys) if (row.firstPosition <= indexedPosition) this.keys.delete(key);
    // How many blocks went is not known; their number only bounds work, and events bound blocks.
    this.blockCount = Math.min(this.blockCount, this.eventCount);
  }
}

function lastVersion(stream: TailStream): number {
  return stream.firstVersion + stream.positions.length - 1;
}

/** Versions `first` to `last`, as far as the tail has them, as index entries. */
export function tailEntries(stream: TailStream, first: number, last: number): IndexEntry[] {
  const entries: IndexEntry[] = [];
  const end = Math.min(last, lastVersion(stream));
  for (let version = Math.max(first, stream.firstVersion); version <= end; version++) {
    const at = version - stream.firstVersion;
    entries.push({ position: stream.positions[at] as number, block: stream.blocks[at] as number });
  }
  return entries;
}

/** The time of the last event in `block`. */
export function lastTimeOf(block: Block): number {
  return timeOf(block, block.lastPosition);
}

/** The time of the event at `position`, which is in `block`. */
export function timeOf(block: Block, position: number): number {
  return block.timeMsAt(block.recordAt(position - block.firstPosition));
}

/** Keeps a private tail up with a store that somebody else writes. */
export class TailFollower implements TailSource {
  #tail = new Tail(0);

  /**
   * The tail of `snapshot`. Reads only what came since the last call, and asks nothing but the snapshot for it: the engine's
   * newest transaction can be one that this snapshot does not show yet.
   */
  at(snapshot: Snapshot): Tail {
    const indexedPosition = readMetaNumber(snapshot, 'indexedPosition');
    if (indexedPosition < this.#tail.indexedPosition) this.#tail = new Tail(indexedPosition);
    else if (indexedPosition > this.#tail.indexedPosition) this.#tail.dropThrough(indexedPosition);
    followBlocks(snapshot, this.#tail);
    return this.#tail;
  }
}

/** Adds all blocks of `snapshot` behind the tail's head. */
function followBlocks(snapshot: Snapshot, tail: Tail): void {
  snapshot.walkForward(tail.head, (firstPosition, bytes) => {
    if (firstPosition > tail.head) tail.follow(new Block(bytes, firstPosition, 'whole'));
    return true;
  });
}
