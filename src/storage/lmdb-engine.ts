/**
 * The LMDB engine: blocks and rows in one file, `log.mdb`, durable before visible.
 *
 * Every commit is one synchronous transaction that holds nothing but puts of finished buffers and the check of the fence.
 * Every read is a snapshot of its own, released when it ends. Owns what lmdb's errors mean for a store: nothing written
 * and usable, or failed for good. Creating a store: store-creation.ts. Whether a file may be mapped at all: preflight.ts.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../assert.ts';
import { BusError } from '../errors.ts';
import type { Capabilities, Durability } from '../types.ts';
import type { Engine, RowWrite, Snapshot, WriteSet } from './engine.ts';
import { type FileSystemType, refuseNetworkFileSystem } from './file-system.ts';
import { type Environment, MissingTableError, openEnvironment } from './lmdb-environment.ts';
import { errnoIo, lmdbCode, openError, readError, saysNoSpace } from './lmdb-errors.ts';
import { LmdbSnapshot } from './lmdb-snapshot.ts';
import { preflight } from './preflight.ts';
import { isOutOfSpace } from './space-probe.ts';
import { createDirectory, createStore, dataFileName, removeLeftovers } from './store-creation.ts';
import { checkWriteSet, sameBytes } from './write-set.ts';
import { takeWriterLock, type WriterLock } from './writer-lock.ts';

/** Checks that a user may overrule, knowing better. */
export type ForcedFeature = 'network-file-system' | 'pid-namespace';

export interface LmdbEngineOptions {
  /** Holds the store and nothing else; created when it is missing, unless `readOnly`. */
  readonly directory: string;
  readonly readOnly: boolean;
  readonly durability: Durability;
  /** How long to wait for another writer to go. Milliseconds. */
  readonly lockWaitMs: number;
  readonly force: readonly ForcedFeature[];
  /** Rows of a new store: a store that exists always has them. */
  readonly initialRows: readonly RowWrite[];
  /** Ends the wait for another writer. */
  readonly signal?: AbortSignal | undefined;
  /** For tests: tells the type of a file system. @default the kernel */
  readonly fileSystemType?: FileSystemType;
}

/**
 * Opens the store in `directory`, or makes a new one.
 * @throws {STORE_LOCKED} {STORE_NOT_FOUND} {STORE_FORMAT} {STORE_CORRUPT} {STORE_READ_ONLY} {STORE_FULL} {UNSUPPORTED} {ABORTED}
 */
export async function openLmdbEngine(options: LmdbEngineOptions): Promise<Engine> {
  return options.readOnly ? openReader(options) : await openWriter(options);
}

function openReader(options: LmdbEngineOptions): Engine {
  const { directory } = options;
  const path = join(directory, dataFileName);
  if (!existsSync(path))
    throw new BusError('STORE_NOT_FOUND', `there is no store in ${directory}`, { path: directory });
  if (!options.force.includes('network-file-system')) refuseNetworkFileSystem(directory, options.fileSystemType);
  requireLockFile(directory, path);
  preflight(path);
  const environment = openFor(options, path);
  return new LmdbEngine(options, environment, undefined);
}

async function openWriter(options: LmdbEngineOptions): Promise<Engine> {
  const { directory } = options;
  createDirectory(directory);
  if (!options.force.includes('network-file-system')) refuseNetworkFileSystem(directory, options.fileSystemType);
  const lock = await takeWriterLock(options);
  try {
    const path = join(directory, dataFileName);
    removeLeftovers(directory);
    if (!existsSync(path)) createStore(directory, options.initialRows);
    preflight(path);
    return new LmdbEngine(options, openFor(options, path), lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

function openFor(options: LmdbEngineOptions, path: string): Environment {
  const { directory, readOnly } = options;
  try {
    return openEnvironment({ path, readOnly, noSync: options.durability === 'os' });
  } catch (error) {
    if (error instanceof MissingTableError)
      throw new BusError(
        'STORE_FORMAT',
        `${path} is an LMDB file, but not a varvebus store: ${error.message}`,
        { path: directory, found: undefined, supported: 1 },
        { cause: error },
      );
    throw openError(directory, error);
  }
}

/** Without a slot in LMDB's lock file a reader's pages are reused under it: it then reads garbage. */
function requireLockFile(directory: string, path: string): void {
  const lockPath = `${path}-lock`;
  try {
    // Never opened here: closing it would drop the locks that LMDB holds on it in this process (fcntl(2), record locks).
    accessSync(lockPath, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw new BusError(
      'STORE_READ_ONLY',
      `the store at ${directory} can't be read safely: ${lockPath} must be there and writable for this user, so that LMDB keeps the pages that are being read. Give this user the right to write it`,
      { path: directory },
      { cause: error },
    );
  }
}

class LmdbEngine implements Engine {
  readonly capabilities: Capabilities;
  readonly path: string;
  readonly #dataPath: string;
  readonly #environment: Environment;
  readonly #snapshot: LmdbSnapshot;
  readonly #lock: WriterLock | undefined;
  #reading = false;
  #closed = false;
  /** What the first failed commit threw: nothing is written after it. */
  #failure: unknown;

  constructor(options: LmdbEngineOptions, environment: Environment, lock: WriterLock | undefined) {
    const { directory, durability, readOnly } = options;
    this.path = directory;
    this.#dataPath = join(directory, dataFileName);
    this.#environment = environment;
    this.#snapshot = new LmdbSnapshot(environment, directory);
    this.#lock = lock;
    this.capabilities = { engine: 'lmdb', durability, processes: true, threads: true, readOnly };
  }

  read<T>(use: (snapshot: Snapshot) => T): T {
    this.#assertOpen();
    assert(!this.#reading, 'a read is not inside another one');
    const { root } = this.#environment;
    root.resetReadTxn();
    const tx = this.#beginRead();
    this.#reading = true;
    try {
      return use(this.#snapshot);
    } finally {
      this.#reading = false;
      tx.done();
      root.resetReadTxn();
    }
  }

  commit(writes: WriteSet): void {
    this.#assertOpen();
    const { path } = this;
    if (this.capabilities.readOnly)
      throw new BusError('STORE_READ_ONLY', `the store at ${path} was opened read-only`, { path });
    if (this.#failure !== undefined) throw failedError(path, this.#failure);
    assert(!this.#reading, 'a commit is not inside a read');
    checkWriteSet(writes);
    const { root } = this.#environment;
    let id = 0;
    try {
      root.transactionSync(() => {
        id = root.getWriteTxnId();
        this.#put(writes);
      });
    } catch (error) {
      if (error instanceof BusError) throw error;
      throw this.#commitError(error, id, writes);
    }
  }

  transactionId(): number {
    this.#assertOpen();
    const { root } = this.#environment;
    try {
      return root.getStats().lastTxnId;
    } catch (error) {
      throw readError(this.path, 'meta', error);
    } finally {
      if (!this.#reading) root.resetReadTxn();
    }
  }

  sizeBytes(): number {
    this.#assertOpen();
    return statSync(this.#dataPath).size;
  }

  close(): void {
    assert(!this.#reading, 'an engine is not closed inside a read');
    if (this.#closed) return;
    this.#closed = true;
    try {
      void this.#environment.root.close();
    } finally {
      this.#lock?.release();
    }
  }

  /** Takes the read transaction now: lmdb would only do so with the first read, and an iteration would hide the failure. */
  #beginRead(): { done(): void } {
    try {
      return this.#environment.root.useReadTransaction();
    } catch (error) {
      if (this.#failure !== undefined) throw failedError(this.path, this.#failure);
      throw readError(this.path, 'file', error);
    }
  }

  /** Runs inside the transaction: what it throws, undoes it. */
  #put(writes: WriteSet): void {
    const { blocks, rows } = this.#environment;
    const { fence } = writes;
    if (fence !== undefined) {
      const stored = rows[fence.table].getBinaryFast(fence.key);
      if (!sameBytes(stored?.subarray(0, stored.length), fence.value))
        throw new BusError('WRITER_FENCED', `another writer took over the store at ${this.path}`, { path: this.path });
    }
    for (const { firstPosition, bytes } of writes.blocks) {
      const outcome = blocks.put(firstPosition, bytes, { append: true });
      assert(outcome.result, 'blocks are appended behind the last one');
    }
    for (const { table, key, value } of writes.rows) {
      if (value === undefined) rows[table].remove(key);
      else assert(rows[table].put(key, value).result, 'a row is written');
    }
  }

  /** Decides what a failed transaction means, and remembers it unless the store is as it was. */
  #commitError(error: unknown, transactionId: number, writes: WriteSet): BusError {
    const { path } = this;
    const full = saysNoSpace(error) || (lmdbCode(error) === errnoIo && isOutOfSpace(this.#dataPath, writes));
    if (full && this.#shows(transactionId - 1))
      return new BusError(
        'STORE_FULL',
        `there is no space for this commit to the store at ${path}: nothing was written. Make room and try again`,
        { path },
        { cause: error },
      );
    this.#failure = error;
    return failedError(path, error);
  }

  #shows(transactionId: number): boolean {
    try {
      return this.read(() => this.transactionId()) === transactionId;
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

function failedError(path: string, cause: unknown): BusError {
  return new BusError(
    'STORE_FAILED',
    `a commit to the store at ${path} failed, and it is not known whether it was written. Close the store everywhere in this process, then open it again`,
    { path },
    { cause },
  );
}
