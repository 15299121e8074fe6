/**
 * The keys that the writer seals with, by the names of their owners, and how often each has sealed in this session.
 */
import type { KeyObject } from 'node:crypto';
import type { SealingKey } from './key-ports.ts';

/** A key to seal with, and when to look at it again. */
export interface CountedKey extends SealingKey {
  readonly id: number;
  readonly key: KeyObject;
  seals: number;
  /** So many seals ask for a record, or for another key. */
  checkAt: number;
}

/** A cache in two halves, as unwrapped-keys.ts has it. */
export class SealingKeys {
  readonly #halfMax: number;
  #young = new Map<string, CountedKey | null>();
  #old = new Map<string, CountedKey | null>();
  /** By id: seals of keys that the cache has let go of; 0 where there were none. */
  #seals = new Float64Array(64);

  constructor(max: number) {
    this.#halfMax = Math.max(1, Math.floor(max / 2));
  }

  /** `null`: what this owner owns stays plain; `undefined`: not known. */
  get(name: string): CountedKey | null | undefined {
    const key = this.#young.get(name);
    if (key !== undefined) return key;
    const old = this.#old.get(name);
    if (old !== undefined) {
      this.#old.delete(name);
      this.set(name, old);
    }
    return old;
  }

  set(name: string, key: CountedKey | null): void {
    if (this.#young.size >= this.#halfMax) {
      for (const gone of this.#old.values()) if (gone !== null) this.#remember(gone);
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(name, key);
  }

  /** How often key `id` has sealed, by what was counted before the cache let go of it. */
  sealsOf(id: number): number {
    return this.#seals[id] ?? 0;
  }

  /** Forgets these keys. */
  drop(ids: ReadonlySet<number>): void {
    for (const half of [this.#young, this.#old])
      for (const [name, key] of half) if (key !== null && ids.has(key.id)) half.delete(name);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  #remember({ id, seals }: CountedKey): void {
    if (id >= this.#seals.length) {
      const larger = new Float64Array(Math.max(2 * this.#seals.length, id + 1));
      larger.set(this.#seals);
      this.#seals = larger;
    }
    this.#seals[id] = seals;
  }
}
