/**
 * What all threads of one bus share: the head, and a few words about the writer. A few bytes of shared memory, no lock.
 *
 * Only the writer stores the head, after the commit and before it tells anybody, so that whoever was told sees it. Waiting
 * for it costs nothing: a thread is woken by the writer, not by a timer.
 */

/**
 * Bytes 0-7: head. 8-11: what the writer does. 12-15: whether it may. 16-19: how often it has done something. 20-23: whether
 * it was given up.
 */
const sharedBytes = 24;
const headWord = 0;
const activityWord = 2;
const haltWord = 3;
const progressWord = 4;
const givenUpWord = 5;
const idle = 0;
const committing = 1;

export class SharedState {
  /** To be passed on to another thread. */
  readonly memory: SharedArrayBuffer;
  readonly #heads: BigInt64Array<SharedArrayBuffer>;
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(sharedBytes)) {
    this.memory = memory;
    this.#heads = new BigInt64Array(memory);
    this.#words = new Int32Array(memory);
  }

  /** The last durable position. */
  get head(): number {
    return Number(Atomics.load(this.#heads, headWord));
  }

  /** How often the writer has begun or ended a commit, modulo 2^32: a writer at work that does not count up is stuck. */
  get progress(): number {
    return Atomics.load(this.#words, progressWord);
  }

  /** Somebody has found that the writer does not answer: nobody is to count on it any more. */
  get isGivenUp(): boolean {
    return Atomics.load(this.#words, givenUpWord) === 1;
  }

  giveUp(): void {
    Atomics.store(this.#words, givenUpWord, 1);
  }

  publish(head: number): void {
    Atomics.store(this.#heads, headWord, BigInt(head));
  }

  /** Wakes everybody who waits for the head. */
  wake(): void {
    Atomics.notify(this.#heads, headWord);
  }

  /** Resolves at the next `wake`, or at once with `undefined` when the head is beyond `seen` already. */
  woken(seen: number): Promise<unknown> | undefined {
    const waiting = Atomics.waitAsync(this.#heads, headWord, BigInt(seen));
    return waiting.async ? waiting.value : undefined;
  }

  /** Runs `commit`, a write transaction and what belongs to it, unless the writer was halted: then gives `undefined`. */
  whileCommitting<Result>(commit: () => Result): Result | undefined {
    Atomics.store(this.#words, activityWord, committing);
    Atomics.add(this.#words, progressWord, 1);
    try {
      return Atomics.load(this.#words, haltWord) === 0 ? commit() : undefined;
    } finally {
      Atomics.store(this.#words, activityWord, idle);
      Atomics.add(this.#words, progressWord, 1);
      Atomics.notify(this.#words, activityWord);
    }
  }

  /** Lets no further commit begin, and blocks until none runs, at most `waitMs`. */
  halt(waitMs: number): void {
    Atomics.store(this.#words, haltWord, 1);
    const deadline = performance.now() + waitMs;
    while (Atomics.load(this.#words, activityWord) === committing && performance.now() < deadline) {
      Atomics.wait(this.#words, activityWord, committing, deadline - performance.now());
    }
  }
}
