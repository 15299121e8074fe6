/**
 * Tells "no space left" from "the disk is failing" after a write of LMDB failed, by writing as much to a file beside it.
 *
 * LMDB reports a short write as EIO (mdb.c, mdb_page_flush), which is also what a failing disk gives.
 */
import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { WriteSet } from './engine.ts';
import { pageSizeBytes } from './lmdb-file.ts';
import { isNoSpace, isSystemError } from './system-errors.ts';

const probeFileName = 'space-probe';
/** Pages that a transaction writes beside its values: the paths to them, the free list, the main tree. */
const pagesBeside = 64;

/** True when `writes` does not fit behind the end of the file at `dataPath`. */
export function isOutOfSpace(dataPath: string, writes: WriteSet): boolean {
  const path = join(dirname(dataPath), probeFileName);
  try {
    const file = openSync(path, 'w', 0o600);
    try {
      const end = statSync(dataPath).size;
      const bytes = Buffer.alloc(bytesNeeded(writes), 1);
      for (let written = 0; written < bytes.length; )
        written += writeSync(file, bytes, written, bytes.length - written, end + written);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return isNoSpace(error);
  } finally {
    rmSync(path, { force: true });
  }
  return false;
}

function bytesNeeded(writes: WriteSet): number {
  let pages = pagesBeside;
  for (const { bytes } of writes.blocks) pages += Math.ceil(bytes.length / pageSizeBytes) + 1;
  for (const { key, value } of writes.rows) pages += Math.ceil((key.length + (value?.length ?? 0)) / pageSizeBytes) + 1;
  return pages * pageSizeBytes;
}
