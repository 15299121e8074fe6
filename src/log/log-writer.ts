/**
 * The append path: one group of requests becomes one durable transaction.
 *
 * Owns the order: positions and versions start at 1 and have no gap, a failed commit burns none. Each request has its own
 * outcome; one that is refused leaves no trace in the others. Synchronous, in one thread; queueing is the host's (actors/).
 */
import { assert } from '../assert.ts';
import { BlockPacker } from '../codec/block-packer.ts';
import { recordBytes } from '../codec/record.ts';
import type { IdempotencyRow } from '../codec/row.ts';
import type { KeyBook } from '../crypto/key-ports.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import { BusError, isBusError } from '../errors.ts';
import type { Engine, RowWrite, Snapshot, WriteSet } from '../storage/engine.ts';
import type { AppendResult, ExpectedVersion } from '../types.ts';
import type { AppendRequest } from './append-request.ts';
import { readClock } from './clock.ts';
import { type CursorMove, type CursorPlace, checkMove, moveRows, readCursor } from './cursor.ts';
import { indexRows, isTailFull, openIndex, readKeyRow, rebuildIndex } from './deferred-index.ts';
import { requireSameContent, tagged } from './duplicates.ts';
import { type EraseCommand, factRequest, type WrittenErasure } from './erasure.ts';
import { type EventKeys, keysOfRequest, recordSealer } from './event-keys.ts';
import { assertNotFenced, type Fence, takeOver } from './fence.ts';
import { commitResults } from './log-reader.ts';
import { marksFor } from './projection-erasure.ts';
import type { RowDraft } from './row-draft.ts';
import { finishRows } from './row-sealer.ts';
import { snapshotRemovals } from './snapshots.ts';
import { readIdentity, type StoreIdentity } from './store-meta.ts';
import { StreamVersions } from './stream-versions.ts';
import type { Tail, TailSource } from './tail.ts';
import { WriterKeys } from './writer-keys.ts';

/** Rows that nothing has to be checked for: whoever sends them is the only one who writes them, or any of them will do. */
export interface RowsWrite {
  readonly kind: 'write-rows';
  readonly rows: readonly RowDraft[];
}

/** Asks the writer to wrap all keys anew, with another master key in the end. */
export interface RotateCommand {
  readonly kind: 'rotate';
  readonly masterKey: MasterKey;
}

/** What a writer is asked to do. */
export type WriterCommand = AppendRequest | CursorMove | RowsWrite | EraseCommand | RotateCommand;

/** What became of one command: where its events are (none where there are no events), or why it was refused or failed. */
export type Outcome =
  | { readonly results: AppendResult[]; readonly erasure?: WrittenErasure }
  | { readonly error: unknown };

export interface LogWriterOptions {
  /** How long an idempotency key is remembered, in milliseconds. */
  readonly idempotencyTtlMs: number;
  /** Builds the index tables anew first. @default false */
  readonly rebuildIndex?: boolean;
  /** Of a store with encryption; the engine is a {@link KeyedEngine} over it. */
  readonly keys?: KeyBook | undefined;
  /** Of a writer that took the store over before it looked at its keys. @default it does so itself */
  readonly fence?: Fence;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Told of each write transaction after the opening how long it took, in microseconds. @default nobody is */
  readonly onCommit?: ((micros: number) => void) | undefined;
}

const noHash = new Uint8Array(0);

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
  readonly versions: Map<string, number>;
  readonly events: PlacedEvent[];
  /** Requests of this group by idempotency key. */
  readonly keys: Map<string, { readonly row: IdempotencyRow; readonly results: AppendResult[] }>;
  readonly cursors: Map<string, CursorPlace>;
  readonly rows: RowWrite[];
  /** Where the facts of erasures are, in the order of the book's unrecorded ones. */
  readonly factPositions: number[];
  /** Commands that are done and durable whatever becomes of the group. */
  readonly lasting: Map<WriterCommand, Outcome>;
  /** Events that are stored plain in a store with encryption. */
  plainEvents: number;
}

export class LogWriter implements TailSource {
  readonly identity: StoreIdentity;
  readonly #engine: Engine;
  readonly #options: LogWriterOptions;
  readonly #fence: Fence;
  readonly #packer: BlockPacker;
  readonly #versions = new StreamVersions();
  readonly #keys: WriterKeys | undefined;
  #tail: Tail;
  #failure: BusError | undefined;

  /**
   * Takes the store over, unless that was done: raises the writer's epoch, so that any earlier writer is fenced off. Reads the tail.
   * @throws {STORE_FORMAT} {STORE_CORRUPT} {STORE_READ_ONLY}
   */
  constructor(engine: Engine, options: LogWriterOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#fence = options.fence ?? takeOver(engine);
    this.identity = engine.read((snapshot) => readIdentity(snapshot, engine.path));
    const { keys } = options;
    this.#packer = new BlockPacker(this.identity.incarnation, keys && recordSealer(keys));
    const openTail = options.rebuildIndex === true ? rebuildIndex : openIndex;
    this.#tail = openTail(engine, this.#fence, options.idempotencyTtlMs);
    this.#keys = keys && new WriterKeys(keys, engine);
    this.#completeKeys();
  }

  /** The last durable position. */
  get head(): number {
    return this.#tail.head;
  }

  /** Why no more appends are taken, if so. */
  get failure(): BusError | undefined {
    return this.#failure;
  }

  /** Takes nothing any more: whoever waits for this writer has given it up. */
  giveUp(): void {
    const { path } = this.#engine;
    this.#failure ??= new BusError('STORE_FAILED', `the writer of the store at ${path} was given up`, { path });
  }

  /** The writer's tail is that of every snapshot taken in its thread: it changes only with a commit. */
  at(_snapshot: Snapshot): Tail {
    return this.#tail;
  }

  /** Commits `commands` in order as one transaction and returns an outcome for each. Never throws. */
  commit(commands: readonly WriterCommand[]): Outcome[] {
    const failure = this.#failure;
    if (failure !== undefined) return commands.map(() => ({ error: failure }));
    const group: Group = {
      timeMs: this.#now(),
      versions: new Map(),
      events: [],
      keys: new Map(),
      cursors: new Map(),
      rows: [],
      factPositions: [],
      lasting: new Map(),
      plainEvents: 0,
    };
    try {
      this.#packer.start(this.#tail.head + 1);
      const outcomes = this.#engine.read((snapshot) => {
        if (this.#keys !== undefined) assertNotFenced(snapshot, this.#fence, this.#engine.path);
        this.#recordErasures(snapshot, group, undefined);
        return commands.map((command) => this.#decide(snapshot, group, command));
      });
      if (group.events.length > 0 || group.rows.length > 0 || this.#keys?.isAhead) this.#write(group);
      return outcomes;
    } catch (cause) {
      const error = this.#failed(cause);
      return commands.map((command) => group.lasting.get(command) ?? { error });
    }
  }

  /** Writes what is not indexed yet, so that the next open has nothing to replay. */
  flushIndex(): void {
    if (this.#failure !== undefined || this.#tail.eventCount === 0) return;
    const rows = this.#engine.read((snapshot) => indexRows(snapshot, this.#tail, this.#options.idempotencyTtlMs));
    this.#transact({ blocks: [], rows, fence: this.#fence });
    this.#dropTail();
  }

  #decide(snapshot: Snapshot, group: Group, command: WriterCommand): Outcome {
    if (command.kind === 'append') return this.#place(snapshot, group, command);
    if (command.kind === 'move-cursor') return this.#move(snapshot, group, command);
    if (command.kind === 'erase') return this.#erase(snapshot, group, command);
    if (command.kind === 'rotate') return this.#rotate(group, command);
    try {
      for (const row of finishRows(command.rows, this.#keys?.book)) group.rows.push(row);
      return { results: [] };
    } catch (error) {
      return { error };
    }
  }

  /** Decides one request: refuses it, finds it a duplicate, or gives its events their places. */
  #place(snapshot: Snapshot, group: Group, given: AppendRequest): Outcome {
    const request = tagged(given, this.#keys?.book);
    let keys: EventKeys;
    let rows: readonly RowWrite[] | undefined;
    try {
      const duplicate = this.#duplicateOf(snapshot, group, request, given.idempotency?.hash ?? noHash);
      if (duplicate !== undefined) return { results: duplicate };
      for (const part of request.parts) {
        checkExpected(part.stream, part.expectedVersion, this.#version(snapshot, group, part.stream));
      }
      keys = keysOfRequest(request, this.#keys?.book, this.#engine.path);
      if (request.rows !== undefined) rows = finishRows(request.rows, this.#keys?.book);
    } catch (error) {
      // Nothing of this request is placed yet, so its failure is its own: a refusal, or a damaged row it had to look at.
      return { error };
    }
    if (rows !== undefined) for (const row of rows) group.rows.push(row);
    return { results: this.#add(snapshot, group, request, keys) };
  }

  /** Decides one move of a cursor. A cursor may follow events of its own group: they are in the same transaction. */
  #move(snapshot: Snapshot, group: Group, move: CursorMove): Outcome {
    const { incarnation } = this.identity;
    try {
      const actual = group.cursors.get(move.name) ?? readCursor(snapshot, move.name, incarnation);
      checkMove(move, actual, this.#tail.head + group.events.length);
      const rows = finishRows(moveRows(move, incarnation, group.timeMs), this.#keys?.book);
      group.cursors.set(move.name, move.to);
      for (const row of rows) group.rows.push(row);
      return { results: [] };
    } catch (error) {
      return { error };
    }
  }

  /** Destroys keys. What came before in this group is erased with what is stored, what comes behind is refused. */
  #erase(snapshot: Snapshot, group: Group, { what }: EraseCommand): Outcome {
    const changed = this.#changeKeys('erase', (keys) => ({ keys, erased: keys.erase(what, group.timeMs) }));
    if ('error' in changed) return { error: changed.error };
    this.#recordErasures(snapshot, group, 'stream' in what ? what.stream : undefined);
    const { keys, erased } = changed;
    const position = group.factPositions[keys.unrecorded.indexOf(erased)];
    return { results: [], erasure: { tag: erased.tag, ids: erased.ids, timeMs: erased.timeMs, position } };
  }

  /**
   * Wraps all keys anew, those that this group has made among them. Who asked is told so even if the group fails: the master
   * key from before opens nothing any more.
   */
  #rotate(group: Group, command: RotateCommand): Outcome {
    return this.#changeKeys('rotateMasterKey', (keys) => {
      keys.rotate(command.masterKey);
      const outcome = { results: [] };
      group.lasting.set(command, outcome);
      return outcome;
    });
  }

  #changeKeys<Change>(feature: string, change: (keys: KeyBook) => Change): Change | { readonly error: unknown } {
    const { path } = this.#engine;
    if (this.#keys === undefined) {
      const message = `the store at ${path} has no keys: it is not encrypted. Open it with \`encryption\``;
      return { error: new BusError('UNSUPPORTED', message, { feature }) };
    }
    try {
      return change(this.#keys.book);
    } catch (error) {
      if (isBusError(error, 'STORE_FAILED')) throw error;
      // The keys are as they were, and nothing else of this group depends on it.
      return { error };
    }
  }

  /** Tells the log of erasures that it does not know: one asked for now, of `stream` if it is one, or some that a crash cut short. */
  #recordErasures(snapshot: Snapshot, group: Group, stream: string | undefined): void {
    const keys = this.#keys?.book;
    if (keys === undefined || keys.unrecorded.length === group.factPositions.length) return;
    const erasures = keys.unrecorded.slice(group.factPositions.length);
    const positions = erasures.map((erased) => {
      const [fact] = this.#add(snapshot, group, factRequest(erased, stream), undefined);
      return (fact as AppendResult).firstPosition;
    });
    for (const position of positions) group.factPositions.push(position);
    if (erasures.every(({ ids }) => ids.length === 0)) return;
    // A ledger tells of thousands: rows are walked once for all of them.
    for (const row of marksFor(snapshot, positions[0] as number, positions.at(-1) as number)) group.rows.push(row);
    const isErased = (name: string) => erasures.some((erased) => erased.isOf(name));
    for (const row of snapshotRemovals(snapshot, group.rows, isErased)) group.rows.push(row);
  }

  /** Finishes what the file of keys knows and the log does not: the writer before was ended in between. */
  #completeKeys(): void {
    if (!this.#keys?.isAhead) return;
    this.commit([]);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #duplicateOf(
    snapshot: Snapshot,
    group: Group,
    request: AppendRequest,
    given: Uint8Array,
  ): AppendResult[] | undefined {
    if (request.idempotency === undefined) return undefined;
    const { key } = request.idempotency;
    const inGroup = group.keys.get(key);
    const row = inGroup?.row ?? this.#tail.keys.get(key) ?? readKeyRow(snapshot, key);
    if (row === undefined || row.timeMs < group.timeMs - this.#options.idempotencyTtlMs) return undefined;
    requireSameContent(row, request.idempotency, given);
    if (inGroup !== undefined) return inGroup.results.map((result) => ({ ...result, duplicate: true }));
    return commitResults(snapshot, row.firstPosition, row.eventCount);
  }

  /** The version of `stream` as this group leaves it so far; 0 if there is no such stream. */
  #version(snapshot: Snapshot, group: Group, stream: string): number {
    return group.versions.get(stream) ?? this.#tail.versionOf(stream) ?? this.#versions.of(snapshot, stream);
  }

  #add(snapshot: Snapshot, group: Group, request: AppendRequest, keys: EventKeys): AppendResult[] {
    const firstPosition = this.#packer.beginCommit(request.types.length, request.idempotency);
    const results: AppendResult[] = [];
    let recordStart = 0;
    let index = 0;
    for (const { stream, eventCount } of request.parts) {
      const before = this.#version(snapshot, group, stream);
      const partPosition = firstPosition + index;
      for (let version = before + 1; version <= before + eventCount; version++) {
        const recordEnd = recordStart + recordBytes(request.records, recordStart);
        const key = keys?.[index];
        const type = request.types[index++] as string;
        const event = { stream, type, version, timeMs: group.timeMs, key };
        const position = this.#packer.add(event, request.records, recordStart, recordEnd);
        group.events.push({ stream, version, position, block: this.#packer.blockPosition });
        if (keys !== undefined && key === undefined) group.plainEvents++;
        recordStart = recordEnd;
      }
      group.versions.set(stream, before + eventCount);
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
    const index = isFull
      ? this.#engine.read((snapshot) => indexRows(snapshot, this.#tail, this.#options.idempotencyTtlMs))
      : [];
    const keyRows = this.#keys?.flush(group.plainEvents) ?? [];
    this.#transact({ blocks, rows: [...group.rows, ...index, ...keyRows], fence: this.#fence });

    this.#keys?.committed();
    if (isFull) this.#dropTail();
    for (const { stream, version, position, block } of group.events) {
      this.#tail.addEvent(stream, version, position, block);
    }
    for (const [key, { row }] of group.keys) this.#tail.addKey(key, row);
    for (const _block of blocks) this.#tail.addBlock(group.timeMs);
  }

  #transact(writes: WriteSet): void {
    const begunMs = performance.now();
    this.#engine.commit(writes);
    this.#options.onCommit?.((performance.now() - begunMs) * 1000);
  }

  #dropTail(): void {
    this.#versions.keep(this.#tail);
    this.#tail.dropThrough(this.#tail.head);
  }

  /** What a failed commit means: nothing was written and all goes on, or the outcome is unknown and nothing goes on. */
  #failed(cause: unknown): BusError {
    const error =
      cause instanceof BusError
        ? cause
        : new BusError('STORE_FAILED', 'a commit failed', { path: this.#engine.path }, { cause });
    if (error.code !== 'STORE_FULL') this.#failure = error;
    return error;
  }

  /** The commit time: the clock, unless that went back or is broken. */
  #now(): number {
    return Math.max(this.#tail.lastTimeMs, readClock(this.#options.clock));
  }
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
