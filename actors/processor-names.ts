/**
 * What the processors of one bus share: who has which name, who is alive, and whose turn it is.
 *
 * Guarantees that of one name only one processor runs, that handler calls of one name never overlap, and that moves of one
 * cursor follow each other: also when an earlier processor of that name went without waiting for them.
 */
import { BusError } from '../src/errors.ts';
import type { ProcessorStore } from './processor-store.ts';

/** What the processors of one bus run on. */
export interface ProcessorHost {
  readonly store: ProcessorStore;
  readonly names: ProcessorNames;
}

export class ProcessorNames {
  /** Calls of handlers, by name. */
  readonly handlers = new Turns();
  /** Moves of cursors, by name. */
  readonly moves = new Turns();
  readonly #holderByName = new Map<string, string>();
  readonly #living = new Set<Living>();

  /** Gives `name` to `holder`, who may have it already. @throws {PROCESSOR_NAME_TAKEN} */
  claim(name: string, holder: string): void {
    const current = this.#holderByName.get(name) ?? holder;
    if (current !== holder) {
      throw new BusError('PROCESSOR_NAME_TAKEN', `there is a processor ${JSON.stringify(name)} on this bus already`, {
        processor: name,
      });
    }
    this.#holderByName.set(name, holder);
  }

  /** Takes `name` from `holder`, if it is the one who has it. */
  release(name: string, holder: string): void {
    if (this.#holderByName.get(name) === holder) this.#holderByName.delete(name);
  }

  /** Registers an actor that can be told to `stop`. What is returned is to be called when it has ended. */
  enter(stop: () => void): () => void {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const living = { stop, ended };
    this.#living.add(living);
    return () => {
      this.#living.delete(living);
      resolve();
    };
  }

  /** Tells all living actors to stop, and resolves when they have ended. */
  async stopAll(): Promise<void> {
    const living = [...this.#living];
    for (const { stop } of living) stop();
    await Promise.all(living.map(({ ended }) => ended));
  }
}

interface Living {
  readonly stop: () => void;
  readonly ended: Promise<void>;
}

/** Tasks of one name run one after the other, in the order they came. */
class Turns {
  /** The end of the last task of each name; none rejects. */
  readonly #lastByName = new Map<string, Promise<void>>();

  /** Runs `task` at once when nothing of that name runs, otherwise after it. */
  take<Result>(name: string, task: () => Promise<Result>): Promise<Result> {
    const last = this.#lastByName.get(name);
    const turn = last === undefined ? task() : last.then(task);
    const leave = () => {
      if (this.#lastByName.get(name) === end) this.#lastByName.delete(name);
    };
    const end = turn.then(leave, leave);
    this.#lastByName.set(name, end);
    return turn;
  }
}
