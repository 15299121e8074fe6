/**
 * Events that a processor passes without having handled them: those it gave up, and those it parked behind them.
 *
 * Never passed silently: the rows that keep them are written in the same transaction that moves the cursor behind them, and
 * so is, for the skipped ones, nothing but the cursor.
 */
import { keyIdOf } from '../src/codec/event.ts';
import { type LetterError, type LetterRow, parkedKey, parkedRow } from '../src/codec/letter-row.ts';
import { letterDraft } from '../src/log/letters.ts';
import type { RowDraft } from '../src/log/row-draft.ts';
import type { StoredEvent } from '../src/types.ts';
import type { CaughtError } from './caught-error.ts';

/** What becomes of an event that is given up. */
export type GiveUp = 'skip' | 'dead-letter' | 'park-stream';

/** Enough of an event to find it again. */
export interface EventPlace {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  /** What is kept of it goes with this key; 0: with that of its stream. */
  readonly keyId: number;
}

export interface GivenUp {
  readonly event: EventPlace;
  readonly how: GiveUp;
  readonly error: CaughtError;
  readonly attempts: number;
  /** First and last failure, milliseconds since 1970. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Longest texts of an error that are kept, in characters. */
const messageMax = 2000;
const stackMax = 8000;

/** What is passed between two saves; grows by making a new one. */
export class SetAside {
  static readonly nothing = new SetAside([], []);
  readonly givenUp: readonly GivenUp[];
  /** Events of parked streams. */
  readonly parked: readonly EventPlace[];

  constructor(givenUp: readonly GivenUp[], parked: readonly EventPlace[]) {
    this.givenUp = givenUp;
    this.parked = parked;
  }

  get count(): number {
    return this.givenUp.length + this.parked.length;
  }

  with(more: SetAside): SetAside {
    if (more.count === 0) return this;
    return new SetAside([...this.givenUp, ...more.givenUp], [...this.parked, ...more.parked]);
  }

  /** How many were given up so. */
  countOf(how: GiveUp): number {
    return this.givenUp.reduce((count, one) => count + Number(one.how === how), 0);
  }

  /** What keeps them, for the consumer `name` in `generation`. */
  rows(name: string, generation: number): RowDraft[] {
    const letters = this.givenUp.filter(({ how }) => how !== 'skip').map((one) => letterRow(name, generation, one));
    const parked = this.parked.map(({ stream, position }): RowDraft => {
      const key = parkedKey(name, stream, position);
      return { table: 'parked', key, value: parkedRow(key) };
    });
    return [...letters, ...parked];
  }

  toJSON(): unknown {
    return { givenUp: this.givenUp.length, parked: this.parked.length };
  }
}

export function placeOf(event: StoredEvent): EventPlace {
  const { position, stream, version, type } = event;
  return { position, stream, version, type, keyId: keyIdOf(event) };
}

/** The dead letter of what was given up in `generation`. */
export function letterRow(
  name: string,
  generation: number,
  { event, how, error, attempts, firstMs, lastMs }: GivenUp,
): RowDraft {
  const row: LetterRow = {
    stream: event.stream,
    version: event.version,
    type: event.type,
    state: 'dead',
    isParked: how === 'park-stream',
    generation,
    attempts,
    firstMs,
    lastMs,
    error: keptError(error),
  };
  return letterDraft(name, event.position, row, event.keyId);
}

/** An error as it is kept: texts of bounded length. */
export function keptError({ name, message, code, stack }: CaughtError): LetterError {
  return {
    name: cut(name, messageMax),
    message: cut(message, messageMax),
    ...(code !== undefined && { code: cut(code, messageMax) }),
    ...(stack !== undefined && { stack: cut(stack, stackMax) }),
  };
}

function cut(text: string, charactersMax: number): string {
  const kept = text.length <= charactersMax ? text : `${text.slice(0, charactersMax)}…`;
  return kept.toWellFormed();
}
