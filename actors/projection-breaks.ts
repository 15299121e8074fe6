/**
 * Rests of a projection that end by themselves: while something is erased, and before it is built anew. Who waits for it goes
 * on waiting in them.
 */
import { BehaviorSubject, type Observable } from 'rxjs';

export class ProjectionBreaks {
  readonly #count = new BehaviorSubject(0);

  /** How many are under way. */
  get count$(): Observable<number> {
    return this.#count;
  }

  /** Settles as `use` does, which stops the projection and has it go on, if it is to. */
  async during(use: () => Promise<void>): Promise<void> {
    this.#count.next(this.#count.value + 1);
    try {
      await use();
    } finally {
      this.#count.next(this.#count.value - 1);
    }
  }
}
