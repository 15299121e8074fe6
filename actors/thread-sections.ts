/**
 * Keeps the end of a reader thread from falling into native code.
 *
 * A thread that is terminated inside a call of lmdb-js may take the process with it: what the call gives back can't be made any
 * more, and node-addon-api answers that with an abort (docs/decisions/0012). So threads say when they are inside, and whoever
 * wants to end one lets none go in, waits for those that are, and ends it then. In shared memory, without a lock: a word for
 * all, and one for each thread.
 */

/** One thread of each id modulo this at a time: more than any pool has. */
const threadsMax = 1024;
const pausedWord = 0;
const outside = 0;
const inside = 1;

export class ThreadSections {
  /** To be passed on to the threads. */
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(4 * (1 + threadsMax))) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  /** In a thread: goes in, as soon as nobody wants to end one. */
  enter(threadId: number): void {
    for (;;) {
      Atomics.store(this.#words, wordOf(threadId), inside);
      const paused = Atomics.load(this.#words, pausedWord);
      if (paused === 0) return;
      this.leave(threadId);
      Atomics.wait(this.#words, pausedWord, paused);
    }
  }

  /** A thread is outside, or has ended. */
  leave(threadId: number): void {
    Atomics.store(this.#words, wordOf(threadId), outside);
    Atomics.notify(this.#words, wordOf(threadId));
  }

  /** A thread begins: it is inside until it has loaded its modules, native ones among them. */
  begin(threadId: number): void {
    Atomics.store(this.#words, wordOf(threadId), inside);
  }

  /** Runs `end` while none of `threadIds` is inside, or after `waitMs` nevertheless. */
  async whileOutside<Result>(
    threadIds: readonly number[],
    waitMs: number,
    end: () => Result,
  ): Promise<Awaited<Result>> {
    Atomics.add(this.#words, pausedWord, 1);
    try {
      const deadline = performance.now() + waitMs;
      for (const threadId of threadIds) await this.#left(threadId, deadline);
      return await end();
    } finally {
      Atomics.sub(this.#words, pausedWord, 1);
      Atomics.notify(this.#words, pausedWord);
    }
  }

  async #left(threadId: number, deadline: number): Promise<void> {
    while (Atomics.load(this.#words, wordOf(threadId)) === inside) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return;
      await Atomics.waitAsync(this.#words, wordOf(threadId), inside, leftMs).value;
    }
  }
}

function wordOf(threadId: number): number {
  return 1 + (threadId % threadsMax);
}
