/**
 * What a disk may hold after a power cut, computed from the writes that a process made to one file.
 *
 * What was synced is there: by a sync of the file that returned, or because it was written through a descriptor with
 * O_DSYNC. Of everything else, each sector is there or not, by chance. A sector is never half written.
 */
import type { TracedCall } from './crash-trace.ts';
import type { Random } from './crash-workload.ts';

const sectorBytes = 512;

/** The file between two calls: what is safe, and the writes that are not, in order. */
export class DiskState {
  #safe: Buffer;
  #unsafe: { readonly offset: number; readonly bytes: Buffer }[] = [];

  constructor(safe: Buffer) {
    this.#safe = Buffer.from(safe);
  }

  get unsafeCount(): number {
    return this.#unsafe.length;
  }

  /** Follows one call to the file. */
  apply({ kind, bytes, offset, isDsync, hasFailed }: TracedCall): void {
    if (hasFailed) return;
    if (kind === 'sync') {
      for (const write of this.#unsafe) this.#safe = written(this.#safe, write.offset, write.bytes);
      this.#unsafe = [];
    } else if (bytes !== undefined && (kind === 'page' || kind === 'meta')) {
      if (isDsync) this.#safe = written(this.#safe, offset, bytes);
      else this.#unsafe.push({ offset, bytes });
    }
  }

  /** The file after a cut now: each sector that is not safe has made it with the probability `share`. */
  image(random: Random, share: number): Buffer {
    let image: Buffer = Buffer.from(this.#safe);
    for (const { offset, bytes } of this.#unsafe) {
      for (let at = 0; at < bytes.length; ) {
        const end = Math.min(bytes.length, at + sectorBytes - ((offset + at) % sectorBytes));
        if (random.next() < share) image = written(image, offset + at, bytes.subarray(at, end));
        at = end;
      }
    }
    return image;
  }
}

function written(file: Buffer, offset: number, bytes: Buffer): Buffer {
  const end = offset + bytes.length;
  const target = end <= file.length ? file : Buffer.concat([file, Buffer.alloc(end - file.length)]);
  target.set(bytes, offset);
  return target;
}
