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
  /** Room for dead letters, and for parked events. */
  readonly lettersLeft: number;
  readonly parkedLeft: number;
}

/** What waits to be handed to the handler once more. */
export interface Replays {
  /** Positions of dead letters, oldest first. */
  readonly letters: readonly number[];
  /** Streams whose first letter is done with: what is parked in them comes next. */
  readonly streams: readonly string[];
}

export class Letterbox implements Parking {
  readonly #name: string;
  readonly #max: number;
  /** Whether a stream is this processor's: partitions share their letters. */
  readonly #isMine: (stream: string) => boolean;
  readonly #parkedStreams = new Set<string>();
  #letters = 0;
  #parked = 0;

  constructor(name: string, max: number, isMine: (stream: string) => boolean = () => true) {
    this.#name = name;
    this.#max = max;
    this.#isMine = isMine;
  }

  isParked(stream: string): boolean {
    return this.#parkedStreams.size > 0 && this.#parkedStreams.has(stream);
  }

  get lettersLeft(): number {
    return this.#max - this.#letters;
  }

  get parkedLeft(): number {
    return this.#max - this.#parked;
  }

  /** Letters that there are, and events parked behind some of them. */
  get counts(): { readonly letters: number; readonly parked: number; readonly parkedStreams: number } {
    return { letters: this.#letters, parked: this.#parked, parkedStreams: this.#parkedStreams.size };
  }

  /** Begins anew from what is stored, and tells what waits. @throws {STORE_CORRUPT} */
  load(snapshot: Snapshot): Replays {
    this.#parkedStreams.clear();
    this.#letters = 0;
    this.#parked = 0;
    const letters: number[] = [];
    const closed = new Set<string>();
    walkLetters(snapshot, this.#name, 0, ({ position, stream, state, isParked }) => {
      if (!this.#isMine(stream)) return true;
      this.#letters++;
      if (isParked && state !== 'discarded') {
        this.#parkedStreams.add(stream);
        closed.add(stream);
      }
      if (state === 'waiting') letters.push(position);
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
    return { letters, streams: [...open] };
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
