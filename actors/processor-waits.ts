/**
 * Waiting for a processor to get somewhere: conditions that are looked at again whenever it has moved.
 */
import { abortError } from '../src/log/pages.ts';

/** Whether what is waited for is so. Throws when it can't become so any more. */
export type Condition = () => boolean;

export class ProcessorWaits {
  readonly #looks = new Set<() => void>();

  /** Resolves when `condition` holds, and rejects with what it throws. @throws {ABORTED} */
  until(condition: Condition, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#looks.delete(look);
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        leave();
        reject(abortError(signal as AbortSignal, 'nothing-written'));
      };
      const look = () => {
        try {
          if (!condition()) return;
          leave();
          resolve();
        } catch (error) {
          leave();
          reject(error);
        }
      };
      if (signal?.aborted) return onAbort();
      signal?.addEventListener('abort', onAbort);
      this.#looks.add(look);
      look();
    });
  }

  /** Looks at every condition again. */
  look(): void {
    for (const look of [...this.#looks]) look();
  }
}
