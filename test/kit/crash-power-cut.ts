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
  readonly #safe: GrowingFile;
  #unsafe: { readonly offset: number; readonly bytes: Buffer }[] = [];

  constructor(safe: Buffer) {
    this.#safe = new GrowingFile(safe);
  }

  get unsafeCount(): number {
    return this.#unsafe.length;
  }

  /** Follows one call to the file. */
  apply({ kind, bytes, offset, isDsync, hasFailed }: TracedCall): void {
    if (hasFailed) return;
    if (kind === 'sync') {
      for (const write of this.#unsafe) this.#safe.write(write.offset, write.bytes);
      this.#unsafe = [];
    } else if (bytes !== undefined && (kind === 'page' || kind === 'meta')) {
      if (isDsync) this.#safe.write(offset, bytes);
      else this.#unsafe.push({ offset, bytes });
    }
  }

  /** The file after a cut now: each sector that is not safe has made it with the probability `share`. */
  image(random: Random, share: number): Buffer {
    const image = new GrowingFile(this.#safe.bytes);
    for (const { offset, bytes } of this.#unsafe) {
      for (let at = 0; at < bytes.length; ) {
        const end = Math.min(bytes.length, at + sectorBytes - ((offset + at) % sectorBytes));
        if (random.next() < share) image.write(offset + at, bytes.subarray(at, end));
        at = end;
      }
    }
    return image.bytes;
  }
}

/** The bytes of a file, which has zeros where nothing was written. With room for more: most writes make it longer. */
class GrowingFile {
  #room: Buffer;
  #length: number;

  constructor(bytes: Buffer) {
    this.#room = Buffer.from(bytes);
    this.#length = bytes.length;
  }

  get bytes(): Buffer {
    return this.#room.subarray(0, this.#length);
  }

  write(offset: number, bytes: Buffer): void {
    const end = offset + bytes.length;
    if (end > this.#room.length) this.#room = Buffer.concat([this.bytes, Buffer.alloc(2 * end - this.#length)]);
    this.#room.set(bytes, offset);
    this.#length = Math.max(this.#length, end);
  }
}
