/**
 * The check of a whole store: every block and record, the gapless order, and the index tables against the log, both ways.
 *
 * Works page by page on fresh snapshots, on a store in use as well: what was committed after the start is left out. Reports
 * what is wrong and changes nothing. Memory grows with the number of streams, not of events.
 */
import { setImmediate } from 'node:timers/promises';
import { Block } from '../codec/block.ts';
import { decodeCursorRow, decodeIdempotencyRow, decodeStreamRow, type IdempotencyRow, textKey } from '../codec/row.ts';
import { type BusError, isBusError } from '../errors.ts';
import { pageBlocksMax, verifyProblemsMax } from '../limits.ts';
import type { Engine, Snapshot, TableName } from '../storage/engine.ts';
import { throwIfAborted } from './pages.ts';
import { hasEncryption, keyNumbers, readIdentity, readMetaNumber } from './store-meta.ts';
import { timeOf } from './tail.ts';
import type { VerifyErasedReport } from './verify-erased.ts';
import { letterProblem, parkedProblem } from './verify-letters.ts';
import { checkProjectionRow } from './verify-projections.ts';
import { type LoggedStream, mixed, RunChecker } from './verify-runs.ts';
import { SealChecker, type SealCounts } from './verify-seals.ts';
import { checkSnapshotRow } from './verify-snapshots.ts';
import { TimerChecker } from './verify-timers.ts';

export interface VerifyOptions {
  readonly signal?: AbortSignal;
  /**
   * Then also reads the bytes of every file in the store's directory, and looks for keys that were erased: that nothing of
   * them is left, wrapped or not. Needs the store's keys. @default false
   */
  readonly erased?: boolean;
  /** Called after each page, and each MiB of the files. What it throws ends the check. */
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/** How far a check has come: `position` of `head` checked; in the search for erased keys, `bytes` of `bytesTotal` read. */
export interface VerifyProgress {
  readonly position: number;
  readonly head: number;
  readonly bytes?: number;
  readonly bytesTotal?: number;
}

/** One thing that is wrong. */
export interface VerifyProblem {
  readonly table: string;
  /** Where in the log, if it is known. */
  readonly position: number | undefined;
  readonly message: string;
}

export interface VerifyReport {
  /** True when nothing is wrong. */
  readonly ok: boolean;
  readonly head: number;
  readonly indexedPosition: number;
  readonly blocks: number;
  readonly commits: number;
  readonly events: number;
  readonly streams: number;
  readonly idempotencyKeys: number;
  /** Of a store with encryption: every sealed event was opened, but for those whose key was erased. */
  readonly encryption: SealCounts | undefined;
  /** What the search for erased keys has found, if it was asked for. */
  readonly erased: VerifyErasedReport | undefined;
  readonly problemCount: number;
  /** The first problems, at most 100. */
  readonly problems: readonly VerifyProblem[];
}

/** @throws {ABORTED} {STORE_CLOSED}; damage is reported, not thrown. */
export async function verifyStore(engine: Engine, options: VerifyOptions): Promise<VerifyReport> {
  const verifier = new Verifier(engine);
  for (const step of verifier.steps()) {
    throwIfAborted(options.signal);
    options.onProgress?.({ position: step, head: verifier.head });
    await setImmediate();
  }
  return verifier.report();
}

class Verifier {
  head = 0;
  readonly #engine: Engine;
  readonly #streams = new Map<string, LoggedStream>();
  readonly #problems: VerifyProblem[] = [];
  #problemCount = 0;
  #indexedPosition = 0;
  #position = 0;
  #timeMs = 0;
  #blocks = 0;
  #commits = 0;
  #idempotencyKeys = 0;
  readonly #seals = new SealChecker();
  #isMetaWhole = true;
  /** A block could not be read: what follows can't be held against the streams in it. */
  #hasHole = false;
  /** The commit that goes on in the next block, and how many of its events are still to come. */
  #openCommit: { readonly firstPosition: number; left: number } | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Does the work in bounded steps; yields how far in the log it has come. */
  *steps(): Generator<number> {
    if (!this.#start()) return;
    while (this.#position < this.head && this.#walkBlocks()) yield this.#position;
    if (this.#openCommit !== undefined) this.#problem('events_log', this.head, 'the last commit is not whole');
    yield* this.#walkTable('streams', (key, row, snapshot) => this.#checkStreamRow(key, row, snapshot));
    for (const [stream, { hasRow, indexedVersion }] of this.#streams) {
      if (!hasRow && indexedVersion > 0) this.#problem('streams', undefined, `${JSON.stringify(stream)} has no row`);
    }
    const runs = new RunChecker(this.#streams, this.#indexedPosition, (table, message) =>
      this.#problem(table, undefined, message),
    );
    yield* this.#walkTable('stream_index', (key, row, snapshot) => runs.check(key, row, snapshot));
    runs.finish(this.#hasHole);
    yield* this.#walkTable('idempotency', (key, row, snapshot) => this.#checkKeyRow(key, row, snapshot));
    yield* this.#walkTable('consumer_cursors', (key, row, snapshot) => this.#checkCursorRow(key, row, snapshot));
    yield* this.#walkTable('dead_letters', (key, row, snapshot) =>
      this.#problemIn(
        'dead_letters',
        letterProblem(snapshot, key, row, () => lastPositionOf(snapshot)),
      ),
    );
    yield* this.#walkTable('parked', (key, row, snapshot) =>
      this.#problemIn(
        'parked',
        parkedProblem(key, row, () => lastPositionOf(snapshot)),
      ),
    );
    yield* this.#walkTable('snapshots', checkSnapshotRow);
    yield* this.#walkTable('projections', (key, row, snapshot) =>
      checkProjectionRow(key, row, snapshot, (message) => this.#problem('projections', undefined, message)),
    );
    const timers = new TimerChecker((message) => this.#problem('timers', undefined, message));
    this.#guard('timers', () => this.#engine.read((snapshot) => timers.start(snapshot)));
    yield* this.#walkTable('timers', (key, row, snapshot) => timers.check(key, row, snapshot));
    this.#guard('timers', () => this.#engine.read((snapshot) => timers.finish(snapshot)));
  }

  report(): VerifyReport {
    return {
      ok: this.#problemCount === 0,
      head: this.head,
      indexedPosition: this.#indexedPosition,
      blocks: this.#blocks,
      commits: this.#commits,
      events: this.#position,
      streams: this.#streams.size,
      idempotencyKeys: this.#idempotencyKeys,
      encryption: this.#seals.counts,
      erased: undefined,
      problemCount: this.#problemCount,
      problems: this.#problems,
    };
  }

  #start(): boolean {
    const isKnown = this.#guard('meta', () =>
      this.#engine.read((snapshot) => {
        readIdentity(snapshot, this.#engine.path);
        this.#indexedPosition = readMetaNumber(snapshot, 'indexedPosition');
        this.#guard('events_log', () => this.#findHead(snapshot));
        for (const name of ['writerEpoch', 'sweptPosition', ...(hasEncryption(snapshot) ? keyNumbers : [])] as const) {
          const isWhole = this.#guard('meta', () => void readMetaNumber(snapshot, name));
          this.#isMetaWhole &&= isWhole;
        }
      }),
    );
    if (isKnown && this.#indexedPosition > this.head) {
      this.#problem('meta', this.head, `indexedPosition is ${this.#indexedPosition}, the log ends at ${this.head}`);
    }
    return isKnown;
  }

  /** The end of the log, or as much of it as a damaged last block tells. */
  #findHead(snapshot: Snapshot): void {
    snapshot.walkBackward(Number.MAX_SAFE_INTEGER, (firstPosition, bytes) => {
      this.head = firstPosition;
      this.head = new Block(bytes, firstPosition, 'directory').lastPosition;
      return false;
    });
  }

  /** Checks some blocks. False when the engine can't go on. */
  #walkBlocks(): boolean {
    return this.#guard('events_log', () =>
      this.#engine.read((snapshot) => {
        let blocks = 0;
        snapshot.walkForward(this.#position, (firstPosition, bytes) => {
          if (firstPosition <= this.#position) return true;
          if (firstPosition > this.head) return false;
          this.#guard('events_log', () => this.#checkBlock(snapshot, firstPosition, bytes));
          return ++blocks < pageBlocksMax;
        });
        if (blocks === 0) {
          this.#problem('events_log', this.#position, `the log ends at ${this.#position} instead of ${this.head}`);
          this.#position = this.head;
        }
      }),
    );
  }

  #checkBlock(snapshot: Snapshot, firstPosition: number, bytes: Uint8Array): void {
    const expected = this.#position + 1;
    if (firstPosition !== expected && !this.#hasHole) {
      this.#problem('events_log', firstPosition, `a gap: position ${expected} is missing`);
      this.#hasHole = true;
    }
    // Even a block that can't be read is behind us: the walk goes on with the next.
    this.#position = firstPosition;
    this.#blocks++;
    let block: Block;
    try {
      block = new Block(Uint8Array.prototype.slice.call(bytes), firstPosition, 'whole');
    } catch (error) {
      this.#hasHole = true;
      throw error;
    }
    this.#position = block.lastPosition;
    for (let ordinal = 0; ordinal < block.eventCount; ordinal++) this.#checkRecord(block, ordinal);
    this.#seals.check(block, snapshot, (error) =>
      this.#guard('events_log', () => {
        throw error;
      }),
    );
    this.#checkCommits(snapshot, block);
  }

  #checkRecord(block: Block, ordinal: number): void {
    block.checkRecord(ordinal);
    const recordAt = block.recordAt(ordinal);
    const position = block.positionOf(ordinal);
    block.typeName(block.typeIndexAt(recordAt));
    const name = block.streamName(block.streamIndexAt(recordAt));
    const timeMs = block.timeMsAt(recordAt);
    if (timeMs < this.#timeMs) this.#problem('events_log', position, 'the time goes back');
    this.#timeMs = timeMs;

    const stream = this.#logged(name);
    const version = block.versionAt(recordAt);
    const isNext = this.#hasHole ? version > stream.version : version === stream.version + 1;
    if (!isNext) {
      const message = `${JSON.stringify(name)} goes from version ${stream.version} to ${version}`;
      this.#problem('events_log', position, message);
    }
    stream.version = version;
    if (position <= this.#indexedPosition) {
      stream.indexedVersion = version;
      stream.indexedLastPosition = position;
      stream.mix = mixed(stream.mix, { position, block: block.firstPosition });
    }
  }

  #logged(name: string): LoggedStream {
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      stream = {
        version: 0,
        indexedVersion: 0,
        indexedLastPosition: 0,
        mix: 0,
        hasRow: false,
        runVersion: undefined,
      };
      this.#streams.set(name, stream);
    }
    return stream;
  }

  /** The commits of a block cover it without gap or overlap, and one that began before goes on as it said. */
  #checkCommits(snapshot: Snapshot, block: Block): void {
    let next = block.firstPosition;
    for (const commit of block.commits()) {
      const isContinued = commit.firstPosition < block.firstPosition;
      const open = this.#openCommit;
      const follows = isContinued
        ? next === block.firstPosition && (this.#hasHole || open?.firstPosition === commit.firstPosition)
        : commit.firstPosition === next && (this.#hasHole || open === undefined);
      if (!follows || commit.eventCount === 0) {
        this.#problem(
          'events_log',
          block.firstPosition,
          `the commit at ${commit.firstPosition} does not follow the one before`,
        );
        return;
      }
      if (!isContinued) this.#commits++;
      if (commit.idempotency !== undefined && this.#isMetaWhole) {
        const { key, hash } = commit.idempotency;
        this.#guard('idempotency', () => this.#checkKeyOfCommit(snapshot, key, hash, commit.firstPosition));
      }
      const end = commit.firstPosition + commit.eventCount;
      next = Math.min(end, block.lastPosition + 1);
      this.#openCommit = end > next ? { firstPosition: commit.firstPosition, left: end - next } : undefined;
    }
    if (next !== block.lastPosition + 1) {
      this.#problem('events_log', block.firstPosition, `events from ${next} on belong to no commit`);
    }
  }

  /** From the log to the table: a key that is neither expired nor used again must have its row. */
  #checkKeyOfCommit(snapshot: Snapshot, key: string, hash: Uint8Array, firstPosition: number): void {
    if (firstPosition > this.#indexedPosition || firstPosition <= readMetaNumber(snapshot, 'sweptPosition')) return;
    const bytes = textKey(key);
    const row = snapshot.row('idempotency', bytes);
    if (row === undefined) {
      this.#problem('idempotency', firstPosition, `the key ${JSON.stringify(key)} has no row`);
      return;
    }
    const stored = decodeIdempotencyRow(bytes, row);
    const isOwn = stored.firstPosition === firstPosition;
    if (stored.firstPosition < firstPosition || (isOwn && Buffer.compare(stored.hash, hash) !== 0)) {
      this.#problem('idempotency', firstPosition, `the row of the key ${JSON.stringify(key)} is of another commit`);
    }
  }

  #checkStreamRow(key: Uint8Array, row: Uint8Array, snapshot: Snapshot): void {
    const name = Buffer.from(key).toString();
    const { version, lastPosition, runVersion } = decodeStreamRow(key, row);
    const logged = this.#streams.get(name);
    // A row written since the start of the check tells of later events.
    const isLater = lastPosition > this.#indexedPosition && lastPosition <= readMetaNumber(snapshot, 'indexedPosition');
    if (logged !== undefined) {
      logged.hasRow = true;
      logged.runVersion = isLater ? undefined : runVersion;
    }
    const agrees = isLater
      ? version > (logged?.indexedVersion ?? 0)
      : version === logged?.indexedVersion && lastPosition === logged.indexedLastPosition;
    if (!agrees && !this.#hasHole) {
      const message = `the row of ${JSON.stringify(name)} says version ${version} at ${lastPosition}, the log another`;
      this.#problem('streams', lastPosition, message);
    }
  }

  /** From the table to the log: a row names a commit that exists and has that key. */
  #checkKeyRow(key: Uint8Array, row: Uint8Array, snapshot: Snapshot): void {
    this.#idempotencyKeys++;
    const text = Buffer.from(key).toString();
    const stored = decodeIdempotencyRow(key, row);
    if (!hasCommit(snapshot, text, stored)) {
      this.#problem(
        'idempotency',
        stored.firstPosition,
        `the log has no such commit of the key ${JSON.stringify(text)}`,
      );
    }
  }

  /** Cursors move while the check runs, so each is held against the log of its own snapshot. */
  #checkCursorRow(key: Uint8Array, row: Uint8Array, snapshot: Snapshot): void {
    const { position } = decodeCursorRow(key, row);
    if (position > lastPositionOf(snapshot)) {
      const message = `the cursor of ${JSON.stringify(Buffer.from(key).toString())} is ahead of the log, at ${position}`;
      this.#problem('consumer_cursors', undefined, message);
    }
  }

  *#walkTable(
    table: TableName,
    check: (key: Uint8Array, row: Uint8Array, snapshot: Snapshot) => void,
  ): Generator<number> {
    let from: Uint8Array | undefined = new Uint8Array(0);
    while (from !== undefined) {
      const start: Uint8Array = from;
      from = undefined;
      this.#guard(table, () =>
        this.#engine.read((snapshot) => {
          const page: { key: Uint8Array; row: Uint8Array }[] = [];
          snapshot.walkRows(table, { from: start }, (key, row) => {
            page.push({ key: copied(key), row: copied(row) });
            return page.length < rowsPerPage;
          });
          for (const { key, row } of page) this.#guard(table, () => check(key, row, snapshot));
          const last = page.at(-1);
          if (last !== undefined && page.length === rowsPerPage) from = Buffer.concat([last.key, Buffer.of(0)]);
        }),
      );
      yield this.#position;
    }
  }

  /** Turns damage that is thrown into a problem, of `table` unless it says where it is itself. False when there was one. */
  #guard(table: string, check: () => void): boolean {
    try {
      check();
      return true;
    } catch (error) {
      if (!isDamage(error)) throw error;
      const { detail } = error;
      if ('table' in detail) this.#problem(detail.table, detail.position, error.message);
      else this.#problem(table, undefined, error.message);
      return false;
    }
  }

  #problemIn(table: TableName, message: string | undefined): void {
    if (message !== undefined) this.#problem(table, undefined, message);
  }

  #problem(table: string, position: number | undefined, message: string): void {
    this.#problemCount++;
    if (this.#problems.length < verifyProblemsMax) this.#problems.push({ table, position, message });
  }
}

const damageCodes = ['STORE_CORRUPT', 'STORE_FORMAT', 'DECRYPTION_FAILED'] as const;

function isDamage(error: unknown): error is BusError<(typeof damageCodes)[number]> {
  return damageCodes.some((code) => isBusError(error, code));
}

const rowsPerPage = 512;

function lastPositionOf(snapshot: Snapshot): number {
  let position = 0;
  snapshot.walkBackward(Number.MAX_SAFE_INTEGER, (firstPosition, bytes) => {
    position = new Block(bytes, firstPosition, 'directory').lastPosition;
    return false;
  });
  return position;
}

function hasCommit(snapshot: Snapshot, key: string, row: IdempotencyRow): boolean {
  let found = false;
  snapshot.walkBackward(row.firstPosition, (firstPosition, bytes) => {
    const block = new Block(bytes, firstPosition, 'directory');
    found = block
      .commits()
      .some(
        ({ idempotency, firstPosition: commit, eventCount }) =>
          commit === row.firstPosition &&
          eventCount === row.eventCount &&
          timeOf(block, commit) === row.timeMs &&
          idempotency?.key === key &&
          Buffer.compare(idempotency.hash, row.hash) === 0,
      );
    return false;
  });
  return found;
}

function copied(bytes: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes);
}
