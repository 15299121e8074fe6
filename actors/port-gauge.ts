/**
 * What is known of a port in all threads: how many commands came in by it, and whether it is still there. A few bytes of
 * shared memory, written where the writer is and read by the bus, which has given the port away.
 */
import type { Activity } from './actor-tree.ts';

const countWord = 0;
const closedWord = 1;

export class PortGauge {
  /** To be passed on with the port. */
  readonly memory: SharedArrayBuffer;
  readonly #words: BigUint64Array<SharedArrayBuffer>;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(2 * BigUint64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#words = new BigUint64Array(memory);
  }

  count(commands: number): void {
    Atomics.add(this.#words, countWord, BigInt(commands));
  }

  close(): void {
    Atomics.store(this.#words, closedWord, 1n);
  }

  get isClosed(): boolean {
    return Atomics.load(this.#words, closedWord) === 1n;
  }

  get activity(): Activity {
    return { state: 'connected', messages: Number(Atomics.load(this.#words, countWord)) };
  }
}
