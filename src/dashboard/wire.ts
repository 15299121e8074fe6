/**
 * What the server of the dashboard and its page say to each other. Types only: both sides are compiled with them.
 *
 * The page asks with GET for what it shows once, and has one stream of server-sent events for what moves; it orders with POST.
 * All paths are relative to the base path.
 *
 *     GET  api/live?topic=store&topic=processors…       frames, {@link Frame}
 *     GET  api/charts/<chart>                            {@link Chart}; 'processor', 'bus', 'machine:<id>'
 *     GET  api/streams?prefix=&after=&limit=             {@link StreamsPage}
 *     GET  api/events?stream=&prefix=&type=&from=&to=&direction=&limit=     {@link EventsPage}
 *     GET  api/events/<position>                         {@link EventDetail}
 *     GET  api/events/<position>/links?from=             {@link EventLinks}
 *     GET  api/processors/<name>/preview?action=reset&to=0    {@link Preview}
 *     POST api/processors/<name>/<action>                body {@link ActionOrder}; answers {@link ActionDone}
 *     GET  api/processors/<name>/letters?state=&stream=&type=&after=&limit=    {@link LettersPage}
 *     GET  api/processors/<name>/letters/<position>      {@link LetterDetail}
 *     POST api/processors/<name>/letters/<retry|discard> body {@link LetterOrder}; answers {@link ActionDone}
 *     GET  api/projections/<name>?from=&limit=           {@link EntriesPage}
 *
 * Of events with `stream`, `from`, `to` and `next` are versions, otherwise positions; a page of a search, of letters too, may have
 * few rows, or none, and a `next` all the same. Links with `from` are looked for from there back instead of from the event. A page of
 * entries with `limit=1` shows more of a long value.
 *
 * A failure answers {@link Failure} with its HTTP status. POST needs the header `x-varvebus: 1` and `content-type: application/json`.
 */
import type {
  ActorImage,
  FailureImage,
  LaneImage,
  ProcessorImage,
  StateChange,
  Transition,
} from '../../actors/bus-status.ts';

/** Times are milliseconds since 1970. */
type Ms = number;

/** `store`, `processors`, `actors`, `projections`, `machines`, `tail`; of one: `processor:<name>`, `machine:<id>`. */
export type TopicName = string;

/** The first frame of a topic has all its keys (`{}` without any), each later one what has changed: at most twenty a second. */
export interface Frame {
  readonly atMs: Ms;
  /** By topic, then key. `null`: the key is gone. */
  readonly set: Readonly<Record<TopicName, Readonly<Record<string, unknown>>>>;
}

/** Topic `store`. */
export interface StoreTopic {
  readonly about: About;
  readonly head: number;
  /** `'absent'`: no process has the store open for writing (`varvebus ui`). */
  readonly state: string;
  readonly rates: Rates;
  /** One value a second, oldest first, at most 120. */
  readonly history: {
    readonly append: readonly number[];
    readonly read: readonly number[];
    readonly commitMicros: readonly number[];
  };
  readonly file: FileFacts;
}

export interface About {
  readonly title: string;
  readonly path: string;
  readonly storeId: string;
  readonly durability: string;
  readonly encrypted: boolean;
  readonly version: string;
  /** `'app'`: the dashboard runs in the process that writes. `'file'`: beside it, read-only. */
  readonly source: 'app' | 'file';
  readonly pid?: number;
  readonly startedMs?: Ms;
  /** What may be ordered here, by whom this is sent to; empty where nothing may. */
  readonly actions: readonly ActionName[];
  readonly machines: readonly string[];
}

/** A second, in the last few seconds. */
export interface Rates {
  readonly append: number;
  readonly read: number;
  readonly commits: number;
  /** Of the commits of the last ten seconds that had any; absent without. */
  readonly commitMicrosP50?: number;
  readonly commitMicrosP99?: number;
}

export interface FileFacts {
  /** What the files take on disk. */
  readonly fileBytes: number;
  /** What LMDB has mapped. */
  readonly mapBytes: number;
  /** Bytes of pages in use, and of those that can be used again. */
  readonly usedBytes: number;
  readonly freeBytes: number;
  /** Slots of LMDB's reader table that are taken, of so many. */
  readonly readers: number;
  readonly readersMax: number;
  readonly indexedPosition: number;
}

/** Topic `processors`, by name: those that run in the app, and consumers that only have a cursor in the store (`'absent'`). */
export interface ProcessorRow {
  readonly name: string;
  readonly kind: 'processor' | 'projection';
  readonly state: string;
  readonly tags: readonly string[];
  readonly position: number;
  readonly lag: number;
  /** Events handled a second. */
  readonly rate: number;
  readonly handled: number;
  readonly attempts: number;
  readonly sinceMs: Ms;
  readonly nextRetryAt?: Ms;
  readonly lastError?: { readonly name: string; readonly code?: string; readonly message: string };
  readonly partitions: number;
  readonly deadLetters: number;
  readonly parked: number;
}

/** Topic `processor:<name>`. Lanes have keys of their own: `lane:0`, `lane:1` … Of one that does not run there is `row` only. */
export interface ProcessorTopic {
  readonly row: ProcessorRow;
  readonly image: Omit<ProcessorImage, 'lanes'>;
  readonly [lane: `lane:${number}`]: Omit<LaneImage, 'changes' | 'failures'>;
  /** Newest first, of all lanes. */
  readonly changes: readonly (StateChange & { readonly lane: number })[];
  readonly failures: readonly (FailureImage & { readonly lane: number })[];
}

/** Topic `actors`, by id. */
export interface ActorRow extends ActorImage {
  /** Messages a second. */
  readonly rate: number;
}

/** Topic `projections`, by name. */
export interface ProjectionRow {
  readonly name: string;
  readonly state: string;
  /** Of what is read. */
  readonly version?: number;
  readonly position: number;
  readonly lag: number;
  /** While a build is on its way. */
  readonly building?: { readonly version?: number; readonly position: number; readonly head: number };
}

/** Topic `machines`, by id; topic `machine:<id>` has it as `image`, and `changes`, newest first. */
export interface MachineImage {
  readonly id: string;
  readonly title: string;
  readonly status: string;
  readonly active: readonly string[];
  readonly transition?: Transition;
  readonly error?: string;
}
export interface MachineChange {
  readonly atMs: Ms;
  readonly event: string;
  readonly to: readonly string[];
}

/** Topic `tail`, by position: the newest, at most 200. */
export interface EventRow {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly id: string;
  readonly timeMs: Ms;
  readonly subject?: string;
  readonly sealed?: true;
  readonly erased?: true;
}

export interface EventsPage {
  readonly events: readonly EventRow[];
  /** The head when it was read. */
  readonly head: number;
  /** Where the next page begins; absent at the end. */
  readonly next?: number;
}

export interface EventDetail extends EventRow {
  /** JSON text, indented; cut when it is long. Absent when erased, or hidden by `redact`. */
  readonly data?: string;
  readonly metadata?: string;
  readonly cut?: true;
  readonly redacted?: true;
  readonly correlationId?: string;
  readonly causationId?: string;
}

/** Found in a bounded part of the log, newest first. */
export interface EventLinks {
  readonly cause?: EventRow;
  readonly effects: readonly EventRow[];
  readonly correlated: readonly EventRow[];
  readonly searchedFrom: number;
  readonly searchedTo: number;
}

export interface StreamsPage {
  readonly streams: readonly { readonly stream: string; readonly version: number; readonly lastPosition: number }[];
  readonly next?: string;
}

export interface LetterRow {
  readonly position: number;
  readonly state: string;
  readonly stream: string;
  readonly type: string;
  readonly attempts: number;
  readonly firstMs: Ms;
  readonly lastMs: Ms;
  readonly error?: { readonly name: string; readonly code?: string; readonly message: string };
  readonly isParked: boolean;
  readonly parkedBehind: number;
  readonly reason?: string;
}
export interface LettersPage {
  readonly letters: readonly LetterRow[];
  readonly next?: number;
}
export interface LetterDetail extends LetterRow {
  readonly stack?: string;
  readonly event: EventDetail;
}

export interface EntriesPage {
  /** A value is absent when it is hidden by `redactEntry`. */
  readonly entries: readonly {
    readonly key: string;
    readonly value?: string;
    readonly cut?: true;
    readonly redacted?: true;
  }[];
  readonly next?: string;
}

export type ActionName =
  | 'start'
  | 'stop'
  | 'pause'
  | 'resume'
  | 'retry'
  | 'skip'
  | 'reset'
  | 'rebuild'
  | 'retry-letters'
  | 'discard-letters';

/** The order of a processor's machine behind each action of a page; the others are no orders of it. */
export interface OrderOfAction {
  readonly start: 'START';
  readonly stop: 'STOP';
  readonly pause: 'PAUSE';
  readonly resume: 'RESUME';
  readonly retry: 'RETRY_NOW';
  readonly skip: 'SKIP';
  readonly reset: 'RESET';
}

/** `to`, `until`: of a reset. */
export interface ActionOrder {
  readonly to?: number;
  readonly until?: number;
}
/** What an action would do, for people, before it is confirmed. */
export interface Preview {
  readonly text: string;
  /** Events that would be handled again, or passed. */
  readonly events?: number;
  /** It was not counted to the end: at least so many. */
  readonly isAtLeast?: true;
}
export interface LetterOrder {
  readonly positions: readonly number[] | 'all';
  readonly reason?: string;
}
export interface ActionDone {
  readonly text: string;
}
export interface Failure {
  readonly error: { readonly code: string; readonly message: string };
}

/** A statechart with its places, in pixels. */
export interface Chart {
  readonly id: string;
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly ChartNode[];
  readonly edges: readonly ChartEdge[];
  /** For each path of a state of the machine the id of the node that stands for it. Choices that are left at once have none. */
  readonly nodeByPath: Readonly<Record<string, string>>;
  /** By rule left out, because an order causes them: shown as buttons. Same form, without places. */
  readonly orders: readonly { readonly from: string; readonly to: string; readonly events: readonly string[] }[];
}
export interface ChartNode {
  /** The path of its state: `'live.working'`. */
  readonly id: string;
  readonly parent?: string;
  readonly label: string;
  readonly kind: 'state' | 'compound' | 'parallel' | 'final' | 'history';
  readonly isInitial: boolean;
  readonly tags: readonly string[];
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
export interface ChartEdge {
  readonly from: string;
  readonly to: string;
  /** Types of the events that cause it, as the machine knows them. */
  readonly events: readonly string[];
  /** Of these, for people. */
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly labelBox?: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}
