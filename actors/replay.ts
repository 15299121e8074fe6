/**
 * Replays: dead letters that somebody wants tried again, and what is parked behind those that are done with.
 *
 * They go between two rounds of work, one try each, in order, and never move the cursor. What became of them is written in
 * one move of the cursor to where it is; a crash before that repeats them. A stream is open again when nothing of it is left.
 */
import { type LetterRow, letterKey, parkedKey } from '../src/codec/letter-row.ts';
import type { CursorPlace } from '../src/log/cursor.ts';
import { type LetterEntry, letterDraft, parkedPositions, readLetterEntry } from '../src/log/letters.ts';
import type { RowDraft } from '../src/log/row-draft.ts';
import type { StoredEvent } from '../src/types.ts';
import type { CaughtError } from './caught-error.ts';
import type { Recorder } from './effects.ts';
import type { Trouble } from './handler-call.ts';
import type { Letterbox } from './letterbox.ts';
import type { ProcessorStore } from './processor-store.ts';
import { type GivenUp, keptError, letterRow, placeOf } from './set-aside.ts';

/** What a round of replays came to. */
export interface ReplayResult {
  /** As it was given. */
  readonly orders: number;
  /** Whether there may be more to do. */
  readonly isMore: boolean;
  readonly handled: number;
  /** Parked events that failed in their turn: they are letters now. */
  readonly givenUp: readonly GivenUp[];
  /** Letters that are none the better for it. */
  readonly failedAgain: readonly GivenUp[];
  /** Of a call that is still running: nothing goes on before it has ended. */
  readonly failure: CaughtError | undefined;
}

export interface ReplayWorld {
  readonly name: string;
  readonly store: Pick<ProcessorStore, 'read' | 'event' | 'now'>;
  readonly letterbox: Letterbox;
  readonly recorder: Recorder | undefined;
  /** Hands one event to the handler. */
  readonly call: (
    event: StoredEvent,
    generation: number,
    attempt: number,
    signal: AbortSignal,
  ) => Promise<Trouble | undefined>;
  /** Writes `rows` with a move of the cursor, while nobody else changes letters. */
  readonly write: (cursor: CursorPlace, rows: () => readonly RowDraft[]) => Promise<void>;
}

/** After this no other event is replayed in one round. */
const roundMs = 10;
/** Most events of one parked stream in a round. */
const parkedMax = 64;

export interface ReplayInput {
  readonly cursor: CursorPlace | undefined;
  /** How often replays were asked for. */
  readonly orders: number;
}

const nothing = { handled: 0, givenUp: [], failedAgain: [], failure: undefined } as const;

export async function replay(world: ReplayWorld, input: ReplayInput, signal: AbortSignal): Promise<ReplayResult> {
  const { cursor, orders } = input;
  const { store, letterbox, recorder } = world;
  // Letters are written with a move of the cursor.
  if (cursor === undefined) return { orders, ...nothing, isMore: false };
  if (!letterbox.isReady(orders)) {
    store.read((snapshot) => letterbox.load(snapshot, orders));
    if (!letterbox.hasReplays) return { orders, ...nothing, isMore: false };
  }
  const round = new ReplayRound(world, cursor.generation, signal);
  recorder?.begin(cursor.position, undefined);
  await round.retryLetters(letterbox.waiting);
  await round.unparkStreams(letterbox.open);
  // What a round without an audience did is not written; it comes again.
  if (signal.aborted) return { orders, ...nothing, isMore: true };
  const effects = recorder?.end(cursor.position);
  await world.write(cursor, () => [...round.rows(), ...(effects?.rows() ?? [])]);
  letterbox.replayed(round.tried, round.opened, round.left);
  const { handled, givenUp, failedAgain, failure } = round;
  return { orders, isMore: true, handled, givenUp, failedAgain, failure };
}

class ReplayRound {
  handled = 0;
  readonly givenUp: GivenUp[] = [];
  readonly failedAgain: GivenUp[] = [];
  /** Letters looked at; streams whose letter was handled; streams with which it is to go on. */
  tried = 0;
  readonly opened: string[] = [];
  readonly left: string[] = [];
  failure: CaughtError | undefined;
  readonly #world: ReplayWorld;
  readonly #generation: number;
  readonly #signal: AbortSignal;
  readonly #begunMs = performance.now();
  /** Letters with what becomes of them; `undefined`: they were handled. */
  readonly #outcomes: { readonly letter: LetterEntry; readonly next: RowDraft | undefined }[] = [];
  readonly #parkedRows: RowDraft[] = [];
  /** Streams in which an event failed. */
  readonly #blocked = new Set<string>();

  constructor(world: ReplayWorld, generation: number, signal: AbortSignal) {
    this.#world = world;
    this.#generation = generation;
    this.#signal = signal;
  }

  get #isOver(): boolean {
    return this.failure !== undefined || this.#signal.aborted || performance.now() >= this.#begunMs + roundMs;
  }

  async retryLetters(positions: readonly number[]): Promise<void> {
    for (const position of positions) {
      if (this.#isOver) return;
      const letter = this.#world.store.read((snapshot) => readLetterEntry(snapshot, this.#world.name, position));
      if (letter?.state === 'waiting') await this.#retry(letter);
      this.tried++;
    }
  }

  async unparkStreams(streams: readonly string[]): Promise<void> {
    const { store, name } = this.#world;
    for (const stream of streams) {
      if (this.#isOver) {
        this.left.push(stream);
        continue;
      }
      const positions = store.read((snapshot) => parkedPositions(snapshot, name, stream, parkedMax));
      let done = 0;
      while (done < positions.length && !this.#isOver && (await this.#unpark(stream, positions[done] as number)))
        done++;
      const isBlocked = done < positions.length && this.#blocked.has(stream);
      if (!isBlocked && (done < positions.length || positions.length === parkedMax)) this.left.push(stream);
    }
  }

  async #retry(letter: LetterEntry): Promise<void> {
    const { name, store } = this.#world;
    const { position, ...head } = letter;
    const attempts = head.attempts + 1;
    const trouble = await this.#call(position, attempts);
    if (trouble === undefined) {
      this.#outcomes.push({ letter, next: undefined });
      if (head.isParked) this.opened.push(head.stream);
      return;
    }
    const { error } = trouble;
    const lastMs = store.now();
    const row: LetterRow = { ...head, state: 'dead', attempts, lastMs, error: keptError(error) };
    const event = placeOf(this.#event(position));
    const how = head.isParked ? 'park-stream' : 'dead-letter';
    this.failedAgain.push({ event, how, error, attempts, firstMs: head.firstMs, lastMs });
    const { keyId } = event;
    this.#outcomes.push({ letter, next: letterDraft(name, position, row, keyId) });
  }

  /** True when the next event of the stream may follow. */
  async #unpark(stream: string, position: number): Promise<boolean> {
    const { name, store } = this.#world;
    const trouble = await this.#call(position, 1);
    this.#parkedRows.push({ table: 'parked', key: parkedKey(name, stream, position), value: undefined });
    if (trouble === undefined) return true;
    this.#blocked.add(stream);
    const nowMs = store.now();
    this.givenUp.push({
      event: placeOf(this.#event(position)),
      how: 'park-stream',
      error: trouble.error,
      attempts: 1,
      firstMs: nowMs,
      lastMs: nowMs,
    });
    return false;
  }

  /** Of a letter that somebody has discarded meanwhile, nothing is written. */
  rows(): RowDraft[] {
    const { name, store } = this.#world;
    const letterRows = this.#outcomes
      .filter(
        ({ letter: { position } }) =>
          store.read((snapshot) => readLetterEntry(snapshot, name, position))?.state === 'waiting',
      )
      .map(({ letter: { position }, next }): RowDraft => {
        return next ?? { table: 'dead_letters', key: letterKey(name, position), value: undefined };
      });
    const newLetters = this.givenUp.map((one) => letterRow(name, this.#generation, one));
    return [...letterRows, ...this.#parkedRows, ...newLetters];
  }

  /** A skipped event counts as handled here: nobody wants it any more. */
  async #call(position: number, attempt: number): Promise<Trouble | undefined> {
    const trouble = await this.#world.call(this.#event(position), this.#generation, attempt, this.#signal);
    if (trouble === undefined || trouble.kind === 'skip') {
      this.handled++;
      return undefined;
    }
    if (trouble.kind === 'failed' && trouble.isFinal === true) this.failure = trouble.error;
    return trouble;
  }

  #event(position: number): StoredEvent {
    return this.#world.store.event(position);
  }
}
