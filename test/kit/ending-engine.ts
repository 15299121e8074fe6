/** An engine that ends as a process does: a commit fails, before it is written or after, and so do all behind it. */
import { EngineSpy } from './engine-spy.ts';

export class EndingEngine extends EngineSpy {
  #commitsLeft = Number.POSITIVE_INFINITY;
  #isBefore = true;

  endAfter(commits: number, isBefore: boolean): void {
    this.#commitsLeft = commits;
    this.#isBefore = isBefore;
  }

  override commit(...given: Parameters<EngineSpy['commit']>): void {
    this.#commitsLeft--;
    if (this.#commitsLeft < 0 && (this.#isBefore || this.#commitsLeft < -1)) throw new Error('planted');
    super.commit(...given);
    if (this.#commitsLeft < 0) throw new Error('planted');
  }
}
