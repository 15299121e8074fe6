/**
 * What a handler is given beside its events, and what it may answer.
 *
 * One object for each call: what a handler keeps of it after its call has ended speaks of that call still.
 */

import type { AnyEvent, AppendResult, EventShape, Metadata, NewEvent, StoredEvent } from '../src/types.ts';
import type { Logger } from './logger.ts';
import { dayMs, isWithin } from './option-checks.ts';

/** What a handler may answer instead of being done: made by its context, to be returned. */
export class HandlerAnswer {
  readonly kind: 'retry' | 'skip' | 'dead-letter' | 'stop';
  readonly reason: string;
  /** Milliseconds, for `'retry'`. */
  readonly inMs: number | undefined;

  /** @internal */
  constructor(kind: HandlerAnswer['kind'], reason: string, inMs?: number) {
    this.kind = kind;
    this.reason = reason;
    this.inMs = inMs;
  }
}

export interface HandlerAppendOptions {
  /** What the new events follow from. Required in `handleBatch`, where it is one of the batch. @default the event handled */
  readonly cause?: StoredEvent;
  /** For every event; an event's own goes over it, and it over what is carried on from the cause. */
  readonly metadata?: Metadata;
}

/** What a handler is told beside its events, and what it may do. */
export interface HandlerContext<Events extends EventShape = AnyEvent> {
  /** Aborted when nobody waits for this call any more: its outcome is not recorded, and its events come again. */
  readonly signal: AbortSignal;
  /** 1, and one more each time the same event comes again after a failure. */
  readonly attempt: number;
  /** Of the event; of a batch, that of its first one. */
  readonly position: number;
  /** The bus' logger; what it writes names the processor, the position and the attempt. */
  readonly logger: Logger;
  /**
   * Appends what follows from the event, once, however often the event is handled in one generation of the cursor: the call
   * is known by processor, generation, position, and its place among the calls of this kind, and the first one counts, also
   * where a later one brings other content. It is remembered for `idempotencyTtlMs`, like any idempotency key.
   * `metadata` carries on `correlationId` (or begins it with the id of the cause), `traceparent` and `tracestate` of the
   * cause, and names the cause as `causationId`. @throws as `bus.append`
   */
  append(
    stream: string,
    events: NewEvent<Events> | readonly NewEvent<Events>[],
    options?: HandlerAppendOptions,
  ): Promise<AppendResult>;
  /** To be returned: call me again in `ms`. It counts as a failed attempt. Milliseconds, 0 to 86,400,000. */
  retryIn(ms: number): HandlerAnswer;
  /** To be returned: pass this event. It is counted and reported. */
  skip(reason: string): HandlerAnswer;
  /** To be returned: put this event to the dead letters. */
  deadLetter(reason: string): HandlerAnswer;
  /** To be returned: stop the processor; this event comes first when it is started again. */
  stop(reason?: string): HandlerAnswer;
}

/** An append of a handler, with all that makes it known again. */
export interface HandlerAppend {
  readonly cause: StoredEvent;
  /** Which append of this cause it is: 0, 1, 2 … */
  readonly ordinal: number;
  readonly stream: string;
  readonly events: NewEvent | readonly NewEvent[];
  readonly metadata: Metadata | undefined;
}

/** What all calls of one round share. */
export interface CallScope {
  readonly signal: AbortSignal;
  readonly append: (append: HandlerAppend) => Promise<AppendResult>;
  readonly logger: (position: number, attempt: number) => Logger;
}

/** Its members work when taken out of it: `(event, { append, skip }) => …`. */
export class CallContext implements HandlerContext {
  readonly attempt: number;
  readonly position: number;
  readonly #scope: CallScope;
  /** `undefined`: a batch, which has no one cause. */
  readonly #event: StoredEvent | undefined;
  #ordinals: Map<number, number> | undefined;

  constructor(scope: CallScope, attempt: number, position: number, event: StoredEvent | undefined) {
    this.#scope = scope;
    this.attempt = attempt;
    this.position = position;
    this.#event = event;
  }

  get signal(): AbortSignal {
    return this.#scope.signal;
  }

  get logger(): Logger {
    return this.#scope.logger(this.position, this.attempt);
  }

  get append(): HandlerContext['append'] {
    return (stream, events, options = {}) => this.#append(stream, events, options);
  }

  get retryIn(): HandlerContext['retryIn'] {
    return retryIn;
  }

  get skip(): HandlerContext['skip'] {
    return skip;
  }

  get deadLetter(): HandlerContext['deadLetter'] {
    return deadLetter;
  }

  get stop(): HandlerContext['stop'] {
    return stop;
  }

  async #append(
    stream: string,
    events: NewEvent | readonly NewEvent[],
    { cause = this.#event, metadata }: HandlerAppendOptions,
  ): Promise<AppendResult> {
    if (cause === undefined) {
      throw new TypeError(
        'append in handleBatch needs { cause }: the event of the batch that the new ones follow from',
      );
    }
    this.#ordinals ??= new Map();
    const ordinal = this.#ordinals.get(cause.position) ?? 0;
    this.#ordinals.set(cause.position, ordinal + 1);
    return this.#scope.append({ cause, ordinal, stream, events, metadata });
  }
}

function retryIn(ms: number): HandlerAnswer {
  if (!isWithin(ms, 0, dayMs)) {
    throw new TypeError(`retryIn takes 0 to 86400000 (milliseconds), got ${String(ms)}`);
  }
  return new HandlerAnswer('retry', `the handler asked to be called again in ${ms} ms`, ms);
}

function skip(reason: string): HandlerAnswer {
  return new HandlerAnswer('skip', String(reason));
}

function deadLetter(reason: string): HandlerAnswer {
  return new HandlerAnswer('dead-letter', String(reason));
}

function stop(reason = 'the handler asked for it'): HandlerAnswer {
  return new HandlerAnswer('stop', String(reason));
}
