/**
 * The last so many of something, oldest first. Adding costs nothing but the place; the list is the same array until something
 * is added.
 */
export class Recent<Item> {
  readonly #max: number;
  #items: Item[] = [];
  /** What was handed out last, and is still true. */
  #list: readonly Item[] | undefined = [];

  constructor(max: number) {
    this.#max = max;
  }

  add(item: Item): void {
    // Moved up only now and then.
    if (this.#items.length >= 2 * this.#max) this.#items = this.#items.slice(-this.#max);
    this.#items.push(item);
    this.#list = undefined;
  }

  get list(): readonly Item[] {
    this.#list ??= this.#items.slice(-this.#max);
    return this.#list;
  }
}
