/**
 * The dead letters of a processor, as those see them who look after it: to list, to look at, to try again, to discard.
 *
 * Works on the rows, whether the processor runs or not, and never moves its cursor. What is to be tried again is marked so;
 * the processor does it between two rounds of work (replay.ts), at once if it runs, otherwise when it is started. However many
 * there are, the event loop gets its turns (letter-walk.ts).
 */
import { setImmediate } from 'node:timers/promises';
import { type LetterError, type LetterState, letterKey } from '../src/codec/letter-row.ts';
import { type Letter, letterDraft, parkedPositions, readLetter } from '../src/log/letters.ts';
import { abortError, type PageSource, pagesOf, throwIfAborted } from '../src/log/pages.ts';
import type { RowDraft } from '../src/log/row-draft.ts';
import { refuseUnknownNames } from '../src/option-names.ts';
import type { AnyEvent, EventShape, Pages, StoredEvent } from '../src/types.ts';
import type { Appender } from './appender.ts';
import {
  type DeadLetterChoice,
  type DeadLetterFilter,
  type DeadLetterListOptions,
  resolveListOptions,
} from './dead-letter-options.ts';
import { type LetterSearch, LetterWalk } from './letter-walk.ts';
import type { OpenStore } from './open-store.ts';
import { isWhole, wrong } from './option-checks.ts';
import type { ProcessorNames } from './processor-names.ts';
import { ProcessorWaits } from './processor-waits.ts';

/** An event that a processor gave up. */
export interface DeadLetter<Events extends EventShape = AnyEvent> {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  /** The event itself, from the log. */
  readonly event: StoredEvent<Events>;
  /** `'dead'`: given up. `'waiting'`: to be tried again. `'discarded'`: kept as a record. */
  readonly state: LetterState;
  /** Whether later events of its stream wait behind it, and how many; counted up to 1000. */
  readonly isParked: boolean;
  readonly parkedBehind: number;
  /** Its name is `'Erased'`, and it has no texts, once the event's key was erased. */
  readonly error: LetterError;
  /** Tries, all in all. */
  readonly attempts: number;
  /** First and last failure, milliseconds since 1970. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Generation of the cursor that passed it. */
  readonly generation: number;
  /** Why it was discarded; not there once it is erased. */
  readonly reason?: string;
}

/** What trying again came to. */
export interface RetryOutcome {
  readonly handled: number;
  /** Dead again. */
  readonly failed: number;
  /** No processor of that name runs here: it begins with these when it is started. */
  readonly waiting: number;
}

/** What was marked to be tried again. */
export interface MarkedLetters {
  readonly positions: readonly number[];
  /** By a processor that runs here. */
  readonly isTried: boolean;
}

/** Who tries again, and who else changes letters. */
export interface LetterDesk {
  readonly names: ProcessorNames;
  readonly appender: Appender;
}

/** Rows changed in one transaction: each holds a stack. */
const changedMax = 256;
const pageLettersMax = 128;
const parkedCountMax = 1000;
/** Of why a letter is discarded. */
export const reasonCharactersMax = 2000;

export class DeadLetters<Events extends EventShape = AnyEvent> {
  readonly name: string;
  readonly #store: Pick<OpenStore, 'engine' | 'reader'>;
  readonly #desk: () => LetterDesk;
  readonly #walk: LetterWalk;

  /**
   * Use `bus.deadLetters`. `desk` throws where letters can only be read.
   * @internal
   */
  constructor(name: string, store: Pick<OpenStore, 'engine' | 'reader'>, desk: () => LetterDesk) {
    this.name = name;
    this.#store = store;
    this.#desk = desk;
    this.#walk = new LetterWalk(name, store.engine);
  }

  /** Oldest first. Each page is as fresh as when it is asked for. @throws {TypeError} {STORE_CORRUPT} {ABORTED} */
  list(options: DeadLetterListOptions = {}): Pages<DeadLetter<Events>> {
    const { after, limit, signal } = resolveListOptions(options);
    const open = (): PageSource<DeadLetter<Events>> => {
      let last = after;
      let left = limit;
      return () => {
        if (left === 0) return undefined;
        const { letters, reached } = this.part(options, last, Math.min(left, pageLettersMax));
        last = reached ?? last;
        left -= letters.length;
        return { items: letters, isLast: reached === undefined || left === 0 };
      };
    };
    return pagesOf(open, signal);
  }

  /**
   * Of the letters behind position `after` those that are looked for, at most `limit`, in a bounded look at once; `reached` is how
   * far that went, `undefined` to the end. For who lists them for a bounded time.
   * @internal
   */
  part(
    search: LetterSearch,
    after: number,
    limit: number,
  ): { readonly letters: DeadLetter<Events>[]; readonly reached: number | undefined } {
    const { items, reached } = this.#walk.part(search, after, limit, (_letter, opened) => opened());
    return { letters: items.map((letter) => this.#shown(letter)), reached };
  }

  /** The letter of the event at `position`, if there is one. @throws {STORE_CORRUPT} */
  async get(position: number): Promise<DeadLetter<Events> | undefined> {
    const letter = this.#letter(position);
    return letter === undefined ? undefined : this.#shown(letter);
  }

  /**
   * Has the processor try `which` once more, without moving its cursor: one try each, in order. Behind a letter that parks
   * its stream, what waits there follows in order until the stream is open again, or an event fails. Resolves when the
   * processor has done so, or has stopped, or at once where none runs. A crash in the middle repeats some.
   * @throws {TypeError} {STORE_CORRUPT} {ABORTED}: they stay marked. And what a commit fails for.
   */
  async retry(which: DeadLetterChoice, { signal }: { readonly signal?: AbortSignal } = {}): Promise<RetryOutcome> {
    return this.tried(await this.mark(which, signal), signal);
  }

  /**
   * The first half of a retry: marks them, and has the processor begin, also when it ends early.
   * @internal
   */
  async mark(which: DeadLetterChoice, signal: AbortSignal | undefined): Promise<MarkedLetters> {
    const { names } = this.#desk();
    if (signal?.aborted) throw abortError(signal, 'nothing-written');
    let isTried = false;
    const marked = (letter: Letter) => {
      if (letter.state === 'waiting') return 'kept';
      return letter.state === 'dead' && { ...letter, state: 'waiting' as const };
    };
    const change = this.#change(which, marked, signal).finally(() => {
      isTried = names.replay(this.name);
    });
    return { positions: await change, isTried };
  }

  /**
   * The second half: waits until they were tried, as {@link retry} does.
   * @internal
   */
  async tried({ positions, isTried }: MarkedLetters, signal: AbortSignal | undefined): Promise<RetryOutcome> {
    const { names } = this.#desk();
    const waits = new ProcessorWaits();
    let moves = 0;
    const leave = names.onLetters(this.name, () => {
      moves++;
      waits.look();
    });
    try {
      if (isTried) {
        const left = [...positions].sort((first, second) => second - first);
        const isAwaited = (stream: string) => names.isRunning(this.name, stream);
        // They are tried in order, more or less: only the next one has to be looked at.
        for (let seen = moves; left.length > 0; seen = moves) {
          if (!this.#walk.dropTried(left, isAwaited)) {
            await setImmediate();
            throwIfAborted(signal);
          } else if (left.length > 0) await waits.until(() => moves !== seen, signal);
        }
        for (let seen = moves; await this.#walk.hasOpenStream(isAwaited, signal); seen = moves) {
          await waits.until(() => moves !== seen, signal);
        }
      }
    } finally {
      leave();
    }
    const { gone, dead, waiting } = await this.#walk.statesOf(positions);
    return { handled: gone, failed: dead, waiting };
  }

  /**
   * Nobody wants `which` any more: they stay as a record, with the reason, until `purge`. Events parked behind one follow as
   * after a retry. Resolves to how many there were. @throws {TypeError} {STORE_CORRUPT} {ABORTED}: some may be discarded. And what
   * a commit fails for.
   */
  async discard(
    which: DeadLetterChoice,
    { reason, signal }: { readonly reason: string; readonly signal?: AbortSignal },
  ): Promise<number> {
    if (typeof reason !== 'string' || reason === '' || reason.length > reasonCharactersMax) {
      throw wrong('reason', `a text of 1 to ${reasonCharactersMax} characters`, reason);
    }
    const { names } = this.#desk();
    const discarded = (letter: Letter) =>
      letter.state !== 'discarded' && { ...letter, state: 'discarded' as const, reason: reason.toWellFormed() };
    let positions: readonly number[] | undefined;
    try {
      positions = await this.#change(which, discarded, signal);
    } finally {
      if (positions?.length !== 0) names.replay(this.name);
    }
    return positions.length;
  }

  /** Removes the records of discarded letters; resolves to how many there were. @throws {ABORTED}: some may be removed. */
  async purge({ signal }: { readonly signal?: AbortSignal } = {}): Promise<number> {
    return (await this.#change('all', (letter) => letter.state === 'discarded' && 'removed', signal)).length;
  }

  /** Writes what `changed` makes of each chosen letter, a part at a time, and gives the positions of those. */
  async #change(
    which: DeadLetterChoice,
    changed: (letter: Letter) => Letter | 'removed' | 'kept' | false,
    signal: AbortSignal | undefined,
  ): Promise<readonly number[]> {
    const { names, appender } = this.#desk();
    const positions: number[] = [];
    for await (const part of this.#chosen(which, signal)) {
      const change = async () => {
        const rows: RowDraft[] = [];
        for (const position of part) {
          const letter = this.#letter(position);
          const next = letter !== undefined && changed(letter);
          if (next === false) continue;
          positions.push(position);
          if (next !== 'kept') rows.push(letterWrite(this.name, position, next));
        }
        if (rows.length > 0) await appender.writeRows(rows);
      };
      // Nor while the first move of a new build removes letters: one of them would come back.
      await names.letters.take(this.name, () => names.moves.take(this.name, change));
      // Who waits for one of them may have waited for this.
      names.tellLetters(this.name);
    }
    return positions;
  }

  /** Positions of the letters chosen, in parts. */
  async *#chosen(which: DeadLetterChoice, signal: AbortSignal | undefined): AsyncGenerator<readonly number[]> {
    throwIfAborted(signal);
    if (typeof which === 'number' || Array.isArray(which)) {
      const positions = [...new Set([which].flat() as number[])];
      for (const position of positions) {
        if (!isWhole(position, 1, Number.MAX_SAFE_INTEGER)) throw wrong('which', 'positions from 1 on', position);
      }
      for (let at = 0; at < positions.length; at += changedMax) yield positions.slice(at, at + changedMax);
      return;
    }
    if (which !== 'all' && (typeof which !== 'object' || which === null)) {
      throw wrong('which', "a position, positions, { stream, type } or 'all'", which);
    }
    const filter = which === 'all' ? {} : (which as DeadLetterFilter);
    refuseUnknownNames('a choice of dead letters', filter, ['stream', 'type']);
    yield* this.#walk.parts({ ...filter, state: 'any' }, changedMax, ({ position }) => position, signal);
  }

  #letter(position: number): Letter | undefined {
    if (!isWhole(position, 1, Number.MAX_SAFE_INTEGER)) throw wrong('position', 'a position from 1 on', position);
    return this.#store.engine.read((snapshot) => readLetter(snapshot, this.name, position));
  }

  #shown(letter: Letter): DeadLetter<Events> {
    const { position, stream, isParked } = letter;
    const parkedBehind = isParked
      ? this.#store.engine.read((snapshot) => parkedPositions(snapshot, this.name, stream, parkedCountMax)).length
      : 0;
    const { keyId: _, ...shown } = letter;
    return { ...shown, parkedBehind, event: this.#store.reader.event(position) as StoredEvent<Events> };
  }
}

function letterWrite(name: string, position: number, next: Letter | 'removed'): RowDraft {
  if (next === 'removed') return { table: 'dead_letters', key: letterKey(name, position), value: undefined };
  const { position: _, keyId, ...row } = next;
  return letterDraft(name, position, row, keyId);
}
