/**
 * Turns of a thread's event loop: tasks that want to go on without a pause share the time between two of them.
 *
 * Together they take about as long as one of them may alone, however many there are: then the loop has its turn, and they go
 * on in the order in which they came. Tasks that wait for something themselves keep nobody waiting for more than a turn.
 */
import { performance } from 'node:perf_hooks';

export class LoopTurns {
  readonly #betweenMs: number;
  /** What begins those that wait, oldest first. */
  readonly #waiting = new Set<() => void>();
  /** Since the last turn that was owed. */
  #spentMs = 0;
  /** The loop has its turn before anything else begins. */
  #isOwed = false;
  /** The next turn of the loop is waited for. */
  #isAwaited = false;

  /** `betweenMs`: of work between two turns, as long as no single task takes longer. */
  constructor(betweenMs: number) {
    this.#betweenMs = betweenMs;
  }

  /** Runs `task`: at once, unless the loop has to have a turn before. Gives, or throws, what `task` does. */
  async run<Result>(task: () => Promise<Result>): Promise<Result> {
    if (this.#isOwed || this.#waiting.size > 0) await new Promise<void>((begin) => this.#waiting.add(begin));
    const begunMs = performance.now();
    let waitsFromMs = begunMs;
    try {
      const running = task();
      waitsFromMs = performance.now();
      this.#spent(waitsFromMs - begunMs);
      return await running;
    } finally {
      this.#spent(performance.now() - waitsFromMs);
      if (!this.#isOwed) this.#next();
    }
  }

  #spent(ms: number): void {
    this.#spentMs += ms;
    if (this.#spentMs >= this.#betweenMs) this.#owe();
  }

  #owe(): void {
    this.#isOwed = true;
    this.#awaitTurn();
  }

  #awaitTurn(): void {
    if (this.#isAwaited) return;
    this.#isAwaited = true;
    setImmediate(() => {
      this.#isAwaited = false;
      this.#isOwed = false;
      this.#spentMs = 0;
      this.#next();
    });
  }

  #next(): void {
    const [begin] = this.#waiting;
    if (begin === undefined) return;
    this.#waiting.delete(begin);
    begin();
    // It may wait for something else, and the others are not to wait for that.
    if (this.#waiting.size > 0) this.#awaitTurn();
  }
}
