/**
 * What a store asks of the file system it lies on, and the small durable steps of creating files there.
 */
import { closeSync, fsyncSync, openSync, statfsSync } from 'node:fs';
import { BusError } from '../errors.ts';

/** Tells the kernel's number of the file system that `path` lies on (statfs(2), f_type). */
export type FileSystemType = (path: string) => number;

/** The kernel's answer. */
export const fileSystemType: FileSystemType = (path) => statfsSync(path).type;

/** Magic numbers from Linux's include/uapi/linux/magic.h, and of file systems outside it from their own sources. */
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

/** Makes what was created, renamed or removed in `directory` last. */
export function syncDirectory(directory: string): void {
  syncPath(directory);
}

/** Makes the content of the file at `path` last. */
export function syncPath(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
