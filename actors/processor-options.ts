/**
 * Options of a processor: their defaults, and the one place where they are checked.
 */
import { inspect } from 'node:util';
import { pageEventsMax } from '../src/limits.ts';
import { compileFilter } from '../src/log/event-filter.ts';
import { checkConsumerName } from '../src/names.ts';
import { refuseUnknownNames } from '../src/option-names.ts';
import type { AnyEvent, EventFilter, EventShape, EventsOfType, StoredEvent } from '../src/types.ts';
import type { Recorder } from './effects.ts';

/** What a handler is told beside its events. */
export interface HandlerContext {
  /** Aborted when nobody waits for this call any more: its outcome is not recorded, and its events come again. */
  readonly signal: AbortSignal;
  /** 1, and one more each time the same events come again after a failure. */
  readonly attempt: number;
}

/** When the cursor is saved, beside whenever the processor stops, pauses or has nothing to do for 50 ms. */
export interface CheckpointOptions {
  /** After this many handled events: what comes again after a crash, at most. 1 to 1,000,000. @default 16_384 */
  readonly events?: number;
  /** This long after an event was handled. Milliseconds, 1 to 3,600,000. @default 200 */
  readonly ms?: number;
}

/** How long to wait before what failed is tried again: `minMs * factor ** (failures - 1)`, at most `maxMs`. */
export interface RetryOptions {
  /** Tries after the first; then the processor is `failed`. A whole number from 0 on, or Infinity. @default 10 */
  readonly attempts?: number;
  /** Milliseconds, 0 to 86,400,000. @default 100 */
  readonly minMs?: number;
  /** Milliseconds, `minMs` to 86,400,000. @default 30_000 */
  readonly maxMs?: number;
  /** 1 to 100. @default 2 */
  readonly factor?: number;
  /** The share of a wait that is left to chance, so that not everybody comes back at once. 0 to 1. @default 0.5 */
  readonly jitter?: number;
}

/** What all processors have. */
export interface ProcessorCommonOptions<Type extends string> extends EventFilter<Type> {
  /** Names the cursor: 1 to 512 bytes, as a stream's name. One processor of a name runs at a time. */
  readonly name: string;
  /**
   * What comes first when there is no cursor of this name yet: the first event of the store, those after this start, or
   * the event at a position (a position beyond the head is the same as `'now'`). @default 'beginning'
   */
  readonly from?: 'beginning' | 'now' | number;
  /** Most events of one `handleBatch`, and of one page read. 1 to 1024. @default 1024 */
  readonly batch?: number;
  readonly checkpoint?: CheckpointOptions;
  readonly retry?: RetryOptions;
  /**
   * How long a stop, pause or reset waits for a handler before it goes on without it. Milliseconds, 0 to 3,600,000. No
   * handler of this name is called before the one left behind has settled: let yours heed its signal.
   * @default 10_000
   */
  readonly drainMs?: number;
}

/** Handles events one by one, in order; the next one waits for the promise, where there is one. */
export interface HandleEach<Event> {
  readonly handle: (event: Event, context: HandlerContext) => unknown;
  readonly handleBatch?: never;
}

/** Handles events batch by batch, in order: a batch that fails comes again, in the same or other bounds. */
export interface HandleBatch<Event> {
  readonly handle?: never;
  readonly handleBatch: (events: readonly Event[], context: HandlerContext) => unknown;
}

/** A durable consumer: its name, its handler, which events it wants, and how it saves and retries. */
export type ProcessorOptions<
  Events extends EventShape = AnyEvent,
  Type extends string = string,
> = ProcessorCommonOptions<Type> &
  (HandleEach<StoredEvent<EventsOfType<Events, Type>>> | HandleBatch<StoredEvent<EventsOfType<Events, Type>>>);

/** The user's code. */
export type Handler =
  | {
      readonly kind: 'each';
      readonly call: (event: StoredEvent, context: HandlerContext) => unknown;
      readonly recorder?: Recorder;
    }
  | { readonly kind: 'batch'; readonly call: (events: readonly StoredEvent[], context: HandlerContext) => unknown };

export interface ResolvedProcessorOptions {
  readonly name: string;
  readonly handler: Handler;
  readonly from: 'now' | number;
  readonly filter: EventFilter;
  readonly batch: number;
  readonly checkpoint: Required<CheckpointOptions>;
  readonly retry: Required<RetryOptions>;
  readonly drainMs: number;
}

const processorDefaults = Object.freeze({
  batch: 1024,
  checkpoint: Object.freeze({ events: 16_384, ms: 200 }),
  retry: Object.freeze({ attempts: 10, minMs: 100, maxMs: 30_000, factor: 2, jitter: 0.5 }),
  drainMs: 10_000,
} as const);

const optionNames: readonly (keyof ProcessorCommonOptions<string> | 'handle' | 'handleBatch')[] = [
  'name',
  'handle',
  'handleBatch',
  'from',
  'types',
  'streams',
  'prefix',
  'batch',
  'checkpoint',
  'retry',
  'drainMs',
];
const checkpointNames = Object.keys(processorDefaults.checkpoint);
const retryNames = Object.keys(processorDefaults.retry);

const dayMs = 24 * 3600 * 1000;
const hourMs = 3600 * 1000;

/** @throws {TypeError} naming the option, its range and what was given. */
export function resolveProcessorOptions<Events extends EventShape, Type extends string>(
  options: ProcessorOptions<Events, Type>,
): ResolvedProcessorOptions {
  refuseUnknownNames('processor', options, optionNames);
  checkConsumerName(options.name);
  const { name, from = 'beginning', batch = processorDefaults.batch, drainMs = processorDefaults.drainMs } = options;
  if (from !== 'beginning' && from !== 'now' && !isWhole(from, 1, Number.MAX_SAFE_INTEGER)) {
    throw wrong('from', "'beginning', 'now' or a position", from);
  }
  if (!isWhole(batch, 1, pageEventsMax)) throw wrong('batch', `1 to ${pageEventsMax}`, batch);
  if (!isWithin(drainMs, 0, hourMs)) throw wrong('drainMs', '0 to 3600000 (milliseconds)', drainMs);
  return {
    name,
    handler: resolveHandler(options as unknown as ProcessorOptions),
    from: from === 'beginning' ? 1 : from,
    filter: resolveFilter(options),
    batch,
    checkpoint: resolveCheckpoint(options.checkpoint),
    retry: resolveRetry(options.retry),
    drainMs,
  };
}

function resolveHandler(options: ProcessorOptions): Handler {
  const { handle, handleBatch } = options;
  if ((handle === undefined) === (handleBatch === undefined)) {
    throw new TypeError('a processor has either handle or handleBatch');
  }
  if (handle !== undefined) {
    if (typeof handle !== 'function') throw wrong('handle', 'a function', handle);
    return { kind: 'each', call: handle.bind(options) };
  }
  if (typeof handleBatch !== 'function') throw wrong('handleBatch', 'a function', handleBatch);
  return { kind: 'batch', call: handleBatch.bind(options) };
}

/** A copy, so that what the caller does to its arrays later changes nothing. */
function resolveFilter({ types, streams, prefix }: EventFilter): EventFilter {
  compileFilter({ types, streams, prefix } as EventFilter);
  return {
    ...(types !== undefined && { types: [...types] }),
    ...(streams !== undefined && { streams: [...streams] }),
    ...(prefix !== undefined && { prefix }),
  };
}

function resolveCheckpoint(given: CheckpointOptions = {}): Required<CheckpointOptions> {
  const checkpoint: Required<CheckpointOptions> = {
    ...processorDefaults.checkpoint,
    ...withValues('checkpoint', given, checkpointNames),
  };
  const { events, ms } = checkpoint;
  if (!isWhole(events, 1, 1_000_000)) throw wrong('checkpoint.events', '1 to 1000000', events);
  if (!isWithin(ms, 1, hourMs)) throw wrong('checkpoint.ms', '1 to 3600000 (milliseconds)', ms);
  return checkpoint;
}

function resolveRetry(given: RetryOptions = {}): Required<RetryOptions> {
  const retry: Required<RetryOptions> = { ...processorDefaults.retry, ...withValues('retry', given, retryNames) };
  const { attempts, minMs, maxMs, factor, jitter } = retry;
  if (attempts !== Number.POSITIVE_INFINITY && !isWhole(attempts, 0, Number.MAX_SAFE_INTEGER)) {
    throw wrong('retry.attempts', 'a whole number from 0 on, or Infinity', attempts);
  }
  if (!isWithin(minMs, 0, dayMs)) throw wrong('retry.minMs', '0 to 86400000 (milliseconds)', minMs);
  if (!isWithin(maxMs, minMs, dayMs)) throw wrong('retry.maxMs', 'retry.minMs to 86400000 (milliseconds)', maxMs);
  if (!isWithin(factor, 1, 100)) throw wrong('retry.factor', '1 to 100', factor);
  if (!isWithin(jitter, 0, 1)) throw wrong('retry.jitter', '0 to 1', jitter);
  return retry;
}

/** Those of the nested options `what` that have a value. */
function withValues<Options extends object>(what: string, given: Options, names: readonly string[]): Partial<Options> {
  if (typeof given !== 'object' || given === null) throw wrong(what, 'an object', given);
  refuseUnknownNames(what, given, names);
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<Options>;
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && isWithin(value, least, most);
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most;
}

function wrong(option: string, range: string, value: unknown): TypeError {
  return new TypeError(`${option} must be ${range}, got ${inspect(value)}`);
}
