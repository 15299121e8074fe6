/**
 * What a running processor knows of its dead letters and parked streams: enough to decide without reading.
 *
 * Read from the store when the processor begins; then it follows what rounds set aside and what replays bring back.
 */
import { walkLetters, walkParked } from '../src/log/letters.ts';
import type { Snapshot } from '../src/storage/engine.ts';
import type { SetAside } from './set-aside.ts';

/** What a round looks at. */
export interface Parking {
  isParked(stream: string): boolean;
  readonly parkedStreams: readonly string[];
  /** Room for dead letters, and for parked events. */
  readonly lettersLeft: number;
  readonly parkedLeft: number;
}

export class Letterbox implements Parking {
  readonly #name: string;
  readonly #max: number;
  /** Whether a stream is this processor's: partitions share their letters. */
  readonly #isMine: (stream: string) => boolean;
  readonly #parkedStreams = new Set<string>();
  #letters = 0;
  #parked = 0;
  /** Dead letters to be handed to the handler once more, oldest first. */
  #waiting: number[] = [];
  /** Streams whose letter is done with: what is parked in them comes next. */
  #open: string[] = [];
  #orders: number | undefined;

  constructor(name: string, max: number, isMine: (stream: string) => boolean = () => true) {
    this.#name = name;
    this.#max = max;
    this.#isMine = isMine;
  }

  isParked(stream: string): boolean {
    return this.#parkedStreams.size > 0 && this.#parkedStreams.has(stream);
  }

  get parkedStreams(): readonly string[] {
    return [...this.#parkedStreams];
  }

  get lettersLeft(): number {
    return this.#max - this.#letters;
  }

  get parkedLeft(): number {
    return this.#max - this.#parked;
  }

  /** What is to be tried again, as far as it was known at the last look. */
  get waiting(): readonly number[] {
    return this.#waiting;
  }

  get open(): readonly string[] {
    return this.#open;
  }

  get hasReplays(): boolean {
    return this.#waiting.length + this.#open.length > 0;
  }

  /** Whether what waits is known for the last of so many orders to try again, and something does. */
  isReady(orders: number): boolean {
    return this.#orders === orders && this.hasReplays;
  }

  /** Begins anew from what is stored, after so many orders. Looks at every row. @throws {STORE_CORRUPT} */
  load(snapshot: Snapshot, orders?: number): void {
    this.#orders = orders;
    this.#parkedStreams.clear();
    this.#letters = 0;
    this.#parked = 0;
    this.#waiting = [];
    const closed = new Set<string>();
    walkLetters(snapshot, this.#name, 0, ({ position, stream, state, isParked }) => {
      if (!this.#isMine(stream)) return true;
      if (state !== 'discarded') this.#letters++;
      if (isParked && state !== 'discarded') {
        this.#parkedStreams.add(stream);
        closed.add(stream);
      }
      if (state === 'waiting') this.#waiting.push(position);
      return true;
    });
    const open = new Set<string>();
    walkParked(snapshot, this.#name, (stream) => {
      if (!this.#isMine(stream)) return true;
      this.#parked++;
      this.#parkedStreams.add(stream);
      if (!closed.has(stream)) open.add(stream);
      return true;
    });
    this.#open = [...open];
  }

  /**
   * Of what waited, the first `tried` letters were tried, which opened `opened`; with `left` of the open streams there is more
   * to do. Streams stay parked until the next look at the rows finds nothing of them, so that nothing overtakes.
   */
  replayed(tried: number, opened: readonly string[], left: readonly string[]): void {
    this.#waiting = this.#waiting.slice(tried);
    this.#open = [...left, ...opened];
  }

  /** A round has set these aside, and its outcome counts. */
  add({ givenUp, parked }: SetAside): void {
    for (const { how, event } of givenUp) {
      if (how !== 'skip') this.#letters++;
      if (how === 'park-stream') this.#parkedStreams.add(event.stream);
    }
    this.#parked += parked.length;
  }
}
