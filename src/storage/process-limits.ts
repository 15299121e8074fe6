/**
 * What this process has mapped and what it may use, as Linux tells under /proc/self. Elsewhere: nothing known.
 *
 * All threads of a process share one LMDB environment, which no thread can see of another; the kernel's list shows it.
 */
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { BusError } from '../errors.ts';
import { isSystemError } from './system-errors.ts';

/** True when some thread of this process has the file at `path` mapped. */
export function isMappedHere(path: string): boolean {
  const maps = readKernelFile('/proc/self/maps');
  if (maps === undefined) return false;
  const name = `/${basename(path)}`;
  const inode = String(statSync(path).ino);
  // proc_pid_maps(5): address, permissions, offset, device, inode, path. Not by device: btrfs gives another one here.
  return maps.split('\n').some((line) => line.endsWith(name) && line.split(/\s+/, 5)[4] === inode);
}

/**
 * LMDB ends the process when the kernel refuses its map (measured, lmdb 3.5.6).
 * @throws {UNSUPPORTED} when a limit leaves no room for `bytes` of address space.
 */
export function requireAddressSpace(path: string, bytes: number): void {
  const limit = /^Max address space\s+(\d+)\s/m.exec(readKernelFile('/proc/self/limits') ?? '')?.[1];
  if (limit === undefined) return;
  const used = Number(/^VmSize:\s+(\d+) kB/m.exec(readKernelFile('/proc/self/status') ?? '')?.[1] ?? 0) * 1024;
  // As much again as a worker thread or two may take.
  const reserve = 2 ** 30;
  if (Number(limit) >= used + bytes + reserve) return;
  throw new BusError(
    'UNSUPPORTED',
    `the store at ${path} can't be opened: it needs ${bytes} bytes of address space, and this process is limited to ${limit} (ulimit -v, LimitAS). Lift the limit: address space is not memory`,
    { feature: 'address-space' },
  );
}

/** The limit of this process for the size of a file (RLIMIT_FSIZE); Infinity when there is none, or none is known. */
export function fileBytesMax(): number {
  const limit = /^Max file size\s+(\d+)\s/m.exec(readKernelFile('/proc/self/limits') ?? '')?.[1];
  return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
}

function readKernelFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}
