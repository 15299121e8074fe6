/**
 * The types a user of varvebus meets: events, options and results.
 *
 * Positions and versions are safe integers that start at 1. `from` and `to` are inclusive; `after` is exclusive.
 */

/** One member of a user's event union: a `type` with the shape of its `data`. */
export interface EventShape {
  readonly type: string;
  readonly data?: unknown;
}

/** Events of any type with any data: what a bus holds when its union is not named. */
export interface AnyEvent extends EventShape {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: without a union the caller alone knows what data is
  readonly data?: any;
}

/** Facts about an event beside its data: who, why, from where. */
export type Metadata = Readonly<Record<string, unknown>>;

/** An event as it is given to `append`. A union of shapes makes `data` follow from `type`. */
export type NewEvent<Events extends EventShape = AnyEvent> = Events extends EventShape
  ? {
      readonly type: Events['type'];
      /** A UUIDv7 by default. Not deduplicated: that is what `idempotencyKey` is for. 1 to 256 bytes. */
      readonly id?: string;
      readonly metadata?: Metadata;
      /**
       * Whom it is about: data and metadata are sealed with a key of this person's, which `erase({ subject })` destroys in all
       * streams. The name itself is not kept. 1 to 512 bytes. Needs `encryption`.
       */
      readonly subject?: string;
    } & (undefined extends Events['data'] ? { readonly data?: Events['data'] } : { readonly data: Events['data'] })
  : never;

/**
 * An event as it is read: a plain object of these eight properties. `data` and `metadata` are decoded when first touched;
 * until then the event keeps its block (4 KiB, or its own size if larger) in memory: see `detach`.
 */
export type StoredEvent<Events extends EventShape = AnyEvent> = Events extends EventShape
  ? {
      readonly id: string;
      readonly stream: string;
      /** Place in its stream: 1, 2, 3 … */
      readonly version: number;
      /** Place in the store: 1, 2, 3 … */
      readonly position: number;
      readonly type: Events['type'];
      readonly data: Events['data'];
      readonly metadata: Metadata | undefined;
      /** When the writer committed it: milliseconds since 1970, never less than that of an earlier event. */
      readonly timeMs: number;
      /** There, and true, when its key was erased: then data and metadata are `undefined`. */
      readonly erased?: true;
    }
  : never;

/** `'any'`: no check. A number: the stream is at that version; 0 is the same as `'no-stream'`. */
export type ExpectedVersion = number | 'any' | 'no-stream' | 'stream-exists';

/** `'sync'`: on disk when the append resolves. `'os'`: with the operating system; a power cut may damage the whole store. */
export type Durability = 'sync' | 'os';

/** Oldest first, or newest first. */
export type Direction = 'forward' | 'backward';

export interface AppendOptions {
  /** @default 'any' */
  readonly expectedVersion?: ExpectedVersion;
  /** Makes a retry safe: the same key with the same content gives the first result again. 1 to 512 bytes. */
  readonly idempotencyKey?: string;
  /** For every event of the call; an event's own metadata goes over it, key by key. */
  readonly metadata?: Metadata;
  /** Makes a new key for a stream, or subject, that was erased: otherwise an append to it is refused. @default false */
  readonly newKeyGeneration?: boolean;
  /** Ends the wait of an append that is not handed over to the writer yet; then nothing is written. */
  readonly signal?: AbortSignal;
}

export interface AppendManyOptions {
  /** As in {@link AppendOptions}, for the whole call. */
  readonly idempotencyKey?: string;
  /** As in {@link AppendOptions}. */
  readonly metadata?: Metadata;
  /** As in {@link AppendOptions}. */
  readonly newKeyGeneration?: boolean;
  /** As in {@link AppendOptions}. */
  readonly signal?: AbortSignal;
}

export interface PublishOptions {
  /** @default 'messages' */
  readonly stream?: string;
  /** As in {@link AppendOptions}. */
  readonly metadata?: Metadata;
  /** As in {@link AppendOptions}; also ends a wait for listeners that block. */
  readonly signal?: AbortSignal;
}

/** The part of an `appendMany` that goes to one stream. */
export interface StreamAppend<Events extends EventShape = AnyEvent> {
  readonly stream: string;
  readonly events: NewEvent<Events> | readonly NewEvent<Events>[];
  /** @default 'any' */
  readonly expectedVersion?: ExpectedVersion;
}

/** Where the events of an append are. */
export interface AppendResult {
  readonly stream: string;
  readonly firstVersion: number;
  readonly lastVersion: number;
  readonly firstPosition: number;
  readonly lastPosition: number;
  /** True when the idempotency key was known: these are the places of the first append, and nothing was written. */
  readonly duplicate: boolean;
}

/** Which events a read or a subscription gives. Several conditions must all hold. */
export interface EventFilter<Type extends string = string> {
  /** Any of these types. */
  readonly types?: readonly Type[];
  /** Any of these streams. */
  readonly streams?: readonly string[];
  /** Streams whose name starts with this. */
  readonly prefix?: string;
}

export interface ReadOptions<Type extends string = string> extends EventFilter<Type> {
  /** First position, inclusive. @default 1 */
  readonly from?: number;
  /** Last position, inclusive. @default the head when the iteration starts */
  readonly to?: number;
  /** @default 'forward' */
  readonly direction?: Direction;
  /** Most events. @default no limit */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

export interface ReadStreamOptions {
  /** First version, inclusive. @default 1 */
  readonly from?: number;
  /** Last version, inclusive. @default the stream's version when the iteration starts */
  readonly to?: number;
  /** @default 'forward' */
  readonly direction?: Direction;
  /** Most events. @default no limit */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

export interface SubscribeOptions<Type extends string = string> extends EventFilter<Type> {
  /** Position to start behind. @default 0, the beginning */
  readonly after?: number;
  /** Ends the subscription. */
  readonly signal?: AbortSignal;
}

export interface StreamsOptions {
  /** Streams whose name starts with this. */
  readonly prefix?: string;
  /** Name to start behind, in byte order. */
  readonly after?: string;
  /** Most streams. @default no limit */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** When a timer is due: at a time (a Date, or milliseconds since 1970), or so many milliseconds from now: 0 to ten years. */
export type TimerDue =
  | { readonly at: Date | number; readonly delayMs?: never }
  | { readonly delayMs: number; readonly at?: never };

export type ScheduleOptions = TimerDue & {
  /**
   * Names the timer: a pending one of the same key is replaced, in one transaction. 1 to 512 bytes. @default a new UUID
   */
  readonly key?: string;
  /** For the event; its own metadata goes over it, key by key. */
  readonly metadata?: Metadata;
  /** Ends the wait for the timer to be durable; nothing is written if its turn has not come by then. */
  readonly signal?: AbortSignal;
};

/** A timer that is on disk. */
export interface ScheduledTimer {
  /** For `cancelTimer`, or to replace it. */
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly dueMs: number;
  /** A pending timer of the same key went for it. */
  readonly replaced: boolean;
}

export interface CancelTimerOptions {
  /** Ends the wait for the removal to be durable; nothing is written if its turn has not come by then. */
  readonly signal?: AbortSignal;
}

export interface TimersOptions {
  /** Due at this time or later. @default the first */
  readonly from?: Date | number;
  /** Due at this time or earlier. @default the last */
  readonly to?: Date | number;
  /** Most timers. @default no limit */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** A timer that has not fired yet. The event it will append has its `id` already. */
export type PendingTimer<Events extends EventShape = AnyEvent> = Events extends EventShape
  ? {
      readonly key: string;
      /** Milliseconds since 1970. */
      readonly dueMs: number;
      /** When `schedule` was called: milliseconds since 1970. */
      readonly scheduledMs: number;
      readonly stream: string;
      readonly type: Events['type'];
      readonly id: string;
      readonly data: Events['data'];
      readonly metadata: Metadata | undefined;
    }
  : never;

/** The newest event of a stream. */
export interface StreamHead {
  readonly version: number;
  readonly lastPosition: number;
}

/** One row of `streams()`. */
export interface StreamInfo extends StreamHead {
  readonly stream: string;
}

/** What is read one by one, or page by page: a page is an array of at most 1024, and never empty. Each iteration starts anew. */
export interface Pages<Item> extends AsyncIterable<Item> {
  pages(): AsyncIterable<Item[]>;
}

/** The members of `Events` with one of the types `Type`. */
export type EventsOfType<Events extends EventShape, Type extends string> = Events extends EventShape
  ? [Extract<Events['type'], Type>] extends [never]
    ? string extends Events['type']
      ? Events
      : never
    : Events
  : never;

/** What an engine can do. */
export interface Capabilities {
  readonly engine: string;
  /** What an acknowledged append survives: `'none'` is the memory of this process. */
  readonly durability: Durability | 'none';
  /** Other processes can open the store read-only while it is written. */
  readonly processes: boolean;
  /** Other threads of this process can read the store. */
  readonly threads: boolean;
  readonly readOnly: boolean;
}
