/**
 * One writer per directory: an exclusive lock on `writer.lock` that the kernel releases when its holder dies.
 *
 * Owns `writer.lock`, which is never deleted (two processes could then lock two files of that name), and `writer.json`,
 * which only serves messages. The lock belongs to an open file (OFD locks, fcntl(2)): a second open is refused even in
 * the same process or thread. It guards against mistakes; what makes two writers safe is the fence in every commit.
 */
import { closeSync, constants, openSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { tryLock } from 'fs-native-extensions';
import { BusError } from '../errors.ts';
import { createPrivately } from './file-system.ts';
import { abortedError } from './lmdb-errors.ts';
import { isNoSpace, isNotAllowed, isSystemError } from './system-errors.ts';

/** Who holds the lock, as it wrote of itself. */
export interface WriterDescription {
  readonly host: string;
  /** The kernel's id of this boot; undefined where there is none. */
  readonly bootId: string | undefined;
  readonly pid: number;
  /** The kernel's name of the pid namespace; undefined where there is none. */
  readonly pidNamespace: string | undefined;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

export interface WriterLockOptions {
  readonly directory: string;
  /** How long to wait for another writer to go. Milliseconds. */
  readonly lockWaitMs: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** A lock that is held. */
export interface WriterLock {
  /** Twice is fine. */
  release(): void;
}

const pollMs = 20;

/**
 * Takes the lock of `directory`, which must exist.
 * @throws {STORE_LOCKED} when it is still held after `lockWaitMs`. @throws {STORE_READ_ONLY} when the file can't be written.
 * @throws {ABORTED} when `signal` ends the wait.
 */
export async function takeWriterLock(options: WriterLockOptions): Promise<WriterLock> {
  const { directory, signal } = options;
  const file = openLockFile(directory);
  let own: WriterDescription;
  try {
    const deadline = performance.now() + options.lockWaitMs;
    while (!tryLock(file)) {
      const left = deadline - performance.now();
      if (left <= 0) throw lockedError(directory);
      await delay(Math.min(pollMs, left), undefined, signal === undefined ? {} : { signal });
    }
    own = writeDescription(directory);
  } catch (error) {
    closeSync(file);
    if (signal?.aborted === true) throw abortedError(directory, signal.reason);
    throw error;
  }
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      // A writer that got in nevertheless, because the lock file was replaced, has told of itself since: that stays.
      const told = readWriterDescription(directory);
      const isOwn = told?.pid === own.pid && told.startedAt === own.startedAt;
      if (isOwn) rmSync(descriptionPath(directory), { force: true });
      closeSync(file);
    },
  };
}

/** True when some writer holds the lock of `directory` now. False when there is no lock file, or it can't be looked at. */
export function isWriterLocked(directory: string): boolean {
  let file: number;
  try {
    file = openSync(lockPath(directory), constants.O_RDONLY);
  } catch (error) {
    if (isSystemError(error)) return false;
    throw error;
  }
  try {
    return !tryLock(file, { shared: true });
  } finally {
    closeSync(file);
  }
}

/** What the writer of `directory` wrote of itself; undefined when there is nothing, or nothing readable. */
export function readWriterDescription(directory: string): WriterDescription | undefined {
  try {
    return JSON.parse(readFileSync(descriptionPath(directory), 'utf8')) as WriterDescription;
  } catch (error) {
    if (isSystemError(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** This process, as a writer. */
export function describeWriter(): WriterDescription {
  return {
    host: hostname(),
    bootId: kernelText(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    pid: process.pid,
    pidNamespace: kernelText(() => readlinkSync('/proc/self/ns/pid')),
    startedAt: Date.now(),
  };
}

function lockPath(directory: string): string {
  return join(directory, 'writer.lock');
}

function descriptionPath(directory: string): string {
  return join(directory, 'writer.json');
}

function openLockFile(directory: string): number {
  const path = lockPath(directory);
  try {
    createPrivately(path);
    return openSync(path, constants.O_RDWR);
  } catch (error) {
    if (!isNotAllowed(error)) throw error;
    throw new BusError(
      'STORE_READ_ONLY',
      `the store at ${directory} can't be opened for writing: ${path} can't be written by this user. Change its owner or mode, or open with readOnly: true`,
      { path: directory },
      { cause: error },
    );
  }
}

function lockedError(directory: string): BusError {
  const writer = readWriterDescription(directory);
  const holder =
    writer === undefined ? undefined : `${nameOf(writer)} since ${new Date(writer.startedAt).toISOString()}`;
  return new BusError(
    'STORE_LOCKED',
    `the store at ${directory} is open for writing already${holder === undefined ? '' : ` (${holder})`}. Close it there, wait for it with lockWaitMs, or open with readOnly: true`,
    { path: directory, holder },
  );
}

function nameOf(writer: WriterDescription): string {
  const self = describeWriter();
  if (writer.pid === self.pid && writer.bootId === self.bootId && writer.pidNamespace === self.pidNamespace)
    return 'this process';
  return `process ${writer.pid} on ${writer.host}`;
}

/** A store on a full disk can be opened all the same: only messages say less then. Gives what would be written. */
function writeDescription(directory: string): WriterDescription {
  const path = descriptionPath(directory);
  const temporary = `${path}.new`;
  const description = describeWriter();
  rmSync(temporary, { force: true });
  try {
    createPrivately(temporary);
    writeFileSync(temporary, `${JSON.stringify(description)}\n`);
    renameSync(temporary, path);
  } catch (error) {
    if (!isNoSpace(error)) throw error;
    rmSync(temporary, { force: true });
    rmSync(path, { force: true });
  }
  return description;
}

function kernelText(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}
