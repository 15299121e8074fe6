/**
 * Waiting for a processor to get somewhere: conditions that are looked at again whenever it has moved.
 */

import { abortError } from '../src/log/pages.ts';
import { processorStopped } from './processor.ts';
import type { ProcessorState } from './processor-status.ts';

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

  /**
   * Resolves when `current` is `wanted`, of the processor `name`.
   * @throws {PROCESSOR_STOPPED} when that has stopped, unless it is what is waited for. {ABORTED}
   */
  state(
    name: string,
    current: () => ProcessorState,
    wanted: ProcessorState,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    return this.until(() => {
      if (current() === wanted) return true;
      if (current() === 'stopped') throw processorStopped(name);
      return false;
    }, signal);
  }

  /** Looks at every condition again. */
  look(): void {
    for (const look of [...this.#looks]) look();
  }
}
