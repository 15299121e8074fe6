/**
 * Keeps the opening of a store and commits to it apart, across processes, with a kernel-released lock on `opening.lock`.
 *
 * Why: whoever opens an environment reads the newest transaction id from the file and then stores it in LMDB's lock file
 * (mdb.c, end of mdb_env_open2), unlocked. When a commit falls between the two, the id goes back, and the next commit
 * overwrites the one before: an acknowledged commit is lost (measured with lmdb 3.5.6: within a few thousand opens beside a
 * busy writer, or at once when the opener is delayed there). The writer checks the id as well (lmdb-connection.ts), for openers
 * that do not know this gate.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { tryLock, unlock } from 'fs-native-extensions';
import { BusError } from '../errors.ts';
import { createPrivately } from './file-system.ts';
import { abortedError } from './lmdb-errors.ts';
import { isNotAllowed } from './system-errors.ts';

/** How long a commit waits for an opener: an opening takes about a millisecond, but its process may be stopped in it. */
const commitWaitMs = 2000;
/** How long an opener waits for a gap between commits. */
const openWaitMs = 30_000;
/** A gap between two commits of a busy writer is a few microseconds: trying without a pause is what meets one. */
const spinMs = 2;
const pauseMs = 0.1;

export class OpeningGate {
  readonly #file: number;
  readonly #pause = new Int32Array(new SharedArrayBuffer(4));
  /** Set once an opener did not come out in time: from then on commits do not wait for it. */
  #isStuck = false;

  /** @throws {STORE_READ_ONLY} when this user can't write the lock file. */
  constructor(directory: string) {
    this.#file = openLockFile(directory);
  }

  /**
   * Runs `open` while no commit runs.
   * @throws {STORE_LOCKED} when the writer leaves no gap. @throws {ABORTED} when `signal` ends the wait.
   */
  async whileOpening<T>(directory: string, signal: AbortSignal | undefined, open: () => T): Promise<T> {
    const deadline = performance.now() + openWaitMs;
    while (!this.#spin()) {
      if (performance.now() > deadline) throw stuckError(directory);
      try {
        await delay(1, undefined, signal === undefined ? {} : { signal });
      } catch (error) {
        throw signal?.aborted === true ? abortedError(directory, signal.reason) : error;
      }
    }
    try {
      return open();
    } finally {
      unlock(this.#file);
    }
  }

  /** Runs `commit` while nobody opens the store, or, when an opener is stuck, nevertheless. */
  whileCommitting(commit: () => void): void {
    if (!this.#enterForCommit()) {
      commit();
      return;
    }
    try {
      commit();
    } finally {
      unlock(this.#file);
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  #enterForCommit(): boolean {
    if (tryLock(this.#file)) {
      this.#isStuck = false;
      return true;
    }
    if (this.#isStuck) return false;
    const deadline = performance.now() + commitWaitMs;
    while (!this.#spin()) {
      if (performance.now() > deadline) {
        this.#isStuck = true;
        return false;
      }
      Atomics.wait(this.#pause, 0, 0, pauseMs);
    }
    return true;
  }

  #spin(): boolean {
    const end = performance.now() + spinMs;
    for (;;) {
      if (tryLock(this.#file)) return true;
      if (performance.now() >= end) return false;
    }
  }
}

function openLockFile(directory: string): number {
  const path = join(directory, 'opening.lock');
  try {
    createPrivately(path);
    return openSync(path, constants.O_RDWR);
  } catch (error) {
    if (!isNotAllowed(error)) throw error;
    throw new BusError(
      'STORE_READ_ONLY',
      `the store at ${directory} can't be opened: ${path} must be there and writable for this user, even to read. Give this user the right to write it`,
      { path: directory },
      { cause: error },
    );
  }
}

function stuckError(directory: string): BusError {
  return new BusError(
    'STORE_LOCKED',
    `the store at ${directory} can't be opened: its writer holds it in a commit that does not end`,
    { path: directory, holder: undefined },
  );
}
