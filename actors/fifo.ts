/**
 * A queue, oldest first, whose taken places are given back many at a time: moving the rest up for each would cost too much.
 */
const compactAt = 4096;

export class Fifo<Item> {
  /** From `#first` on. */
  #items: Item[] = [];
  #first = 0;

  get length(): number {
    return this.#items.length - this.#first;
  }

  /** The oldest, if there is one. */
  get first(): Item | undefined {
    return this.#items[this.#first];
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  /** Takes the oldest away. */
  shift(): void {
    this.#first++;
    if (this.#first < compactAt && this.#first < this.#items.length) return;
    this.#items = this.#items.slice(this.#first);
    this.#first = 0;
  }

  /** Takes away and gives all that are in `unwanted`. */
  remove(unwanted: ReadonlySet<Item>): Item[] {
    const items = this.#items.slice(this.#first);
    this.#items = items.filter((item) => !unwanted.has(item));
    this.#first = 0;
    return items.filter((item) => unwanted.has(item));
  }

  /** Takes all away. */
  clear(): Item[] {
    const items = this.#items.slice(this.#first);
    this.#items = [];
    this.#first = 0;
    return items;
  }
}
