/**
 * Turns of a thread's event loop, shared by tasks that want to go on without a pause.
 *
 * Between two turns all of them together take about as long as one may alone, however many there are; then they go on in the
 * order in which they came. Time in which a task waits for something else is nobody's.
 */
import { performance } from 'node:perf_hooks';

export class LoopTurns {
  readonly #betweenMs: number;
  /** What lets those go on that wait, oldest first. For each, a `#look` is on its way. */
  readonly #waiting = new Set<() => void>();
  /** When the time of this turn is used up, if anybody has asked for some. */
  #endsMs: number | undefined;

  /** `betweenMs`: of work between two turns, as long as no single task takes longer. */
  constructor(betweenMs: number) {
    this.#betweenMs = betweenMs;
  }

  /** `undefined` for a task that may begin at once; otherwise resolves when it is its turn. What it does then counts, until it waits. */
  begin(): Promise<void> | undefined {
    if (this.#waiting.size === 0 && this.#hasTime()) return undefined;
    return new Promise((go) => {
      this.#waiting.add(go);
      setImmediate(this.#look);
    });
  }

  /** One at a time: what it lets go on has worked, and come back, when the next look is made. */
  readonly #look = (): void => {
    const [go] = this.#waiting;
    if (go === undefined) return;
    if (!this.#hasTime()) {
      setImmediate(this.#look);
      return;
    }
    this.#waiting.delete(go);
    go();
  };

  #hasTime(): boolean {
    const nowMs = performance.now();
    if (this.#endsMs === undefined) {
      this.#endsMs = nowMs + this.#betweenMs;
      // Ahead of those that find no time in this turn, and look again in the next one.
      setImmediate(() => {
        this.#endsMs = undefined;
      });
    }
    return nowMs < this.#endsMs;
  }
}
