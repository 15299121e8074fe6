/**
 * What must be so before LMDB opens an environment: lmdb-js 3.5.6 ends the process, at times, when LMDB fails to (measured:
 * SIGSEGV for a lock file that may not be written, a map that the kernel refuses, a first page that does not fit).
 *
 * So whatever LMDB could run out of is tried first, in JavaScript, and refused with a typed error.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  ftruncateSync,
  linkSync,
  openSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { threadId } from 'node:worker_threads';
import { BusError } from '../errors.ts';
import { mapBytes } from './lmdb-environment.ts';
import { isMappedHere, requireAddressSpace } from './process-limits.ts';
import { isNotAllowed, isSystemError } from './system-errors.ts';

/** More than LMDB opens for an environment: the data twice, the lock file, and two for a moment. */
const fileHandlesMax = 6;
/** 17 pages: room for the header and the 1024 readers that LMDB is asked for (mdb.c, MDB_txninfo and MDB_reader). */
const lockFileBytes = 17 * 4096;
/** More than the pages of a store without events. */
const newStoreBytes = 64 * 4096;

/**
 * Makes sure that LMDB can open the file at `path`.
 * @throws {STORE_READ_ONLY} {UNSUPPORTED} or what node:fs throws: no space, no file handles.
 */
export function requireConditions(path: string): void {
  requireLockFile(path);
  if (!isMappedHere(path)) requireAddressSpace(dirname(path), mapBytes);
  requireFileHandles(path);
}

/** Makes sure that a new store fits into the empty file at `path`. @throws what node:fs throws */
export function requireSpace(path: string): void {
  const file = openSync(path, 'r+');
  try {
    writeZeros(file, newStoreBytes);
    ftruncateSync(file, 0);
  } finally {
    closeSync(file);
  }
}

/**
 * LMDB's lock file must be there and writable. Without a slot in it a reader's pages are reused under it: it then reads
 * garbage. A file that exists is not opened to find out: closing it would drop the locks that LMDB holds on it in this
 * process (fcntl(2), record locks).
 */
function requireLockFile(path: string): void {
  const lockPath = `${path}-lock`;
  try {
    if (!existsSync(lockPath)) createLockFile(lockPath);
    accessSync(lockPath, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (!isNotAllowed(error)) throw error;
    const directory = dirname(path);
    throw new BusError(
      'STORE_READ_ONLY',
      `the store at ${directory} can't be opened safely: ${lockPath} must be there and writable for this user, even to read, so that LMDB keeps the pages that are being read. Give this user the right to write it`,
      { path: directory },
      { cause: error },
    );
  }
}

/** Written out, not sparse: LMDB maps it, and a write to a map that finds no space ends the process. */
function createLockFile(lockPath: string): void {
  const newPath = `${lockPath}.${process.pid}.${threadId}.new`;
  const file = openSync(newPath, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o600);
  try {
    fchmodSync(file, 0o600);
    writeZeros(file, lockFileBytes);
    linkSync(newPath, lockPath);
  } catch (error) {
    if (!isSystemError(error) || error.code !== 'EEXIST') throw error;
  } finally {
    closeSync(file);
    rmSync(newPath, { force: true });
  }
}

function requireFileHandles(path: string): void {
  const files: number[] = [];
  try {
    for (let count = 0; count < fileHandlesMax; count += 1) files.push(openSync(path, 'r'));
  } finally {
    for (const file of files) closeSync(file);
  }
}

function writeZeros(file: number, count: number): void {
  const zeros = Buffer.alloc(count);
  for (let written = 0; written < count; ) written += writeSync(file, zeros, written, count - written, written);
}
