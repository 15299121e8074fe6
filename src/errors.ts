/**
 * The one error class of varvebus and the closed union of its codes.
 *
 * Codes and `detail` are API and follow semver; messages are for people and may change in any release.
 */

/** What each code carries in `detail`. */
export interface ErrorDetails {
  /** An append expected another version of `stream`. Nothing was written. Reload and decide again; `actual` is what is stored. */
  CONCURRENCY_CONFLICT: {
    readonly stream: string;
    readonly expected: number | 'no-stream' | 'stream-exists';
    readonly actual: number;
  };
  /** A stream name is empty, too long, not well-formed, has control characters, or starts with `$`. */
  STREAM_NAME_INVALID: { readonly stream: string };
  /** An event can't be stored as given: its type, id, or a value at `path` in data or metadata. `index` is its place in the call. */
  EVENT_INVALID: { readonly index: number; readonly path: string };
  /** An event or a call is larger than a limit (see limits). */
  EVENT_TOO_LARGE: {
    readonly limit: 'eventBytesMax' | 'callEventsMax' | 'callBytesMax';
    readonly max: number;
    readonly actual: number;
  };
  /**
   * Data of an event is not what the schema of its type asks for: `issues`, the first 100, say where and why. Nothing was
   * written. `cause` is what the schema threw, if it did. `index` is the event's place in the call.
   */
  SCHEMA_INVALID: {
    readonly index: number;
    readonly type: string;
    readonly issues: readonly { readonly path: string; readonly message: string }[];
  };
  /** A call without events. */
  APPEND_EMPTY: { readonly stream: string | undefined };
  /** The idempotency key was used before for other content. Nothing was written. */
  IDEMPOTENCY_KEY_REUSED: { readonly key: string; readonly firstPosition: number };
  /** Another writer holds the store. `holder` describes it, where known. */
  STORE_LOCKED: { readonly path: string; readonly holder: string | undefined };
  /** Another writer took the store over while this bus was open. Nothing was written; this bus takes no more appends. */
  WRITER_FENCED: { readonly path: string };
  /** There is no store at `path` and this open may not create one. */
  STORE_NOT_FOUND: { readonly path: string };
  /** The files are not a varvebus store, or of a format this release does not know. */
  STORE_FORMAT: { readonly path: string | undefined; readonly found: number | undefined; readonly supported: number };
  /** A checksum or a structure is wrong. `position` where it is known, `table` always. */
  STORE_CORRUPT: { readonly table: string; readonly position: number | undefined };
  /** No space. Nothing was written and the bus stays open. */
  STORE_FULL: { readonly path: string };
  /** A commit failed otherwise: what was in flight has an unknown outcome, and this bus takes no more appends. */
  STORE_FAILED: { readonly path: string };
  /** The store can't be written (or not even its lock file, without which reading is unsafe), or the bus was opened read-only. */
  STORE_READ_ONLY: { readonly path: string };
  /** The bus was closed. */
  STORE_CLOSED: { readonly path: string };
  /** What the store holds is encrypted, or an event names a subject, and no `encryption` was given. Nothing was read or written. */
  MASTER_KEY_REQUIRED: { readonly path: string };
  /** The master key does not open the store's keys: it is another one's, or an old one. Nothing was read or written. */
  MASTER_KEY_WRONG: { readonly path: string };
  /**
   * What is sealed does not open: it, or what goes with it, was changed or moved, or its key never was this store's. `position`
   * of the event; `undefined` for a row of `table`.
   */
  DECRYPTION_FAILED: { readonly table: string; readonly position: number | undefined };
  /** The key of the stream, or of the subject, was erased: nothing is sealed under this name unless `newKeyGeneration` says so. Nothing was written. */
  KEY_ERASED: { readonly stream: string | undefined; readonly subject: string | undefined };
  /** The ledger of erasures was changed, or cut short, is another store's, or can't be read (`cause`). Nothing was erased, and the store was not opened. */
  LEDGER_INVALID: { readonly reason: 'damaged' | 'other-store' | 'unreadable' };
  /** `signal` was aborted (`cause` is its reason). `unknown`: the append had been handed over already. */
  ABORTED: { readonly outcome: 'nothing-written' | 'unknown' };
  /** A cursor is not where the move of it expected it. Nothing was written. `actual` is undefined where there is none. */
  CURSOR_MOVED: {
    readonly name: string;
    readonly expected: { readonly position: number; readonly generation: number } | undefined;
    readonly actual: { readonly position: number; readonly generation: number } | undefined;
  };
  /** A processor of this name exists on the bus already. */
  PROCESSOR_NAME_TAKEN: { readonly processor: string };
  /** A processor gave up at `position` after `attempts` tries; `cause` is the last error. */
  PROCESSOR_FAILED: { readonly processor: string; readonly position: number; readonly attempts: number };
  /** A processor that runs has been at `position`, `lag` events behind the head, for `stalledMs`. It goes on trying. */
  PROCESSOR_STALLED: {
    readonly processor: string;
    readonly position: number;
    readonly lag: number;
    readonly stalledMs: number;
  };
  /** A processor was stopped, so what was waited for does not come. */
  PROCESSOR_STOPPED: { readonly processor: string };
  /**
   * A snapshot of an aggregate could not be used, or not be made (`'too-large'`), and events were folded instead. Only
   * reported on `errors$`. `'version'`: it is of another `snapshot.version`; `'ahead'`: of a later version than the stream's.
   */
  SNAPSHOT_IGNORED: {
    readonly aggregate: string;
    readonly stream: string;
    readonly reason: 'damaged' | 'version' | 'incarnation' | 'ahead' | 'too-large';
  };
  /**
   * The `status` file, from which other processes learn what this bus does, can't be written; `cause` is why. Only reported on
   * `errors$`, once until it can be written again. Nothing else depends on it.
   */
  STATUS_UNWRITTEN: { readonly path: string };
  /** A processor's handler took longer than `timeoutMs`. */
  HANDLER_TIMEOUT: { readonly processor: string; readonly timeoutMs: number };
  /** The thread that a processor's handler ran in ended under it; `cause` is why. */
  HANDLER_FAILED: { readonly processor: string; readonly module: string };
  /** The module of a processor's handler can't be loaded, or does not export one handler; `cause` says it. */
  HANDLER_INVALID: { readonly processor: string; readonly module: string };
  /** A processor passed `count` events without having handled them, the first at `position`; `cause` is why. */
  EVENT_GIVEN_UP: {
    readonly processor: string;
    readonly position: number;
    readonly count: number;
    readonly how: 'skip' | 'dead-letter' | 'park-stream';
  };
  /** A processor keeps as many dead letters, or parked events, as it may: it goes no further. */
  DEAD_LETTERS_FULL: { readonly processor: string; readonly max: number };
  /** While a range was read page by page, another build of the projection took over: the rest would not fit. Read it again. */
  PROJECTION_SWITCHED: { readonly projection: string };
  /** So many timers are pending that no more are taken. Nothing was written. */
  TIMERS_FULL: { readonly max: number };
  /** A query's module, or the worker it ran in, failed; `cause` is what it threw. */
  QUERY_FAILED: { readonly module: string; readonly export: string };
  /** A statechart has more than can be drawn, or its layout takes longer than `chartLayoutMsMax` milliseconds. */
  CHART_TOO_LARGE: {
    readonly limit: 'chartStatesMax' | 'chartTransitionsMax' | 'chartEdgesMax' | 'chartLayoutMsMax';
    readonly max: number;
  };
  /** This engine or file system can't do what was asked. */
  UNSUPPORTED: { readonly feature: string };
  /** A bug in varvebus: an assertion failed. */
  INTERNAL_BUG: { readonly assertion: string };
}

/** All error codes. */
export type ErrorCode = keyof ErrorDetails;

/** Every failure a caller may want to handle. Branch on `code`: two copies of the package break `instanceof`. */
export class BusError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'BusError';
  /** What failed. */
  readonly code: C;
  /** The values of the failure, typed by `code`. */
  readonly detail: ErrorDetails[C];

  constructor(code: C, message: string, detail: ErrorDetails[C], options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.detail = detail;
  }
}

/** Narrows `error` to a {@link BusError} of `code`, also across two copies of the package. */
export function isBusError<C extends ErrorCode>(error: unknown, code: C): error is BusError<C> {
  return error instanceof Error && error.name === 'BusError' && (error as { code?: unknown }).code === code;
}
