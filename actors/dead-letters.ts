/**
 * The dead letters of a processor, as those see them who look after it: to list, to look at, to try again, to discard.
 *
 * Works on the rows, whether the processor runs or not, and never moves its cursor. What is to be tried again is marked so;
 * the processor does it between two rounds of work (replay.ts), at once if it runs, otherwise when it is started.
 */
import { type LetterError, type LetterState, letterKey } from '../src/codec/letter-row.ts';
import {
  type Letter,
  type LetterEntry,
  letterDraft,
  parkedPositions,
  readLetter,
  readLetterEntry,
  walkLetters,
  walkParked,
} from '../src/log/letters.ts';
import { abortError, type PageSource, pagesOf } from '../src/log/pages.ts';
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

  /**
   * Use `bus.deadLetters`. `desk` throws where letters can only be read.
   * @internal
   */
  constructor(name: string, store: Pick<OpenStore, 'engine' | 'reader'>, desk: () => LetterDesk) {
    this.name = name;
    this.#store = store;
    this.#desk = desk;
  }

  /** Oldest first. Each page is as fresh as when it is asked for. @throws {TypeError} {STORE_CORRUPT} {ABORTED} */
  list(options: DeadLetterListOptions = {}): Pages<DeadLetter<Events>> {
    const { after, limit, signal } = resolveListOptions(options);
    const open = (): PageSource<DeadLetter<Events>> => {
      let last = after;
      let left = limit;
      return () => {
        const most = Math.min(left, pageLettersMax);
        const letters = left === 0 ? [] : this.#found(options, last, most, (_letter, opened) => opened());
        last = letters.at(-1)?.position ?? last;
        left -= letters.length;
        return letters.length === 0 ? undefined : { items: letters.map((one) => this.#shown(one)), isLast: left <= 0 };
      };
    };
    return pagesOf(open, signal);
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
    const { names } = this.#desk();
    if (signal?.aborted) throw abortError(signal, 'nothing-written');
    const positions = await this.#change(which, (letter) => {
      if (letter.state === 'waiting') return 'kept';
      return letter.state === 'dead' && { ...letter, state: 'waiting' };
    });
    const waits = new ProcessorWaits();
    const leave = names.onLetters(this.name, () => waits.look());
    try {
      if (names.replay(this.name)) {
        const left = [...positions].sort((first, second) => second - first);
        const isAwaited = (stream: string) => names.isRunning(this.name, stream);
        const isSettled = () => {
          // They are tried in order, more or less: only the next one has to be looked at.
          while (left.length > 0 && !this.#isWaiting(left.at(-1) as number, isAwaited)) left.pop();
          return left.length === 0 && ![...this.#openStreams()].some(isAwaited);
        };
        await waits.until(isSettled, signal);
      }
    } finally {
      leave();
    }
    const waiting = this.#countOf(positions, 'waiting');
    const failed = this.#countOf(positions, 'dead');
    return { handled: positions.length - waiting - failed - this.#countOf(positions, 'discarded'), failed, waiting };
  }

  /**
   * Nobody wants `which` any more: they stay as a record, with the reason, until `purge`. Events parked behind one follow as
   * after a retry. Resolves to how many there were. @throws {TypeError} {STORE_CORRUPT} and what a commit fails for
   */
  async discard(which: DeadLetterChoice, { reason }: { readonly reason: string }): Promise<number> {
    if (typeof reason !== 'string' || reason === '' || reason.length > reasonCharactersMax) {
      throw wrong('reason', `a text of 1 to ${reasonCharactersMax} characters`, reason);
    }
    const { names } = this.#desk();
    const discarded = await this.#change(
      which,
      (letter) => letter.state !== 'discarded' && { ...letter, state: 'discarded', reason: reason.toWellFormed() },
    );
    if (discarded.length > 0) names.replay(this.name);
    return discarded.length;
  }

  /** Removes the records of discarded letters; resolves to how many there were. */
  async purge(): Promise<number> {
    return (await this.#change('all', (letter) => letter.state === 'discarded' && 'removed')).length;
  }

  /** Writes what `changed` makes of each chosen letter, a part at a time, and gives the positions of those. */
  async #change(
    which: DeadLetterChoice,
    changed: (letter: Letter) => Letter | 'removed' | 'kept' | false,
  ): Promise<readonly number[]> {
    const { names, appender } = this.#desk();
    const positions: number[] = [];
    for (const part of this.#chosen(which)) {
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
  *#chosen(which: DeadLetterChoice): Generator<readonly number[]> {
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
    let after = 0;
    for (;;) {
      const positions = this.#found({ ...filter, state: 'any' }, after, changedMax, ({ position }) => position);
      if (positions.length === 0) return;
      after = positions.at(-1) as number;
      yield positions;
    }
  }

  #found<Item>(
    { stream, type, state }: DeadLetterFilter & { readonly state?: LetterState | 'any' },
    after: number,
    limit: number,
    itemOf: (letter: LetterEntry, open: () => Letter) => Item,
  ): Item[] {
    const items: Item[] = [];
    this.#store.engine.read((snapshot) =>
      walkLetters(snapshot, this.name, after, (letter, open) => {
        const isWanted =
          (stream === undefined || letter.stream === stream) &&
          (type === undefined || letter.type === type) &&
          (state === 'any' || (state === undefined ? letter.state !== 'discarded' : letter.state === state));
        if (isWanted) items.push(itemOf(letter, open));
        return items.length < limit;
      }),
    );
    return items;
  }

  #letter(position: number): Letter | undefined {
    if (!isWhole(position, 1, Number.MAX_SAFE_INTEGER)) throw wrong('position', 'a position from 1 on', position);
    return this.#store.engine.read((snapshot) => readLetter(snapshot, this.name, position));
  }

  #entry(position: number): LetterEntry | undefined {
    return this.#store.engine.read((snapshot) => readLetterEntry(snapshot, this.name, position));
  }

  #countOf(positions: readonly number[], state: LetterState): number {
    return positions.filter((position) => this.#entry(position)?.state === state).length;
  }

  #isWaiting(position: number, isAwaited: (stream: string) => boolean): boolean {
    const letter = this.#entry(position);
    return letter?.state === 'waiting' && isAwaited(letter.stream);
  }

  /** Streams in which parked events are about to follow: nothing blocks them any more. */
  #openStreams(): ReadonlySet<string> {
    const streams = new Set<string>();
    this.#store.engine.read((snapshot) => {
      walkParked(snapshot, this.name, (stream) => {
        streams.add(stream);
        return true;
      });
      if (streams.size === 0) return;
      walkLetters(snapshot, this.name, 0, ({ stream, isParked, state }) => {
        if (isParked && state !== 'discarded') streams.delete(stream);
        return true;
      });
    });
    return streams;
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
