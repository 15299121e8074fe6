/**
 * What a listener has not been given yet: the events in memory, and what becomes of those there is no room for.
 *
 * One class for each way; all are bounded. Which events get here, and when, is live-reading.ts.
 */

import type { StoredEvent } from '../src/types.ts';
import { atOnce } from './at-once.ts';
import { Fifo } from './fifo.ts';

export interface Backlog {
  /** Events that may be read from the log now; 0: later, it loses nothing by waiting there. */
  readonly room: number;
  /** Events that were given up. */
  readonly dropped: number;
  /** The next one. */
  readonly first: StoredEvent | undefined;
  /** Not more than there is room for. */
  push(event: StoredEvent): void;
  /** Takes the next one away. */
  shift(): StoredEvent | undefined;
  clear(): void;
}

/** Is filled from the log when it is empty: it holds one page at a time, and nothing is lost. */
export class PageBacklog implements Backlog {
  readonly dropped = 0;
  readonly #bufferEvents: number;
  readonly #events = new Fifo<StoredEvent>();

  constructor(bufferEvents: number) {
    this.#bufferEvents = bufferEvents;
  }

  get room(): number {
    return this.#events.length === 0 ? this.#bufferEvents : 0;
  }

  get first(): StoredEvent | undefined {
    return this.#events.first;
  }

  push(event: StoredEvent): void {
    this.#events.push(event);
  }

  shift(): StoredEvent | undefined {
    return shifted(this.#events);
  }

  clear(): void {
    this.#events.clear();
  }
}

/** Keeps the newest. */
export class NewestBacklog implements Backlog {
  readonly room = Number.POSITIVE_INFINITY;
  dropped = 0;
  readonly #bufferEvents: number;
  readonly #events = new Fifo<StoredEvent>();

  constructor(bufferEvents: number) {
    this.#bufferEvents = bufferEvents;
  }

  get first(): StoredEvent | undefined {
    return this.#events.first;
  }

  push(event: StoredEvent): void {
    this.#events.push(event);
    if (this.#events.length <= this.#bufferEvents) return;
    this.#events.shift();
    this.dropped++;
  }

  shift(): StoredEvent | undefined {
    return shifted(this.#events);
  }

  clear(): void {
    this.#events.clear();
  }
}

/** Keeps the newest of each key, in the order of their positions; with too many keys, gives up the oldest. */
export class CoalescingBacklog implements Backlog {
  readonly room = Number.POSITIVE_INFINITY;
  dropped = 0;
  readonly #bufferEvents: number;
  readonly #keyOf: (event: StoredEvent) => unknown;
  /** A key that is met again moves behind the others. */
  readonly #eventByKey = new Map<unknown, StoredEvent>();

  /** What `keyOf` throws is thrown by `push`, and the event counts as dropped. */
  constructor(bufferEvents: number, keyOf: (event: StoredEvent) => unknown) {
    this.#bufferEvents = bufferEvents;
    this.#keyOf = keyOf;
  }

  get first(): StoredEvent | undefined {
    return this.#oldest()?.[1];
  }

  push(event: StoredEvent): void {
    // Counted first: it is lost if its key is not known.
    this.dropped++;
    const key = atOnce(this.#keyOf(event), 'coalesceBy');
    this.dropped--;
    this.#eventByKey.delete(key);
    this.#eventByKey.set(key, event);
    if (this.#eventByKey.size <= this.#bufferEvents) return;
    this.shift();
    this.dropped++;
  }

  shift(): StoredEvent | undefined {
    const oldest = this.#oldest();
    if (oldest === undefined) return undefined;
    this.#eventByKey.delete(oldest[0]);
    return oldest[1];
  }

  clear(): void {
    this.#eventByKey.clear();
  }

  #oldest(): [unknown, StoredEvent] | undefined {
    return this.#eventByKey.entries().next().value;
  }
}

function shifted(events: Fifo<StoredEvent>): StoredEvent | undefined {
  const { first } = events;
  if (first !== undefined) events.shift();
  return first;
}
