/**
 * The way of an append from its caller to the queue of its thread: read, put into its context, checked by schemas, encoded.
 *
 * Everything a bus appends for its users goes this way. Without schemas it is synchronous: calls keep their order.
 */
import { BusError } from '../src/errors.ts';
import {
  type AppendRequest,
  encodeCall,
  type GivenAppend,
  type GivenCall,
  type RequestOptions,
  readCall,
} from '../src/log/append-request.ts';
import { throwIfAborted } from '../src/log/pages.ts';
import type { RowDraft } from '../src/log/row-draft.ts';
import type { SchemaSet } from '../src/log/schemas.ts';
import { isThenable } from '../src/thenable.ts';
import type { AppendResult } from '../src/types.ts';
import type { Appender } from './appender.ts';
import { type Correlation, mergedMetadata } from './correlation.ts';
import type { PublishGate } from './publish-gate.ts';
import { untilAborted } from './until-aborted.ts';

export interface AppendPathOptions {
  /** The store, for messages. */
  readonly path: string;
  /** `undefined`: the store can only be read here. */
  readonly appender: Appender | undefined;
  readonly schemas: SchemaSet | undefined;
  readonly correlation: Correlation;
  readonly gate: PublishGate;
  /** @throws {STORE_CLOSED} */
  readonly assertOpen: () => void;
}

export interface SubmitOptions extends RequestOptions {
  /** Written with the events, or not at all. */
  readonly rows?: readonly RowDraft[];
  readonly signal?: AbortSignal | undefined;
}

export class AppendPath {
  readonly #options: AppendPathOptions;

  constructor(options: AppendPathOptions) {
    this.#options = options;
  }

  /** Resolves with what `pick` takes from the results. @throws as `append` of a bus does; always by rejecting. */
  submit<Result>(
    appends: readonly GivenAppend[],
    options: SubmitOptions,
    pick: (results: AppendResult[]) => Result,
  ): Promise<Result> {
    try {
      const appender = this.#appender();
      const request = this.encoded(appends, options);
      if (isThenable(request)) return this.#submitLater(request, options.signal, pick, undefined);
      return appender.append(request, options.signal, pick);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The same, behind the gate. */
  publish<Result>(
    appends: readonly GivenAppend[],
    options: SubmitOptions,
    pick: (results: AppendResult[]) => Result,
  ): Promise<Result> {
    const { gate } = this.#options;
    if (gate.isOpen) return this.submit(appends, options, pick);
    try {
      this.#appender();
      return this.#submitLater(this.encoded(appends, options), options.signal, pick, gate);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** @throws {STORE_CLOSED} {STORE_READ_ONLY} */
  assertWritable(): void {
    this.#appender();
  }

  #appender(): Appender {
    const { assertOpen, appender, path } = this.#options;
    assertOpen();
    if (appender === undefined) throw new BusError('STORE_READ_ONLY', `${path} was opened read-only`, { path });
    return appender;
  }

  /** What the call would append, in the context of the caller and checked. @throws as `append` for bad input */
  encoded(appends: readonly GivenAppend[], options: SubmitOptions): AppendRequest | Promise<AppendRequest> {
    const { schemas, correlation } = this.#options;
    const ambient = mergedMetadata(correlation.metadata, options.ambient);
    const given = ambient === options.ambient ? options : { ...options, ambient };
    const call = readCall(appends, given);
    const checked = schemas === undefined ? call : schemas.checked(call);
    return isThenable<GivenCall>(checked)
      ? checked.then((later) => requestOf(later, given))
      : requestOf(checked, given);
  }

  async #submitLater<Result>(
    request: AppendRequest | PromiseLike<AppendRequest>,
    signal: AbortSignal | undefined,
    pick: (results: AppendResult[]) => Result,
    gate: PublishGate | undefined,
  ): Promise<Result> {
    const ready = isThenable(request) ? await untilAborted(request, signal) : request;
    throwIfAborted(signal);
    const events = ready.types.length;
    await gate?.enter(events, signal);
    try {
      return await this.#appender().append(ready, signal, pick);
    } finally {
      gate?.leave(events);
    }
  }
}

function requestOf(call: GivenCall, options: SubmitOptions): AppendRequest {
  const request = encodeCall(call, options, Date.now());
  return options.rows === undefined ? request : { ...request, rows: options.rows };
}
