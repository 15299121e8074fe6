/**
 * What all threads of one bus count together: write transactions, by how long they took, and events that were read. A few
 * hundred bytes of shared memory, no lock.
 *
 * One addition for each transaction, and one for each page of a read. Counts only grow.
 */
import type { CommitCounts } from './bus-status.ts';

/** 2^27 microseconds are two minutes: a writer that takes longer was given up before (writerSilenceMaxMs). */
const bucketCount = 28;
const eventsReadWord = bucketCount;
const wordCount = bucketCount + 1;

export class SharedCounts {
  /** To be passed on to another thread. */
  readonly memory: SharedArrayBuffer;
  /** How many transactions took how long, then the events read. */
  readonly #words: BigUint64Array<SharedArrayBuffer>;
  #seen: CommitCounts = { count: 0, byMicros: Array.from({ length: bucketCount }, () => 0) };

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(wordCount * BigUint64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#words = new BigUint64Array(memory);
  }

  /** A transaction took so long; one of less than a microsecond counts as one of a microsecond, a very long one with the longest. */
  readonly addCommit = (micros: number): void => {
    const bucket = Math.min(bucketCount - 1, Math.floor(Math.log2(Math.max(1, micros))));
    Atomics.add(this.#words, bucket, 1n);
  };

  readonly addRead = (events: number): void => {
    if (events > 0) Atomics.add(this.#words, eventsReadWord, BigInt(events));
  };

  get eventsRead(): number {
    return Number(Atomics.load(this.#words, eventsReadWord));
  }

  /** The same object as before while there was no transaction. */
  get commits(): CommitCounts {
    const byMicros = Array.from({ length: bucketCount }, (_, bucket) => Number(Atomics.load(this.#words, bucket)));
    const count = byMicros.reduce((sum, one) => sum + one, 0);
    if (count !== this.#seen.count) this.#seen = { count, byMicros };
    return this.#seen;
  }
}
