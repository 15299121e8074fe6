/**
 * Whether a commit fits: asked before it, so that LMDB never meets a full disk, and after one that failed all the same.
 *
 * Why before: lmdb-js 3.5.6 writes the text of a failed write into too small a buffer (mdb.c, mdb_page_flush: `malloc(100)`),
 * and the process may end of it, now or later (measured). Why after: other programs fill the disk, too, and quotas are not
 * known beforehand; LMDB reports a short write as EIO, which is also what a failing disk gives.
 */
import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pageSizeBytes } from './lmdb-file.ts';
import { fileBytesMax } from './process-limits.ts';
import { isNoSpace, isSystemError } from './system-errors.ts';

/** Left to other programs and to the file system's own needs: more than is written elsewhere while an answer is kept. */
const spareBytes = 4 * 2 ** 20;
/** How long what the file system said is believed; asking takes longer than a small commit's own work. */
const keepMs = 5;
const probeFileName = 'space-probe';

/** Answers for the file at `dataPath`, which grows at its end. */
export class DiskSpace {
  readonly #dataPath: string;
  readonly #fileBytesMax: number;
  /** What was free when it was last asked, less what was promised since. */
  #freeBytes = 0;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(dataPath: string) {
    this.#dataPath = dataPath;
    this.#fileBytesMax = fileBytesMax();
  }

  /** True when the file can grow by `bytes`, as far as one can tell. */
  hasRoomFor(bytes: number): boolean {
    const isLimited = this.#fileBytesMax !== Number.POSITIVE_INFINITY;
    if (isLimited && statSync(this.#dataPath).size + bytes > this.#fileBytesMax) return false;
    const now = performance.now();
    if (now - this.#askedAt > keepMs || this.#freeBytes < bytes) {
      this.#freeBytes = freeBytes(this.#dataPath) - spareBytes;
      this.#askedAt = now;
    }
    this.#freeBytes -= bytes;
    return this.#freeBytes >= 0;
  }

  /** True when `bytes` can't be written behind the end of the file: tried with a file beside it. */
  isOutOfSpace(bytes: number): boolean {
    const path = join(dirname(this.#dataPath), probeFileName);
    try {
      const end = statSync(this.#dataPath).size;
      const file = openSync(path, 'w', 0o600);
      try {
        const ones = Buffer.alloc(bytes, 1);
        for (let written = 0; written < bytes; )
          written += writeSync(file, ones, written, bytes - written, end + written);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      return false;
    } catch (error) {
      if (!isSystemError(error)) throw error;
      return isNoSpace(error);
    } finally {
      rmSync(path, { force: true });
    }
  }
}

/** Pages that `bytes` take as a value of their own. */
export function valuePages(bytes: number): number {
  return Math.floor(bytes / pageSizeBytes) + 1;
}

function freeBytes(path: string): number {
  const { blocks, bavail, bsize } = statfsSync(path);
  // Some file systems do not count.
  return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize;
}
