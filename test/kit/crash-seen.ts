/**
 * What a follower (programs/follower.ts) has written down of the events it saw, read while it goes on.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';

export interface SeenEvent {
  readonly position: number;
  readonly id: string;
}

const chunkBytes = 2 ** 16;

export class SeenFile {
  readonly #path: string;
  #offset = 0;
  #partial = Buffer.alloc(0);
  #last = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** The last position read so far. */
  get last(): number {
    return this.#last;
  }

  /** What came since the last call. */
  readOn(): SeenEvent[] {
    const events: SeenEvent[] = [];
    for (const line of this.#newLines()) {
      const [first, ids] = JSON.parse(line) as [number, string[]];
      for (const [index, id] of ids.entries()) events.push({ position: first + index, id });
    }
    this.#last = events.at(-1)?.position ?? this.#last;
    return events;
  }

  #newLines(): string[] {
    if (!existsSync(this.#path)) return [];
    const parts = [this.#partial];
    const file = openSync(this.#path, 'r');
    try {
      for (;;) {
        const chunk = Buffer.alloc(chunkBytes);
        const length = readSync(file, chunk, 0, chunkBytes, this.#offset);
        if (length === 0) break;
        this.#offset += length;
        parts.push(chunk.subarray(0, length));
      }
    } finally {
      closeSync(file);
    }
    const bytes = Buffer.concat(parts);
    const end = bytes.lastIndexOf('\n') + 1;
    this.#partial = bytes.subarray(end);
    return bytes.toString('utf8', 0, end).split('\n').slice(0, -1);
  }
}
