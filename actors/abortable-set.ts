/**
 * Things that a signal may abort: one listener for each signal, however many wait on it. A listener each would make the
 * thousandth append of a shared signal a thousand times as dear as the first.
 */
export class AbortableSet<Item> {
  readonly #onAbort: (signal: AbortSignal, items: ReadonlySet<Item>) => void;
  readonly #entryBySignal = new Map<AbortSignal, { readonly items: Set<Item>; readonly listener: () => void }>();

  /** `onAbort` is called with what is there when a signal is aborted; that is not in the set any more. */
  constructor(onAbort: (signal: AbortSignal, items: ReadonlySet<Item>) => void) {
    this.#onAbort = onAbort;
  }

  add(signal: AbortSignal, item: Item): void {
    this.#entry(signal).items.add(item);
  }

  delete(signal: AbortSignal, item: Item): void {
    const entry = this.#entryBySignal.get(signal);
    entry?.items.delete(item);
    if (entry?.items.size === 0) this.#forget(signal, entry.listener);
  }

  #entry(signal: AbortSignal) {
    const known = this.#entryBySignal.get(signal);
    if (known !== undefined) return known;
    const items = new Set<Item>();
    const listener = () => {
      this.#forget(signal, listener);
      this.#onAbort(signal, items);
    };
    const entry = { items, listener };
    signal.addEventListener('abort', listener);
    this.#entryBySignal.set(signal, entry);
    return entry;
  }

  #forget(signal: AbortSignal, listener: () => void): void {
    this.#entryBySignal.delete(signal);
    signal.removeEventListener('abort', listener);
  }
}
