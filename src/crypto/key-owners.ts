/** The keys that owners were found to have, by one text for each owner: those asked for lately. */
import type { KeyOwner } from './key-owner.ts';
import type { CountedKey } from './seal-counts.ts';

/** A cache in two halves, as unwrapped-keys.ts has it. */
export class KnownOwners {
  readonly #halfMax: number;
  #young = new Map<string, CountedKey | null>();
  #old = new Map<string, CountedKey | null>();

  /** @param max how many are kept at most */
  constructor(max: number) {
    this.#halfMax = Math.max(1, Math.floor(max / 2));
  }

  /** `null`: what this owner owns stays plain; `undefined`: not known. */
  get(name: string): CountedKey | null | undefined {
    const key = this.#young.get(name);
    if (key !== undefined) return key;
    const old = this.#old.get(name);
    if (old !== undefined) this.set(name, old);
    return old;
  }

  set(name: string, key: CountedKey | null): void {
    if (this.#young.size >= this.#halfMax && !this.#young.has(name)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(name, key);
    this.#old.delete(name);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}

/** One text for each owner: no name of a stream or projection has control characters, and no subject is empty. */
export function ownerText(owner: KeyOwner): string {
  if (owner.kind === 'projection') return `\0${owner.name}\0${owner.build}`;
  if (owner.subject !== undefined) return `${owner.stream}\0${owner.subject}`;
  return owner.isWhole === true ? `${owner.stream}\0` : owner.stream;
}
