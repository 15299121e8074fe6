/**
 * A value that is made anew only when one of the parts it is made of is another: who compares it by identity sees whether it
 * has changed.
 */
export class Derived<Value> {
  #parts: readonly unknown[] | undefined;
  #value: Value | undefined;

  /** What `make` gave for these parts, if they are those of the last call; otherwise what it gives now. */
  of(parts: readonly unknown[], make: () => Value): Value {
    if (this.#parts === undefined || !isSame(this.#parts, parts)) {
      this.#value = make();
      this.#parts = parts;
    }
    return this.#value as Value;
  }
}

function isSame(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((part, index) => Object.is(part, right[index]));
}
