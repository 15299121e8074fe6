/**
 * The bus: what a user holds. Puts store, writer and watch together, and owns the order in which they start and stop.
 *
 * Every method checks its arguments, then hands over: appends to the writer's host, reads to pages of the log, waiting to
 * the watch. Holds no state of the log itself.
 */
import { inspect } from 'node:util';
import type { Observable } from 'rxjs';
import { BusError } from '../src/errors.ts';
import { encodeRequest, type GivenAppend, type RequestOptions } from '../src/log/append-request.ts';
import { LogReader } from '../src/log/log-reader.ts';
import { LogWriter } from '../src/log/log-writer.ts';
import { type PageSource, pagesOf } from '../src/log/pages.ts';
import { scanSource, streamSource, streamsSource, subscriptionWalks } from '../src/log/read-sources.ts';
import { initialMetaRows, readIdentity, type StoreIdentity } from '../src/log/store-meta.ts';
import { TailFollower } from '../src/log/tail.ts';
import { type VerifyOptions, type VerifyReport, verifyStore } from '../src/log/verify.ts';
import { checkStreamName } from '../src/names.ts';
import { checkOptionNames } from '../src/option-names.ts';
import type { Engine } from '../src/storage/engine.ts';
import { openLmdbEngine } from '../src/storage/lmdb-engine.ts';
import { MemoryStorage, openMemoryEngine } from '../src/storage/memory-engine.ts';
import type {
  AnyEvent,
  AppendManyOptions,
  AppendOptions,
  AppendResult,
  Capabilities,
  EventShape,
  EventsOfType,
  NewEvent,
  Pages,
  ReadOptions,
  ReadStreamOptions,
  StoredEvent,
  StreamAppend,
  StreamHead,
  StreamInfo,
  StreamsOptions,
  SubscribeOptions,
} from '../src/types.ts';
import { type OpenOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import { HeadWatch } from './watch.ts';
import { WriterHost } from './writer-host.ts';

/** Longest time a read-only bus takes to notice a commit of another process, beside the event loop's own delay. */
const headPollMs = 20;

/** What the store says of itself. */
export interface StoreInfo extends Omit<StoreIdentity, 'incarnation'> {
  /** Hexadecimal. */
  readonly incarnation: string;
  readonly path: string;
  readonly head: number;
  /** Everything up to here is in the index tables; the rest is kept in memory by each reader. */
  readonly indexedPosition: number;
  readonly sizeBytes: number;
}

/**
 * An open event store and bus. `Events` is the union of its events' shapes: `data` follows from `type` wherever events go
 * in or come out.
 */
export class Bus<Events extends EventShape = AnyEvent> {
  /** What this store and its engine can do. */
  readonly capabilities: Capabilities;
  /**
   * The last durable position, then each newer one, conflated: a slow subscriber gets the latest only. A subscriber that
   * throws harms nobody; it is reported as a process warning.
   */
  readonly head$: Observable<number>;
  readonly #engine: Engine;
  readonly #identity: StoreIdentity;
  readonly #reader: LogReader;
  readonly #watch: HeadWatch;
  readonly #writer: { readonly log: LogWriter; readonly host: WriterHost } | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Use `openBus`.
   * @internal
   */
  constructor(engine: Engine, options: ResolvedOptions) {
    this.#engine = engine;
    const log = options.readOnly ? undefined : new LogWriter(engine, options);
    this.#identity = log?.identity ?? engine.read((snapshot) => readIdentity(snapshot, engine.path));
    // What a reader can rely on is what the writers chose, not how it was opened itself.
    const durability =
      options.readOnly && options.path !== ':memory:' ? this.#identity.durability : engine.capabilities.durability;
    this.capabilities = { ...engine.capabilities, durability };
    this.#reader = new LogReader(engine, log ?? new TailFollower());
    this.#watch = new HeadWatch({
      head: () => this.#reader.head(),
      pollMs: log === undefined ? headPollMs : undefined,
      onError: warn,
    });
    this.head$ = this.#watch.head$;
    this.#writer = log && { log, host: new WriterHost(log, engine.path, () => this.#watch.wake()) };
  }

  /** The last durable position; 0 while the store is empty. */
  get head(): number {
    return this.#reader.head();
  }

  /**
   * Appends `events` to `stream` as one commit and resolves when it is durable. Calls of one turn of the event loop share
   * a commit, each with its own outcome, in the order of the calls.
   * @throws {CONCURRENCY_CONFLICT} {IDEMPOTENCY_KEY_REUSED} and for bad input {STREAM_NAME_INVALID} {EVENT_INVALID}
   * {EVENT_TOO_LARGE} {APPEND_EMPTY}: nothing was written. @throws {STORE_FULL} {WRITER_FENCED} {STORE_READ_ONLY}
   * {STORE_CLOSED} {ABORTED}: nothing was written. @throws {STORE_FAILED}: the outcome is unknown.
   */
  append(
    stream: string,
    events: NewEvent<Events> | readonly NewEvent<Events>[],
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    const part = { stream, events, expectedVersion: options.expectedVersion };
    return this.#append('append', [part], options, options.signal, ([result]) => result as AppendResult);
  }

  /**
   * Appends to several streams as one commit: all of it or nothing. Results are in the order of `appends`.
   * @throws as {@link Bus.append}; {TypeError} when a stream is named twice.
   */
  appendMany(appends: readonly StreamAppend<Events>[], options: AppendManyOptions = {}): Promise<AppendResult[]> {
    return this.#append('appendMany', appends, options, options.signal, (results) => results);
  }

  /**
   * Events of the whole store by position, up to the head of the moment the iteration starts.
   * @throws {TypeError} for options out of range. The iteration throws {STORE_CORRUPT} {STORE_CLOSED} {ABORTED}.
   */
  read<const Type extends string = string>(
    options: ReadOptions<Type> = {},
  ): Pages<StoredEvent<EventsOfType<Events, Type>>> {
    checkOptionNames('read', options);
    return this.#pages(scanSource(this.#reader, options), options.signal);
  }

  /**
   * Events of `stream` by version, up to its version of the moment the iteration starts; none if there is no such stream.
   * @throws as {@link Bus.read}, and {STREAM_NAME_INVALID}.
   */
  readStream(stream: string, options: ReadStreamOptions = {}): Pages<StoredEvent<Events>> {
    checkStreamName(stream);
    checkOptionNames('readStream', options);
    return this.#pages(streamSource(this.#reader, stream, options), options.signal);
  }

  /** The event at `position`, or `undefined` outside the log. @throws {TypeError} {STORE_CORRUPT} {STORE_CLOSED} */
  async event(position: number): Promise<StoredEvent<Events> | undefined> {
    if (!Number.isSafeInteger(position))
      throw new TypeError(`position must be a whole number, got ${String(position)}`);
    return (position < 1 ? undefined : this.#reader.event(position)) as StoredEvent<Events> | undefined;
  }

  /** The newest version and position of `stream`, or `undefined` if there is no such stream. @throws {STREAM_NAME_INVALID} */
  async stream(stream: string): Promise<StreamHead | undefined> {
    checkStreamName(stream);
    return this.#reader.streamHead(stream);
  }

  /** The streams of the store in the byte order of their names. Each page is as fresh as when it is asked for. */
  streams(options: StreamsOptions = {}): Pages<StreamInfo> {
    checkOptionNames('streams', options);
    return pagesOf(streamsSource(this.#reader, options), options.signal);
  }

  /**
   * Every event behind `after`, then every new one once it is durable: no gap, no duplicate. Goes on until it is left,
   * aborted ({ABORTED}) or the bus is closed, which ends it like any other iteration. Keeps the process alive meanwhile.
   */
  subscribe<const Type extends string = string>(
    options: SubscribeOptions<Type> = {},
  ): Pages<StoredEvent<EventsOfType<Events, Type>>> {
    checkOptionNames('subscribe', options);
    const { after = 0, signal } = options;
    if (!Number.isSafeInteger(after) || after < 0) {
      throw new TypeError(`after must be a whole number from 0 on, got ${String(after)}`);
    }
    const walks = subscriptionWalks(this.#reader, after, options);
    const open = (left: AbortSignal): PageSource<StoredEvent> => {
      const walk = walks();
      return async () => {
        const head = await this.#watch.beyond(walk.position(), signal, left);
        return head === undefined || this.#closing !== undefined
          ? undefined
          : { items: walk.next(head), isLast: false };
      };
    };
    return this.#pages(open, signal);
  }

  /** Checks every block, the order, and the index tables against the log, while the store is in use. */
  verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    return verifyStore(this.#engine, options);
  }

  /** What the store says of itself. */
  info(): StoreInfo {
    return {
      ...this.#identity,
      incarnation: Buffer.from(this.#identity.incarnation).toString('hex'),
      path: this.#engine.path,
      head: this.#reader.head(),
      indexedPosition: this.#reader.indexedPosition(),
      sizeBytes: this.#engine.sizeBytes(),
    };
  }

  /** Commits what was appended, ends subscriptions, and releases the store. Twice is fine. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#writer?.host.close();
    this.#watch.close();
    try {
      this.#writer?.log.flushIndex();
    } catch (error) {
      // Nothing is lost: the next open finds what is not in the index, as after a crash.
      warn(error);
    } finally {
      this.#engine.close();
    }
  }

  #append<Result>(
    method: 'append' | 'appendMany',
    appends: readonly GivenAppend[],
    options: RequestOptions,
    signal: AbortSignal | undefined,
    pick: (results: AppendResult[]) => Result,
  ): Promise<Result> {
    const { path } = this.#engine;
    try {
      checkOptionNames(method, options);
      if (this.#closing !== undefined) throw new BusError('STORE_CLOSED', 'the bus is closed', { path });
      if (this.#writer === undefined) throw new BusError('STORE_READ_ONLY', `${path} was opened read-only`, { path });
      return this.#writer.host.append(encodeRequest(appends, options, Date.now()), signal, pick);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #pages<Event>(open: (left: AbortSignal) => PageSource<StoredEvent>, signal: AbortSignal | undefined): Pages<Event> {
    return pagesOf(open, signal) as unknown as Pages<Event>;
  }
}

/**
 * Opens the store at `options.path`, creating it if need be, and returns its bus.
 * @throws {TypeError} for options out of range. @throws {STORE_LOCKED} {STORE_NOT_FOUND} {STORE_FORMAT} {STORE_CORRUPT}
 * {STORE_READ_ONLY} {STORE_FULL} {UNSUPPORTED} {ABORTED}
 */
export async function openBus<Events extends EventShape = AnyEvent>(options: OpenOptions): Promise<Bus<Events>> {
  const resolved = resolveOptions(options);
  const engine = await openEngine(resolved);
  try {
    return new Bus<Events>(engine, resolved);
  } catch (error) {
    engine.close();
    throw error;
  }
}

async function openEngine(options: ResolvedOptions): Promise<Engine> {
  const initialRows = initialMetaRows(options.durability, Date.now());
  if (options.path === ':memory:')
    return openMemoryEngine(new MemoryStorage(), { initialRows, readOnly: options.readOnly });
  return openLmdbEngine({ ...options, directory: options.path, initialRows });
}

/** Someone else's code failed where nobody waits for it. */
function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : new Error(inspect(error)));
}
