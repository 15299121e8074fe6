/**
 * The block, written: packs the commits of one transaction into finished blocks.
 *
 * Small commits share a block, a large one goes over several, an event too large for a shared block has one of its own.
 * Positions are assigned here, one after the other from `firstPosition`. The buffers it hands out are its own and are
 * overwritten by the next `start`.
 */
import { crc32 } from 'node:zlib';
import { assert } from '../assert.ts';
import { blockBytesMax, blockEventsMax } from '../limits.ts';
import {
  blockField,
  blockHeaderBytes,
  blockMagic,
  blockTrailerBytes,
  type CommitEntry,
  cipherGcm,
  commitEntryBytes,
  contentHashBytes,
  directoryChecksum,
  formatVersion,
} from './block.ts';
import { writeU16, writeU32, writeU48 } from './bytes.ts';
import { finishRecord, flagJoined, placeRecord, recordField, recordHeaderBytes, runSealBytes } from './record.ts';
import { type RecordKey, type RunSealer, sealRun } from './sealed-run.ts';

/** Kept between transactions; a larger arena is given back. */
const arenaBytesKept = 1 << 20;

export interface PackedBlock {
  readonly firstPosition: number;
  readonly bytes: Uint8Array;
}

/** What the packer needs to know of one event beside its record. */
export interface PackedEvent {
  readonly stream: string;
  readonly type: string;
  readonly version: number;
  readonly timeMs: number;
  /** What it is sealed with, if it is. Events of one key are of one stream. */
  readonly key?: RecordKey | undefined;
}

/** Consecutive records of one block that are sealed together: how the one being filled begins. */
interface OpenRun {
  readonly key: RecordKey;
  readonly stream: string;
  readonly firstPosition: number;
  /** Where each record begins in the arena. */
  readonly starts: number[];
  readonly types: string[];
}

export class BlockPacker {
  readonly #incarnation: Uint8Array;
  readonly #sealer: RunSealer | undefined;
  #arena = Buffer.allocUnsafeSlow(arenaBytesKept);
  #finished: { firstPosition: number; start: number; end: number }[] = [];
  /** The block being filled. */
  #start = 0;
  #end = 0;
  #firstPosition = 0;
  #nextPosition = 0;
  #offsets: number[] = [];
  #types = new Map<string, number>();
  #streams = new Map<string, number>();
  #commits: CommitEntry[] = [];
  /** Bytes of names and commit entries, which come behind the records. */
  #directoryBytes = 0;
  /** The commit being added, and whether this block lists it already. */
  #open: CommitEntry | undefined;
  #isListed = false;
  #run: OpenRun | undefined;
  #hasSealed = false;

  /** `sealer` is needed where events have keys. */
  constructor(incarnation: Uint8Array, sealer?: RunSealer) {
    this.#incarnation = incarnation;
    this.#sealer = sealer;
  }

  /** Begins a transaction whose first event gets `firstPosition`. */
  start(firstPosition: number): void {
    if (this.#arena.length > arenaBytesKept) this.#arena = Buffer.allocUnsafeSlow(arenaBytesKept);
    this.#finished = [];
    this.#end = 0;
    this.#nextPosition = firstPosition;
    this.#run = undefined;
    this.#beginBlock();
  }

  /** Begins a commit of `eventCount` events and returns the position of its first. */
  beginCommit(eventCount: number, idempotency: CommitEntry['idempotency']): number {
    this.#open = { firstPosition: this.#nextPosition, eventCount, idempotency };
    this.#isListed = false;
    return this.#nextPosition;
  }

  /** Position of the block that took the last event added. */
  get blockPosition(): number {
    return this.#firstPosition;
  }

  /** Adds the next event of the commit from its draft record and returns its position. */
  add(event: PackedEvent, source: Buffer, recordStart: number, recordEnd: number): number {
    const { key } = event;
    if (this.#run !== undefined && this.#run.key !== key) this.#sealRun();
    let sealBytes = key === undefined || this.#run !== undefined ? 0 : runSealBytes;
    let recordLength = recordEnd - recordStart + sealBytes;
    let streamIndex = this.#streams.get(event.stream);
    let typeIndex = this.#types.get(event.type);
    const needed = recordLength + 4 + newNameBytes(streamIndex, event.stream) + newNameBytes(typeIndex, event.type);
    const isFull =
      this.#size() + needed + this.#entryBytesDue() > blockBytesMax || this.#offsets.length >= blockEventsMax;
    if (isFull && this.#offsets.length > 0) {
      this.#finishBlock();
      streamIndex = undefined;
      typeIndex = undefined;
      sealBytes = key === undefined ? 0 : runSealBytes;
      recordLength = recordEnd - recordStart + sealBytes;
    }
    if (!this.#isListed) this.#listCommit();
    streamIndex ??= this.#addName(this.#streams, event.stream);
    typeIndex ??= this.#addName(this.#types, event.type);
    const at = this.#end;
    this.#reserve(recordLength);
    this.#end = at + recordLength;
    const place = { streamIndex, typeIndex, version: event.version, timeMs: event.timeMs };
    if (key === undefined) {
      source.copy(this.#arena, at, recordStart, recordEnd);
      placeRecord(this.#arena, at, place);
      finishRecord(this.#arena, at, this.#end);
    } else {
      source.copy(this.#arena, at, recordStart, recordStart + recordHeaderBytes);
      source.copy(this.#arena, at + recordHeaderBytes + sealBytes, recordStart + recordHeaderBytes, recordEnd);
      placeRecord(this.#arena, at, place);
      this.#joinRun(event, key, at, sealBytes);
    }
    this.#offsets.push(at - this.#start);
    return this.#nextPosition++;
  }

  /** Ends the transaction: its blocks, in order. They are valid until the next `start`. */
  finish(): PackedBlock[] {
    if (this.#offsets.length > 0) this.#finishBlock();
    return this.#finished.map(({ firstPosition, start, end }) => ({
      firstPosition,
      bytes: this.#arena.subarray(start, end),
    }));
  }

  /** Makes the record at `at` the next one of the run: sealed when the run ends. */
  #joinRun(event: PackedEvent, key: RecordKey, at: number, sealBytes: number): void {
    const { stream } = event;
    writeU32(this.#arena, at + recordField.keyId, key.id);
    this.#arena[at + recordField.sealBytes] = sealBytes;
    if (sealBytes === 0) (this.#arena[at + recordField.flags] as number) |= flagJoined;
    this.#run ??= { key, stream, firstPosition: this.#nextPosition, starts: [], types: [] };
    assert(this.#run.stream === stream, 'a key is that of one stream');
    this.#run.starts.push(at);
    this.#run.types.push(event.type);
    this.#hasSealed = true;
  }

  #sealRun(): void {
    const run = this.#run as OpenRun;
    this.#run = undefined;
    assert(this.#sealer !== undefined, 'who gives keys gives a sealer');
    sealRun(this.#sealer, run.key, {
      bytes: this.#arena,
      stream: run.stream,
      firstPosition: run.firstPosition,
      starts: run.starts,
      types: run.types,
    });
    for (const [index, start] of run.starts.entries()) {
      finishRecord(this.#arena, start, run.starts[index + 1] ?? this.#end);
    }
  }

  /** Size of the block if it were finished now. */
  #size(): number {
    return this.#end - this.#start + 4 * this.#offsets.length + this.#directoryBytes + blockTrailerBytes;
  }

  #beginBlock(): void {
    this.#start = this.#end;
    this.#end += blockHeaderBytes;
    this.#firstPosition = this.#nextPosition;
    this.#offsets = [];
    this.#types.clear();
    this.#streams.clear();
    this.#commits = [];
    this.#directoryBytes = 0;
    this.#isListed = false;
    this.#hasSealed = false;
  }

  /** The open commit as this block has to list it: with its key only where it begins. */
  #openEntry(): CommitEntry {
    assert(this.#open !== undefined, 'events belong to a commit');
    if (this.#open.idempotency === undefined || this.#open.firstPosition === this.#nextPosition) return this.#open;
    return { ...this.#open, idempotency: undefined };
  }

  #entryBytesDue(): number {
    return this.#isListed ? 0 : entryBytes(this.#openEntry());
  }

  #listCommit(): void {
    const entry = this.#openEntry();
    this.#commits.push(entry);
    this.#directoryBytes += entryBytes(entry);
    this.#isListed = true;
  }

  #addName(dictionary: Map<string, number>, name: string): number {
    const index = dictionary.size;
    dictionary.set(name, index);
    this.#directoryBytes += newNameBytes(undefined, name);
    return index;
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#arena.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#arena.length));
    this.#arena.copy(larger, 0, 0, this.#end);
    this.#arena = larger;
  }

  #finishBlock(): void {
    if (this.#run !== undefined) this.#sealRun();
    const start = this.#start;
    const directoryAt = this.#end;
    const blockBytes = this.#size();
    this.#reserve(start + blockBytes - directoryAt);
    const end = this.#writeDirectory();
    assert(end + blockTrailerBytes === start + blockBytes, 'the size of a block is known before it is finished');
    this.#writeHeader(directoryAt - start, blockBytes);
    const block = this.#arena.subarray(start, start + blockBytes);
    writeU32(this.#arena, end, directoryChecksum(block, directoryAt - start, end - start));
    writeU32(this.#arena, end + 4, crc32(block.subarray(0, blockBytes - 4)));
    this.#end = start + blockBytes;
    this.#finished.push({ firstPosition: this.#firstPosition, start, end: this.#end });
    this.#beginBlock();
  }

  #writeDirectory(): number {
    const arena = this.#arena;
    let at = this.#end;
    for (const offset of this.#offsets) {
      writeU32(arena, at, offset);
      at += 4;
    }
    for (const names of [this.#types, this.#streams]) {
      for (const name of names.keys()) {
        const length = arena.write(name, at + 2);
        writeU16(arena, at, length);
        at += 2 + length;
      }
    }
    for (const entry of this.#commits) at = this.#writeCommit(entry, at);
    return at;
  }

  #writeCommit(entry: CommitEntry, at: number): number {
    const arena = this.#arena;
    writeU48(arena, at, entry.firstPosition);
    writeU32(arena, at + 6, entry.eventCount);
    writeU16(arena, at + 10, 0);
    if (entry.idempotency === undefined) return at + commitEntryBytes;
    arena.set(entry.idempotency.hash, at + commitEntryBytes);
    const keyAt = at + commitEntryBytes + contentHashBytes;
    const keyBytes = arena.write(entry.idempotency.key, keyAt);
    writeU16(arena, at + 10, keyBytes);
    return keyAt + keyBytes;
  }

  #writeHeader(directoryAt: number, blockBytes: number): void {
    const header = this.#arena.subarray(this.#start, this.#start + blockHeaderBytes);
    header.fill(0);
    writeU32(header, blockField.magic, blockMagic);
    writeU16(header, blockField.formatVersion, formatVersion);
    if (this.#hasSealed) header[blockField.cipher] = cipherGcm;
    writeU32(header, blockField.blockBytes, blockBytes);
    writeU32(header, blockField.directoryAt, directoryAt);
    header.set(this.#incarnation, blockField.incarnation);
    writeU48(header, blockField.firstPosition, this.#firstPosition);
    writeU16(header, blockField.streamCount, this.#streams.size);
    writeU16(header, blockField.typeCount, this.#types.size);
    writeU16(header, blockField.commitCount, this.#commits.length);
    writeU32(header, blockField.eventCount, this.#offsets.length);
  }
}

function entryBytes(entry: CommitEntry): number {
  if (entry.idempotency === undefined) return commitEntryBytes;
  return commitEntryBytes + contentHashBytes + Buffer.byteLength(entry.idempotency.key);
}

/** What a name adds to the directory, given its index if the dictionary has it already. */
function newNameBytes(index: number | undefined, name: string): number {
  return index === undefined ? 2 + Buffer.byteLength(name) : 0;
}
