/**
 * Standard output at the speed of whoever reads it.
 *
 * One write at a time, each awaited: nothing piles up before a slow reader. A reader that has gone (`| head`) is no failure.
 */
import type { Writable } from 'node:stream';

/** stdout or stderr, or what stands for them. A terminal says more of itself. */
export interface OutputStream extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  hasColors?(): boolean;
}

/** Characters that are gathered before they are written. */
const chunkLengthMax = 65_536;

export class Output {
  readonly stream: OutputStream;

  constructor(stream: OutputStream) {
    this.stream = stream;
    // The failure of a write is handled where the write was made.
    stream.on('error', () => undefined);
  }

  /** Resolves when `text` is handed over; false when nobody reads any more. @throws what else keeps it from being written. */
  write(text: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.stream.write(text, (error) => {
        if (!error) resolve(true);
        else if ((error as NodeJS.ErrnoException).code === 'EPIPE') resolve(false);
        else reject(error);
      });
    });
  }

  /** Writes what `format` makes of each item; false when nobody reads any more. */
  async writeEach<Item>(items: readonly Item[], format: (item: Item) => string): Promise<boolean> {
    let chunk = '';
    for (const item of items) {
      chunk += format(item);
      if (chunk.length < chunkLengthMax) continue;
      if (!(await this.write(chunk))) return false;
      chunk = '';
    }
    return chunk === '' || (await this.write(chunk));
  }
}
