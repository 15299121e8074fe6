/**
 * What all threads of one bus count together: write transactions, by how long they took, and events that were read. A few
 * hundred bytes of shared memory, no lock.
 *
 * One addition for each transaction, and one for each page of a read. Counts only grow.
 */
import type { CommitCounts } from './bus-status.ts';
import type { Listen } from './wake-ups.ts';

/** 2^27 microseconds are two minutes: a writer that takes longer was given up before (writerSilenceMaxMs). */
const bucketCount = 28;
const eventsReadWord = bucketCount;
/** 1: somebody waits for events to be read. */
const awaitedWord = bucketCount + 1;
const wordCount = bucketCount + 2;

export class SharedCounts {
  /** To be passed on to another thread. */
  readonly memory: SharedArrayBuffer;
  /** How many transactions took how long, then the events read, then whether these are waited for. */
  readonly #words: BigInt64Array<SharedArrayBuffer>;
  readonly #listeners = new Set<() => void>();
  #isWaiting = false;
  #seen: CommitCounts = { count: 0, byMicros: Array.from({ length: bucketCount }, () => 0) };

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(wordCount * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#words = new BigInt64Array(memory);
  }

  /** A transaction took so long; one of less than a microsecond counts as one of a microsecond, a very long one with the longest. */
  readonly addCommit = (micros: number): void => {
    const bucket = Math.min(bucketCount - 1, Math.floor(Math.log2(Math.max(1, micros))));
    Atomics.add(this.#words, bucket, 1n);
  };

  readonly addRead = (events: number): void => {
    if (events === 0) return;
    Atomics.add(this.#words, eventsReadWord, BigInt(events));
    if (Atomics.load(this.#words, awaitedWord) === 0n) return;
    Atomics.store(this.#words, awaitedWord, 0n);
    Atomics.notify(this.#words, eventsReadWord);
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

  /** For one thread that wants to know when events are read, in whichever. Asleep until then; there is at most one wait at a time. */
  readonly listen: Listen = (wake) => {
    this.#listeners.add(wake);
    this.#wait();
    return () => {
      this.#listeners.delete(wake);
      // A wait can't be taken back, but ended.
      if (this.#isWaiting && this.#listeners.size === 0) Atomics.notify(this.#words, eventsReadWord);
    };
  };

  #wait(): void {
    if (this.#isWaiting || this.#listeners.size === 0) return;
    this.#isWaiting = true;
    Atomics.store(this.#words, awaitedWord, 1n);
    const waiting = Atomics.waitAsync(this.#words, eventsReadWord, Atomics.load(this.#words, eventsReadWord));
    const onRead = () => {
      this.#isWaiting = false;
      for (const wake of this.#listeners) wake();
      this.#wait();
    };
    if (waiting.async) void waiting.value.then(onRead);
    else setImmediate(onRead).unref();
  }
}
