/**
 * What a store asks of the file system it lies on, and the small lasting steps of creating files there.
 *
 * A directory of a store is 0700 and its files 0600: events may hold anything, and whoever may write can destroy the store.
 */
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  statfsSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { BusError } from '../errors.ts';
import { isSystemError } from './system-errors.ts';

/** Tells the kernel's number of the file system that `path` lies on (statfs(2), f_type). */
export type FileSystemType = (path: string) => number;

/** The kernel's answer. */
export const fileSystemType: FileSystemType = (path) => statfsSync(path).type;

/**
 * Magic numbers from Linux's include/uapi/linux/magic.h; GFS2, Lustre, GPFS and vboxsf from their own sources. FUSE is not
 * among them: it may be anything, and a local disk in many cases.
 */
const networkFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9P'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x786f4256, 'vboxsf'],
]);

/** @throws {UNSUPPORTED} when `directory` lies on a network file system. */
export function refuseNetworkFileSystem(directory: string, typeOf: FileSystemType = fileSystemType): void {
  const name = networkFileSystems.get(typeOf(directory) >>> 0);
  if (name === undefined) return;
  throw new BusError(
    'UNSUPPORTED',
    `${directory} lies on a network file system (${name}): locks and shared memory do not hold across machines there, so the store could be destroyed. Use a local disk, or force 'network-file-system' if only one machine ever mounts it`,
    { feature: 'network-file-system' },
  );
}

/** Makes an empty file for its owner only, whatever the umask, unless there is one. */
export function createPrivately(path: string): void {
  let file: number;
  try {
    file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  } catch (error) {
    if (isSystemError(error) && error.code === 'EEXIST') return;
    throw error;
  }
  try {
    fchmodSync(file, 0o600);
  } finally {
    closeSync(file);
  }
}

/** Makes `directory` and what is missing above it, for its owner only, whatever the umask; lasting when it returns. */
export function createDirectory(directory: string): void {
  if (existsSync(directory)) return;
  const parent = dirname(directory);
  createDirectory(parent);
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (isSystemError(error) && error.code === 'EEXIST') return;
    throw error;
  }
  chmodSync(directory, 0o700);
  syncPath(parent);
}

/** Makes the content of the file at `path` last, or the names in a directory. */
export function syncPath(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
