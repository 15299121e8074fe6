/**
 * An open LMDB store: blocks and rows in one file, durable before visible.
 *
 * Every commit is one synchronous transaction that holds nothing but puts of finished buffers and the check of the fence.
 * Every read is a snapshot of its own, released when it ends. Owns what a failed commit means: nothing written and usable,
 * or failed for good. How a store is opened: lmdb-engine.ts.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../assert.ts';
import { BusError } from '../errors.ts';
import type { Capabilities, Durability } from '../types.ts';
import { DiskSpace, valuePages } from './disk-space.ts';
import type { Engine, EngineUsage, Snapshot, WriteSet } from './engine.ts';
import { borrowedValue, type Environment, snapshotTransactionId } from './lmdb-environment.ts';
import { errnoIo, lmdbCode, readError, saysNoSpace } from './lmdb-errors.ts';
import { pageSizeBytes } from './lmdb-file.ts';
import { LmdbSnapshot } from './lmdb-snapshot.ts';
import { type LmdbUsage, lmdbUsage } from './lmdb-usage.ts';
import type { OpeningGate } from './opening-gate.ts';
import { dataFileName } from './store-creation.ts';
import { checkWriteSet, requireFence } from './write-set.ts';
import type { WriterLock } from './writer-lock.ts';

export interface ConnectionOptions {
  readonly directory: string;
  readonly readOnly: boolean;
  readonly durability: Durability;
}

/** What a writer holds beside the environment. */
export interface WriterParts {
  readonly lock: WriterLock;
  readonly gate: OpeningGate;
}

/** Pages that a transaction writes beside its values: the path to the blocks, the free list, the main tree. */
const pagesBeside = 16;
/** Pages from a root to a leaf, and one more for a split: a tree of depth 5 has hundreds of millions of rows. */
const pathPages = 5;
/** Up to so many copies of tree pages the trees are not asked how many pages they have. */
const copiesCounted = 320;

/** How often the trees are looked at again because a commit came between them and the number of pages. */
const usageLooksMax = 5;

export class LmdbConnection implements Engine {
  readonly capabilities: Capabilities;
  readonly path: string;
  readonly #dataPath: string;
  readonly #space: DiskSpace;
  readonly #environment: Environment;
  readonly #snapshot: LmdbSnapshot;
  readonly #writer: WriterParts | undefined;
  /** A writer's newest transaction: nobody else makes any. */
  #lastId: number;
  /** The last answer of `transactionId()`. */
  #seenId: number;
  #reading = false;
  #closed = false;
  /** What the first failed commit threw: nothing is written after it. */
  #failure: unknown;

  constructor(
    options: ConnectionOptions,
    environment: Environment,
    writer: WriterParts | undefined,
    sharesEnvironment: boolean,
  ) {
    const { directory, durability, readOnly } = options;
    this.path = directory;
    this.#dataPath = join(directory, dataFileName);
    this.#space = new DiskSpace(this.#dataPath);
    this.#environment = environment;
    this.#snapshot = new LmdbSnapshot(environment, directory);
    this.#writer = writer;
    this.capabilities = { engine: 'lmdb', durability, processes: true, threads: sharesEnvironment, readOnly };
    this.#lastId = newestTransactionId(environment);
    environment.root.resetReadTxn();
    this.#seenId = this.#lastId;
  }

  read<T>(use: (snapshot: Snapshot) => T): T {
    this.#assertOpen();
    assert(!this.#reading, 'a read is not inside another one');
    const { root } = this.#environment;
    const tx = this.#beginRead();
    this.#reading = true;
    try {
      return this.#snapshot.during(use);
    } finally {
      this.#reading = false;
      tx.done();
      root.resetReadTxn();
    }
  }

  commit(writes: WriteSet): void {
    this.#assertOpen();
    const { path } = this;
    const writer = this.#writer;
    if (writer === undefined)
      throw new BusError('STORE_READ_ONLY', `the store at ${path} was opened read-only`, { path });
    if (this.#failure !== undefined) throw failedError(path, this.#failure);
    assert(!this.#reading, 'a commit is not inside a read');
    checkWriteSet(writes);
    const { root } = this.#environment;
    let bytes = 0;
    let id = this.#lastId;
    try {
      bytes = this.#bytesNeeded(writes);
      if (!this.#space.hasRoomFor(bytes)) throw fullError(path, undefined);
      writer.gate.whileCommitting(() => {
        root.transactionSync(() => {
          id = this.#put(writes);
        });
      });
    } catch (error) {
      throw error instanceof BusError ? error : this.#commitError(error, bytes);
    }
    this.#lastId = id;
  }

  transactionId(): number {
    return this.#reading ? this.#snapshotId() : this.read(() => this.#snapshotId());
  }

  sizeBytes(): number {
    this.#assertOpen();
    try {
      return statSync(this.#dataPath).size;
    } catch (error) {
      throw readError(this.path, 'file', error);
    }
  }

  usage(): EngineUsage {
    const fileBytes = this.sizeBytes();
    for (let looks = 1; ; looks += 1) {
      const { isExact, ...usage } = this.read(() => this.#usage());
      if (isExact || looks >= usageLooksMax) return { fileBytes, ...usage };
    }
  }

  close(): void {
    assert(!this.#reading, 'an engine is not closed inside a read');
    if (this.#closed) return;
    this.#closed = true;
    try {
      void this.#environment.root.close();
    } finally {
      this.#writer?.gate.close();
      this.#writer?.lock.release();
    }
  }

  #usage(): LmdbUsage {
    try {
      return lmdbUsage(this.#environment);
    } catch (error) {
      throw error instanceof BusError ? error : readError(this.path, 'file', error);
    }
  }

  #snapshotId(): number {
    try {
      // Of 64 bits lmdb gives 32: the number nearest to the last one known is meant.
      this.#seenId += (snapshotTransactionId(this.#environment.root) - this.#seenId) | 0;
      return this.#seenId;
    } catch (error) {
      throw error instanceof BusError ? error : readError(this.path, 'file', error);
    }
  }

  /** Takes the read transaction now: lmdb would only do so with the first read, and an iteration would hide the failure. */
  #beginRead(): { done(): void } {
    const { root } = this.#environment;
    try {
      return root.useReadTransaction();
    } catch (error) {
      root.resetReadTxn();
      throw this.#failure === undefined ? readError(this.path, 'file', error) : failedError(this.path, this.#failure);
    }
  }

  /** Runs inside the transaction: what it throws, undoes it. Gives the id of the newest transaction once this one is in. */
  #put(writes: WriteSet): number {
    const { blocks, rows, root } = this.#environment;
    const id = root.getWriteTxnId();
    if (id !== this.#lastId + 1) this.#assertNewest(id - 1);
    const { fence } = writes;
    if (fence !== undefined) {
      const stored = rows[fence.table].getBinaryFast(fence.key);
      requireFence(stored && borrowedValue(stored), fence, this.path);
    }
    let changes = writes.blocks.length;
    for (const { firstPosition, bytes } of writes.blocks) {
      assert(blocks.put(firstPosition, bytes, { append: true }).result, 'blocks are appended behind the last one');
    }
    for (const { table, key, value } of writes.rows) {
      const { result } = value === undefined ? rows[table].remove(key) : rows[table].put(key, value);
      assert(result || value === undefined, 'a row is written');
      if (result) changes += 1;
    }
    return changes === 0 ? id - 1 : id;
  }

  /** A transaction must build on the newest one in the file, or it would overwrite it: see opening-gate.ts. */
  #assertNewest(id: number): void {
    const newest = newestTransactionId(this.#environment);
    if (newest !== id) throw new Error(`LMDB would build on transaction ${id}, but ${newest} is the newest`);
  }

  /** Decides what a failed transaction means, and remembers it unless the store is as it was. */
  #commitError(error: unknown, bytes: number): BusError {
    const { path } = this;
    const isFull = saysNoSpace(error) || (lmdbCode(error) === errnoIo && this.#space.isOutOfSpace(bytes));
    if (isFull && this.#isAsBefore()) return fullError(path, error);
    this.#failure = error;
    return failedError(path, error);
  }

  /** The most that the file may grow by: new pages for all that is written, and a copy of each tree page on the way. */
  #bytesNeeded(writes: WriteSet): number {
    const { blocks, rows } = writes;
    let pages = pagesBeside;
    for (const { bytes } of blocks) pages += valuePages(bytes.length) + 1;
    let rowBytes = 0;
    for (const { key, value } of rows) rowBytes += key.length + (value?.length ?? 0);
    pages += 2 * valuePages(rowBytes);
    const copies = pathPages * rows.length;
    pages += copies <= copiesCounted ? copies : Math.min(copies, this.#treePages(rows));
    return pages * pageSizeBytes;
  }

  #treePages(rows: WriteSet['rows']): number {
    let pages = 0;
    for (const name of new Set(rows.map(({ table }) => table))) {
      const { treeBranchPageCount, treeLeafPageCount } = this.#environment.rows[name].getStats();
      pages += treeBranchPageCount + treeLeafPageCount;
    }
    this.#environment.root.resetReadTxn();
    return pages;
  }

  #isAsBefore(): boolean {
    try {
      return this.read(() => this.transactionId()) === this.#lastId;
    } catch (error) {
      if (error instanceof BusError) return false;
      throw error;
    }
  }

  #assertOpen(): void {
    const { path } = this;
    if (this.#closed) throw new BusError('STORE_CLOSED', `the store at ${path} was closed`, { path });
  }
}

function newestTransactionId({ root }: Environment): number {
  return root.getStats().lastTxnId;
}

function fullError(path: string, cause: unknown): BusError {
  return new BusError(
    'STORE_FULL',
    `there is no space for this commit to the store at ${path}: nothing was written. Make room and try again`,
    { path },
    cause === undefined ? undefined : { cause },
  );
}

function failedError(path: string, cause: unknown): BusError {
  return new BusError(
    'STORE_FAILED',
    `a commit to the store at ${path} failed, and it is not known whether it was written. Close the store everywhere in this process, then open it again`,
    { path },
    { cause },
  );
}
