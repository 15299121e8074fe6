/**
 * Looking through the dead letters of one processor, of which there may be many, a part at a time: none looks at more than so
 * many rows, whether they are wanted or not, and between two the event loop gets its turn and the signal is looked at.
 */
import { setImmediate } from 'node:timers/promises';
import type { LetterState } from '../src/codec/letter-row.ts';
import { letterLooksMax } from '../src/limits.ts';
import { type Letter, type LetterEntry, parkedStreams, readLetterEntry, walkLetters } from '../src/log/letters.ts';
import { throwIfAborted } from '../src/log/pages.ts';
import type { DeadLetterFilter } from './dead-letter-options.ts';
import type { OpenStore } from './open-store.ts';

export interface LetterSearch extends DeadLetterFilter {
  /** @default those that are not discarded */
  readonly state?: LetterState | 'any';
}

export interface LetterPart<Item> {
  readonly items: readonly Item[];
  /** The last position that was looked at; `undefined` when that were all. */
  readonly reached: number | undefined;
}

export class LetterWalk {
  readonly #name: string;
  readonly #engine: OpenStore['engine'];

  constructor(name: string, engine: OpenStore['engine']) {
    this.#name = name;
    this.#engine = engine;
  }

  /** What the books say of the letter at `position`. @throws {STORE_CORRUPT} */
  entry(position: number): LetterEntry | undefined {
    return this.#engine.read((snapshot) => readLetterEntry(snapshot, this.#name, position));
  }

  /** How many letters at `positions` are in which state, or are gone. @throws {STORE_CORRUPT} */
  async statesOf(positions: readonly number[]): Promise<Readonly<Record<LetterState | 'gone', number>>> {
    const counts = { gone: 0, dead: 0, waiting: 0, discarded: 0 };
    for (const [index, position] of positions.entries()) {
      if (index > 0 && index % letterLooksMax === 0) await setImmediate();
      counts[this.entry(position)?.state ?? 'gone']++;
    }
    return counts;
  }

  /**
   * Takes those off the end of `positions` that do not wait to be tried by anybody; true when it has come to one that does, or to
   * the end. False: it has looked at enough for one turn. @throws {STORE_CORRUPT}
   */
  dropTried(positions: number[], isMeant: (stream: string) => boolean): boolean {
    for (let looks = 0; looks < letterLooksMax; looks++) {
      const last = positions.at(-1);
      const letter = last === undefined ? undefined : this.entry(last);
      if (last === undefined || (letter?.state === 'waiting' && isMeant(letter.stream))) return true;
      positions.pop();
    }
    return false;
  }

  /** Of the letters behind position `after` those that are looked for, at most `limit`. @throws {STORE_CORRUPT} */
  part<Item>(
    { stream, type, state }: LetterSearch,
    after: number,
    limit: number,
    itemOf: (letter: LetterEntry, open: () => Letter) => Item,
  ): LetterPart<Item> {
    const items: Item[] = [];
    let looks = 0;
    let reached: number | undefined;
    this.#engine.read((snapshot) =>
      walkLetters(snapshot, this.#name, after, (letter, open) => {
        const isWanted =
          (stream === undefined || letter.stream === stream) &&
          (type === undefined || letter.type === type) &&
          (state === 'any' || (state === undefined ? letter.state !== 'discarded' : letter.state === state));
        if (isWanted) items.push(itemOf(letter, open));
        looks++;
        if (items.length < limit && looks < letterLooksMax) return true;
        reached = letter.position;
        return false;
      }),
    );
    return { items, reached };
  }

  /** All that are looked for, in parts of at most `limit`. @throws {STORE_CORRUPT} {ABORTED} */
  async *parts<Item>(
    search: LetterSearch,
    limit: number,
    itemOf: (letter: LetterEntry) => Item,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly Item[]> {
    for (let after: number | undefined = 0; after !== undefined; ) {
      const { items, reached }: LetterPart<Item> = this.part(search, after, limit, itemOf);
      if (items.length > 0) yield items;
      await setImmediate();
      throwIfAborted(signal);
      after = reached;
    }
  }

  /**
   * Whether there is a stream like that in which parked events are about to follow: nothing blocks it any more. What changes
   * meanwhile may be seen or not. @throws {STORE_CORRUPT} {ABORTED}
   */
  async hasOpenStream(isMeant: (stream: string) => boolean, signal: AbortSignal | undefined): Promise<boolean> {
    const open = new Set<string>();
    for (let after: string | undefined; ; ) {
      const streams = this.#engine.read((snapshot) => parkedStreams(snapshot, this.#name, after, letterLooksMax));
      for (const stream of streams) if (isMeant(stream)) open.add(stream);
      if (streams.length < letterLooksMax) break;
      after = streams.at(-1);
      await setImmediate();
      throwIfAborted(signal);
    }
    if (open.size === 0) return false;
    const blocks = ({ stream, isParked }: LetterEntry) => isParked && open.delete(stream);
    for await (const _ of this.parts({}, letterLooksMax, blocks, signal)) if (open.size === 0) return false;
    return true;
  }
}
