/**
 * How often each key has sealed, and the keys as they are given out to be sealed with.
 *
 * Known is what was recorded and, for each session since, as much as a session may leave unrecorded: never less than it was.
 */
import type { KeyObject } from 'node:crypto';
import { keySealsUnrecordedMax } from '../limits.ts';
import type { SealingKey } from './key-ports.ts';
import type { SealCount } from './key-table.ts';

export class SealCounts {
  readonly #epoch: number;
  readonly #sealsMax: number;
  /** By id: seals, and how many of them ask for a record; 0 for a key that was not asked for yet. */
  #seals = new Float64Array(64);
  #checks = new Float64Array(64);

  /** @param epoch of this writer. @param sealsMax after which there is to be another key */
  constructor(epoch: number, sealsMax: number) {
    this.#epoch = epoch;
    this.#sealsMax = sealsMax;
  }

  /** Counts key `id` from what is recorded of it, unless it is counted already. */
  begin(id: number, record: SealCount): void {
    if (id >= this.#seals.length) {
      this.#seals = larger(this.#seals, id);
      this.#checks = larger(this.#checks, id);
    }
    if (this.#checks[id] !== 0) return;
    const sessions = Math.max(0, this.#epoch - record.epoch);
    this.#seals[id] = record.seals + sessions * keySealsUnrecordedMax;
    this.recorded(id);
  }

  seals(id: number): number {
    return this.#seals[id] as number;
  }

  add(id: number, seals: number): void {
    (this.#seals[id] as number) += seals;
  }

  /** Whether it is time for a record, or for another key. */
  isDue(id: number): boolean {
    return this.seals(id) >= (this.#checks[id] as number);
  }

  isUsedUp(id: number): boolean {
    return this.seals(id) >= this.#sealsMax;
  }

  /**
   * What there is now is recorded. The next time is after half of what may be unrecorded: a group of commits seals less than
   * the other half before that is looked at.
   */
  recorded(id: number): void {
    this.#checks[id] = Math.min(this.seals(id) + keySealsUnrecordedMax / 2, this.#sealsMax);
  }
}

/** A key to seal with, which counts where all others of its id do. */
export class CountedKey implements SealingKey {
  readonly id: number;
  readonly key: KeyObject;
  readonly #counts: SealCounts;

  constructor(id: number, key: KeyObject, counts: SealCounts) {
    this.id = id;
    this.key = key;
    this.#counts = counts;
  }

  get seals(): number {
    return this.#counts.seals(this.id);
  }

  set seals(seals: number) {
    this.#counts.add(this.id, seals - this.seals);
  }
}

function larger(old: Float64Array, id: number): Float64Array<ArrayBuffer> {
  const next = new Float64Array(Math.max(2 * old.length, id + 1));
  next.set(old);
  return next;
}
