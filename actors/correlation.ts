/**
 * Correlation: metadata that goes with every append of a part of the program, without being handed from call to call.
 *
 * Appends outside of any scope cost one look at a field: the storage is made by the first `run`.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { refuseUnknownNames } from '../src/option-names.ts';
import type { Metadata } from '../src/types.ts';

export interface CorrelationOptions {
  /** For each event; what a call or an event says itself goes over it, key by key. */
  readonly metadata: Metadata;
}

export class Correlation {
  #scopes: AsyncLocalStorage<Metadata> | undefined;

  /** That of the innermost scope around the caller, and of those around it. */
  get metadata(): Metadata | undefined {
    return this.#scopes?.getStore();
  }

  /** Calls `use`; whatever it starts, and awaits, is in the scope. */
  run<Result>(metadata: Metadata, use: () => Result): Result {
    this.#scopes ??= new AsyncLocalStorage();
    return this.#scopes.run(mergedMetadata(this.metadata, metadata) as Metadata, use);
  }
}

/** `inner` over `outer`, key by key. */
export function mergedMetadata(outer: Metadata | undefined, inner: Metadata | undefined): Metadata | undefined {
  if (outer === undefined) return inner;
  return inner === undefined ? outer : { ...outer, ...inner };
}

/** A copy of the metadata in `options`. @throws {TypeError} unless it is a plain object. */
export function checkedMetadata(what: string, options: CorrelationOptions): Metadata {
  refuseUnknownNames(what, options, ['metadata']);
  const { metadata } = options;
  const prototype: unknown = typeof metadata === 'object' && metadata !== null && Object.getPrototypeOf(metadata);
  if (prototype === Object.prototype || prototype === null) return { ...metadata };
  throw new TypeError(`the option metadata of ${what} must be a plain object, got ${String(metadata)}`);
}
