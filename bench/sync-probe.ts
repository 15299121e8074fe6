/**
 * What the disk takes for one sync: the yardstick for every durable append.
 */
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const probeBytes = 4096;
const repeats = 60;

/** Microseconds of each of a number of overwrites of 4 KiB with fdatasync, in a file of `directory`. */
export function probeSync(directory: string): number[] {
  const path = join(directory, 'sync-probe');
  const file = openSync(path, 'w');
  try {
    const page = Buffer.alloc(probeBytes, 1);
    const samples: number[] = [];
    for (let count = -1; count < repeats; count++) {
      const startMs = performance.now();
      writeSync(file, page, 0, probeBytes, 0);
      fdatasyncSync(file);
      // The first one extends the file.
      if (count >= 0) samples.push((performance.now() - startMs) * 1000);
    }
    return samples;
  } finally {
    closeSync(file);
    rmSync(path);
  }
}
