/**
 * What a handler of a projection works with: the entries as all calls before have left them. Synchronous, and its own for
 * each call: what is kept of it beyond the call throws.
 */
import type { ProjectionOverlay } from '../src/log/projection-overlay.ts';
import { checkProjectionKey, type ProjectionRange, resolveRange } from '../src/log/projection-range.ts';
import { hold, release } from '../src/log/projection-value.ts';

/** A key with its value. */
export interface ProjectionEntry<Value> {
  readonly key: string;
  readonly value: Value;
}

/**
 * The entries of a projection, for the time of one call of a handler. Keys are 1 to 1024 bytes of text; values are what
 * events may have as data, up to 2 MiB. What is read is the caller's own: changing it changes nothing until it is set.
 */
export interface ProjectionView<Value> {
  /** `undefined` where there is none. */
  get(key: string): Value | undefined;
  /** The value as it is now; changing it later changes nothing. @throws {TypeError} for a value that can't be stored. */
  set(key: string, value: Value): void;
  /** No error where there is none. */
  delete(key: string): void;
  /** Sets what `change` makes of the value, which is `undefined` where there is none. */
  update(key: string, change: (value: Value | undefined) => Value): void;
  /** In the order of their keys' bytes, read as they are asked for; entries may be set and deleted meanwhile. */
  range(range?: ProjectionRange): Iterable<ProjectionEntry<Value>>;
}

export class CallView implements ProjectionView<unknown> {
  #overlay: ProjectionOverlay | undefined;
  readonly #projection: string;

  constructor(overlay: ProjectionOverlay, projection: string) {
    this.#overlay = overlay;
    this.#projection = projection;
  }

  get(key: string): unknown {
    checkProjectionKey(key);
    return release(this.#open().get(key));
  }

  set(key: string, value: unknown): void {
    checkProjectionKey(key);
    this.#open().set(
      key,
      hold(value, () => this.#nameOf(key)),
    );
  }

  delete(key: string): void {
    checkProjectionKey(key);
    this.#open().set(key, undefined);
  }

  update(key: string, change: (value: unknown) => unknown): void {
    this.set(key, change(this.get(key)));
  }

  *range(range: ProjectionRange = {}): Generator<ProjectionEntry<unknown>, void, undefined> {
    for (const [key, value] of this.#open().range(resolveRange(range))) {
      yield { key, value: release(value) };
      this.#open();
    }
  }

  /** Its call has ended. */
  close(): void {
    this.#overlay = undefined;
  }

  #open(): ProjectionOverlay {
    if (this.#overlay !== undefined) return this.#overlay;
    throw new TypeError(
      `the view of the projection ${JSON.stringify(this.#projection)} is used after its handler has returned`,
    );
  }

  #nameOf(key: string): string {
    return `the value of ${JSON.stringify(key)} in the projection ${JSON.stringify(this.#projection)}`;
  }
}
