/**
 * Options of a processor: their defaults, and the one place where they are checked.
 */
import { pageEventsMax, partitionsMax } from '../src/limits.ts';
import { compileFilter, type LogFilter } from '../src/log/event-filter.ts';
import { type Partition, partitionCursorName } from '../src/log/partitions.ts';
import { checkConsumerName } from '../src/names.ts';
import { refuseUnknownNames } from '../src/option-names.ts';
import type { AnyEvent, EventFilter, EventShape, EventsOfType, StoredEvent } from '../src/types.ts';
import type { Recorder } from './effects.ts';
import { type ErasedEvents, resolveErased } from './erased-events.ts';
import { type FailureOptions, type FailurePolicy, failureOptionNames, resolveFailurePolicy } from './failure-policy.ts';
import type { HandlerContext } from './handler-context.ts';
import {
  type MonitorOptions,
  type MonitorPolicy,
  monitorOptionNames,
  resolveMonitorPolicy,
} from './monitor-options.ts';
import { fileUrl, hourMs, isWhole, isWithin, withValues, wrong } from './option-checks.ts';

/** When the cursor is saved, beside whenever the processor stops, pauses or has nothing to do for 50 ms. */
export interface CheckpointOptions {
  /** After this many handled events: what comes again after a crash, at most. 1 to 1,000,000. @default 16_384 */
  readonly events?: number;
  /** This long after an event was handled. Milliseconds, 1 to 3,600,000. @default 200 */
  readonly ms?: number;
}

/** What all processors have. */
export interface ProcessorCommonOptions<Type extends string> extends EventFilter<Type>, FailureOptions, MonitorOptions {
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
  /**
   * Whether the handler gets events whose key was erased: without data, with `erased: true`. Otherwise they are passed, and
   * counted. @default 'skip'
   */
  readonly erased?: ErasedEvents;
  /**
   * How long a stop, pause or reset waits for a handler before it goes on without it. Milliseconds, 0 to 3,600,000. No
   * handler of this name is called before the one left behind has settled: let yours heed its signal.
   * @default 10_000
   */
  readonly drainMs?: number;
  /**
   * So many cursors share the work, each with the streams whose name hashes to it (FNV-1a, 32 bit, of its UTF-8 bytes,
   * modulo `partitions`): as many handlers run at a time, the events of one stream stay in order, and one partition that
   * fails stops no other. Another number later is safe: all begin again at the lowest of the cursors. 1 to 256. @default 1
   */
  readonly partitions?: number;
}

/** Handles events one by one, in order; the next one waits for the promise, where there is one. */
export interface HandleEach<Event, Events extends EventShape = AnyEvent> {
  readonly handle: (event: Event, context: HandlerContext<Events>) => unknown;
  readonly handleBatch?: never;
  readonly handler?: never;
}

/** Handles events batch by batch, in order: a batch that fails comes again, in the same or other bounds. */
export interface HandleBatch<Event, Events extends EventShape = AnyEvent> {
  readonly handle?: never;
  readonly handler?: never;
  readonly handleBatch: (events: readonly Event[], context: HandlerContext<Events>) => unknown;
}

/** Handles events in a reader thread, by the `handle` or `handleBatch` that a module exports. */
export interface HandleInThread {
  readonly handle?: never;
  readonly handleBatch?: never;
  /**
   * A file: URL, like `new URL('./handler.js', import.meta.url)`, of a module that exports either `handle` (an
   * {@link EventHandler}) or `handleBatch` (a {@link BatchHandler}). It is loaded once for each thread, and runs in any of them.
   */
  readonly handler: URL | string;
}

/**
 * Type of the `handle` that a handler's module exports. `Events` is the union of the bus' events, `Type` what the processor wants.
 *
 * @example
 * export const handle: EventHandler<OrderEvent, 'Placed'> = async (event, { append }) => {
 *   await append(`invoice-${event.data.order}`, { type: 'Invoiced', data: invoiceOf(event.data) });
 * };
 */
export type EventHandler<Events extends EventShape = AnyEvent, Type extends string = string> = HandleEach<
  StoredEvent<EventsOfType<Events, Type>>,
  Events
>['handle'];

/** Type of the `handleBatch` that a handler's module exports, as {@link EventHandler}. */
export type BatchHandler<Events extends EventShape = AnyEvent, Type extends string = string> = HandleBatch<
  StoredEvent<EventsOfType<Events, Type>>,
  Events
>['handleBatch'];

/** A durable consumer: its name, its handler, which events it wants, and how it saves and retries. */
export type ProcessorOptions<
  Events extends EventShape = AnyEvent,
  Type extends string = string,
> = ProcessorCommonOptions<Type> &
  (
    | HandleEach<StoredEvent<EventsOfType<Events, Type>>, Events>
    | HandleBatch<StoredEvent<EventsOfType<Events, Type>>, Events>
    | HandleInThread
  );

/** The user's code: functions of this thread, or the URL of a module. */
export type Handler = LocalHandler | { readonly kind: 'module'; readonly module: string };

export type LocalHandler =
  | {
      readonly kind: 'each';
      readonly call: (event: StoredEvent, context: HandlerContext) => unknown;
      readonly recorder?: Recorder;
    }
  | { readonly kind: 'batch'; readonly call: (events: readonly StoredEvent[], context: HandlerContext) => unknown };

export interface ResolvedProcessorOptions extends FailurePolicy, MonitorPolicy {
  readonly name: string;
  /** `name`, but for partitions: each has a cursor of its own. */
  readonly cursorName: string;
  readonly handler: Handler;
  readonly from: 'now' | number;
  readonly filter: LogFilter;
  /** 0: none, and never had any; so a projection's. */
  readonly partitions: number;
  /** Where these are the options of one of them. */
  readonly partition: Partition | undefined;
  readonly batch: number;
  readonly checkpoint: Required<CheckpointOptions>;
  readonly erased: ErasedEvents;
  readonly drainMs: number;
}

const processorDefaults = Object.freeze({
  batch: 1024,
  checkpoint: Object.freeze({ events: 16_384, ms: 200 }),
  drainMs: 10_000,
  partitions: 1,
} as const);

const optionNames: readonly (keyof ProcessorCommonOptions<string> | 'handle' | 'handleBatch' | 'handler')[] = [
  'name',
  'handle',
  'handleBatch',
  'handler',
  'from',
  'types',
  'streams',
  'prefix',
  'batch',
  'checkpoint',
  'erased',
  'drainMs',
  'partitions',
  ...failureOptionNames,
  ...monitorOptionNames,
];
const checkpointNames = Object.keys(processorDefaults.checkpoint);

/** @throws {TypeError} naming the option, its range and what was given. */
export function resolveProcessorOptions<Events extends EventShape, Type extends string>(
  options: ProcessorOptions<Events, Type>,
): ResolvedProcessorOptions {
  refuseUnknownNames('processor', options, optionNames);
  checkConsumerName(options.name);
  const { name, from = 'beginning' } = options;
  const { batch = processorDefaults.batch, drainMs = processorDefaults.drainMs } = options;
  const { partitions = processorDefaults.partitions } = options;
  if (from !== 'beginning' && from !== 'now' && !isWhole(from, 1, Number.MAX_SAFE_INTEGER)) {
    throw wrong('from', "'beginning', 'now' or a position", from);
  }
  if (!isWhole(batch, 1, pageEventsMax)) throw wrong('batch', `1 to ${pageEventsMax}`, batch);
  if (!isWithin(drainMs, 0, hourMs)) throw wrong('drainMs', '0 to 3600000 (milliseconds)', drainMs);
  if (!isWhole(partitions, 1, partitionsMax)) throw wrong('partitions', `1 to ${partitionsMax}`, partitions);
  return {
    name,
    cursorName: name,
    partitions,
    partition: undefined,
    handler: resolveHandler(options as unknown as ProcessorOptions),
    from: from === 'beginning' ? 1 : from,
    filter: resolveFilter(options),
    batch,
    checkpoint: resolveCheckpoint(options.checkpoint),
    erased: resolveErased(options.erased),
    drainMs,
    ...resolveFailurePolicy(options),
    ...resolveMonitorPolicy(options),
  };
}

/** The options of each partition. */
export function partitionOptions(options: ResolvedProcessorOptions): ResolvedProcessorOptions[] {
  const { name, filter, partitions: of } = options;
  return Array.from({ length: of }, (_, index) => {
    const partition = { index, of };
    const cursorName = partitionCursorName(name, partition);
    return { ...options, cursorName, partition, filter: { ...filter, partition } };
  });
}

function resolveHandler(options: ProcessorOptions): Handler {
  const { handle, handleBatch, handler } = options;
  if ([handle, handleBatch, handler].filter((one) => one !== undefined).length !== 1) {
    throw new TypeError('a processor has either handle, or handleBatch, or handler');
  }
  if (handler !== undefined) return { kind: 'module', module: fileUrl('handler', handler) };
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
