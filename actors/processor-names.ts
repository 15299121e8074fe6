/**
 * What the processors of one bus share: who has which name, who is alive, and whose turn it is.
 *
 * Guarantees that of one name only one processor runs, that handler calls of one name never overlap, and that moves of one
 * cursor follow each other: also when an earlier processor of that name went without waiting for them.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { BusError } from '../src/errors.ts';
import type { TimerClock } from './processor-status.ts';
import type { ProcessorStore } from './processor-store.ts';

/** What the processors of one bus run on. */
export interface ProcessorHost {
  readonly store: ProcessorStore;
  readonly names: ProcessorNames;
  readonly clock: TimerClock;
}

export class ProcessorNames {
  /** Calls something in the async context in which the bus was opened, not in that of whoever told a processor to start. */
  readonly inContext = AsyncLocalStorage.snapshot();
  /** Calls of handlers, by the name of their cursor. */
  readonly handlers = new Turns();
  /** Moves of cursors, by their names. */
  readonly moves = new Turns();
  /** Changes of dead letters, by the name of their processor. */
  readonly letters = new Turns();
  readonly #holderByName = new Map<string, string>();
  readonly #living = new Set<Living>();
  readonly #letterWaits = new Map<string, Set<() => void>>();

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

  /** Registers an actor that can be told things. What is returned is to be called when it has ended. */
  enter(actor: LivingActor): () => void {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const living = { actor, ended };
    this.#living.add(living);
    return () => {
      this.#living.delete(living);
      resolve();
      this.tellLetters(actor.name);
    };
  }

  /** Has those of `name` that run try the dead letters again that wait for it. False if there are none. */
  replay(name: string): boolean {
    const running = this.#running(name);
    for (const actor of running) actor.replay();
    return running.length > 0;
  }

  /** Whether what handles `stream` for `name` runs. */
  isRunning(name: string, stream: string): boolean {
    return this.#running(name).some((actor) => actor.isMine(stream));
  }

  #running(name: string): LivingActor[] {
    return [...this.#living].map(({ actor }) => actor).filter((actor) => actor.name === name && actor.isRunning());
  }

  /** Dead letters of `name` were tried again, or nobody tries them any more. */
  tellLetters(name: string): void {
    for (const told of [...(this.#letterWaits.get(name) ?? [])]) told();
  }

  /** Calls `told` with each {@link tellLetters} of `name`, until what is returned is called. */
  onLetters(name: string, told: () => void): () => void {
    const waits = this.#letterWaits.get(name) ?? new Set();
    this.#letterWaits.set(name, waits.add(told));
    return () => {
      waits.delete(told);
      if (waits.size === 0) this.#letterWaits.delete(name);
    };
  }

  /** Tells all living actors to stop, and resolves when they have ended. */
  async stopAll(): Promise<void> {
    const living = [...this.#living];
    for (const { actor } of living) actor.stop();
    await Promise.all(living.map(({ ended }) => ended));
  }
}

/** An actor of a processor. */
export interface LivingActor {
  readonly name: string;
  /** Whether a stream is its own: partitions of one name share the streams out. */
  readonly isMine: (stream: string) => boolean;
  readonly stop: () => void;
  readonly replay: () => void;
  readonly isRunning: () => boolean;
}

interface Living {
  readonly actor: LivingActor;
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
    this.#endWith(name, turn);
    return turn;
  }

  /** Resolves when the tasks of all names that are `among` them have ended: those that were there at the call. */
  async ended(among: (name: string) => boolean): Promise<void> {
    await Promise.all([...this.#lastByName].filter(([name]) => among(name)).map(([, last]) => last));
  }

  /** The turn of `name` that is taken now goes on until `work` is done, too. */
  hold(name: string, work: Promise<unknown>): void {
    this.#endWith(name, Promise.allSettled([this.#lastByName.get(name), work]));
  }

  #endWith(name: string, turn: Promise<unknown>): void {
    const leave = () => {
      if (this.#lastByName.get(name) === end) this.#lastByName.delete(name);
    };
    const end = turn.then(leave, leave);
    this.#lastByName.set(name, end);
  }
}
