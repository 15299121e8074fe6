/**
 * The bus: what a user holds. Puts store, watch, readers and processors together.
 *
 * Every method checks its arguments, then hands over: appends to the writer, reads to pages of the log, waiting to the watch,
 * queries to the readers. Holds no state of the log itself. The order in which the parts stop: bus.machine.ts.
 */
import { isNativeError } from 'node:util/types';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { type Observable, Subject } from 'rxjs';
import { type Actor, createActor, toPromise } from 'xstate';
import { BusError } from '../src/errors.ts';
import { processorsStopMaxMs } from '../src/limits.ts';
import { readClock } from '../src/log/clock.ts';
import { type ConsumerInfo, readConsumers } from '../src/log/consumers.ts';
import { type PageSource, pagesOf } from '../src/log/pages.ts';
import { scanSource, streamSource, streamsSource, subscriptionWalks } from '../src/log/read-sources.ts';
import type { EventsOf, SchemaSet, Schemas } from '../src/log/schemas.ts';
import type { StoreIdentity } from '../src/log/store-meta.ts';
import { timersSource } from '../src/log/timers.ts';
import { type VerifyOptions, type VerifyReport, verifyStore } from '../src/log/verify.ts';
import { checkConsumerName, checkStreamName, checkTimerKey } from '../src/names.ts';
import { checkOptionNames } from '../src/option-names.ts';
import type { RowWrite } from '../src/storage/engine.ts';
import { isThenable } from '../src/thenable.ts';
import type {
  AnyEvent,
  AppendManyOptions,
  AppendOptions,
  AppendResult,
  CancelTimerOptions,
  Capabilities,
  EventShape,
  EventsOfType,
  NewEvent,
  Pages,
  PendingTimer,
  PublishOptions,
  ReadOptions,
  ReadStreamOptions,
  ScheduledTimer,
  ScheduleOptions,
  StoredEvent,
  StreamAppend,
  StreamHead,
  StreamInfo,
  StreamsOptions,
  SubscribeOptions,
  TimersOptions,
} from '../src/types.ts';
import { Aggregate } from './aggregate.ts';
import { type AggregateOptions, resolveAggregate } from './aggregate-options.ts';
import { AppendPath } from './append-path.ts';
import type { Appender } from './appender.ts';
import { type BusMachine, type BusState, busMachine } from './bus.machine.ts';
import { BusView } from './bus-view.ts';
import { CaughtError } from './caught-error.ts';
import { Correlation, type CorrelationOptions, checkedMetadata } from './correlation.ts';
import { DeadLetters } from './dead-letters.ts';
import { GuardedObservable } from './guarded-observable.ts';
import {
  type EventsOptions,
  type Listener,
  Listeners,
  type ListenOptions,
  type LiveSubscription,
  liveSource,
  type Wanted,
} from './listeners.ts';
import { type OpenStore, openStore, type StoreEvents, unconnectable } from './open-store.ts';
import { type OpenOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import type { Processor } from './processor.ts';
import type { ProcessorHost } from './processor-names.ts';
import type { ProcessorOptions } from './processor-options.ts';
import { type ProcessorStore, processorStore } from './processor-store.ts';
import { Processors } from './processors.ts';
import type { Projection } from './projection.ts';
import type { ProjectionOptions } from './projection-options.ts';
import { type ProjectionReader, type ProjectionSource, StoredProjection } from './projection-reader.ts';
import { ProjectionWatch } from './projection-watch.ts';
import { Projections } from './projections.ts';
import { PublishGate } from './publish-gate.ts';
import { type QueryOptions, runQuery } from './query.ts';
import type { ReaderPool } from './reader-pool.ts';
import { scheduleOrder } from './timer-options.ts';
import { TimerService } from './timer-service.ts';
import { timerStore } from './timer-store.ts';
import { untilAborted } from './until-aborted.ts';
import { HeadWatch } from './watch.ts';
import { withinMs } from './within-ms.ts';

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

/** For the actor logic that users bind to a bus (actors/processor-logic.ts). */
export const processorHosts = new WeakMap<object, ProcessorHost>();

/** What a bus needs to know beside its store; a connected one leaves processors and queries to the bus at the other end. */
export type BusSettings = Pick<ResolvedOptions, 'readers' | 'clock' | 'force' | 'logger' | 'schemas'> | undefined;

/**
 * An open event store and bus. `Events` is the union of its events' shapes: `data` follows from `type` wherever events go
 * in or come out.
 */
export class Bus<Events extends EventShape = AnyEvent> {
  /** What this store and its engine can do. */
  readonly capabilities: Capabilities;
  /**
   * The last durable position, then each newer one, conflated: a slow subscriber gets the latest only. A subscriber that
   * throws harms nobody; it is reported on `errors$`.
   */
  readonly head$: Observable<number>;
  /**
   * Failures that nobody waits for: a processor that gave up, a subscriber or a worker that threw. Without a subscriber they
   * are process warnings.
   */
  readonly errors$: Observable<unknown>;
  readonly #store: OpenStore;
  readonly #watch: HeadWatch;
  readonly #errors = new Subject<unknown>();
  readonly #actor: Actor<BusMachine>;
  readonly #settings: BusSettings;
  readonly #processors: Processors | undefined;
  readonly #correlation = new Correlation();
  readonly #gate = new PublishGate();
  readonly #path: AppendPath;
  readonly #view: BusView<Events>;
  readonly #listeners: Listeners;
  readonly #projectionSource: ProjectionSource;
  readonly #projections: Projections | undefined;
  readonly #timers: TimerService | undefined;
  #readers: Promise<ReaderPool> | undefined;
  /** What ended writing, if something has. */
  #failure: unknown;
  #closing: Promise<void> | undefined;

  /**
   * Use `openBus` or `connectBus`.
   * @internal
   */
  constructor(
    open: (events: StoreEvents) => OpenStore,
    settings: BusSettings,
    schemas: SchemaSet | undefined = settings?.schemas,
  ) {
    const report = (error: unknown) => this.#report(error);
    const store = open({ onFailed: (error) => this.#fail(error) });
    this.#store = store;
    this.capabilities = store.capabilities;
    this.errors$ = new GuardedObservable((subscriber) => this.#errors.subscribe(subscriber), warn);
    this.#watch = new HeadWatch({ head: store.head, listen: store.listen, onError: report });
    this.head$ = this.#watch.head$;
    this.#settings = settings;
    this.#path = new AppendPath({
      path: store.engine.path,
      appender: store.appender,
      schemas,
      correlation: this.#correlation,
      gate: this.#gate,
      assertOpen: () => this.#assertOpen(),
    });
    this.#view = new BusView(this.#path, undefined);
    this.#listeners = new Listeners(liveSource(store, this.#watch, report), this.#gate);
    const { engine, appender, identity } = store;
    const { incarnation } = identity;
    this.#projectionSource = { engine, incarnation, watch: new ProjectionWatch(store.listen), report };
    if (settings !== undefined && appender !== undefined) {
      const { clock, logger } = settings;
      const appendFor: ProcessorStore['appendFor'] = (stream, events, request) =>
        this.#path.submit([{ stream, events }], request, ([result]) => result as AppendResult);
      const readers = engine.capabilities.threads ? () => this.#pool(settings) : undefined;
      const parts = { appendFor, readers, logger, clock, report };
      const processors = processorStore(store, appender, this.#watch, parts);
      this.#processors = new Processors(processors);
      const writeRows = (rows: readonly RowWrite[]) => appender.writeRows(rows);
      const projectionStore = { processors, engine, incarnation, writeRows };
      this.#projections = new Projections(this.#processors, projectionStore, this.#projectionSource);
      processorHosts.set(this, this.#processors);
      this.#timers = new TimerService(timerStore(store, appender, clock, report));
      this.#timers.start();
    }
    this.#actor = createActor(
      busMachine({
        stopTimers: () => this.#tried(async () => this.#timers?.close()),
        stopProcessors: () => this.#tried(() => this.#stopProcessors()),
        stopReaders: () => this.#tried(async () => (await this.#readers)?.close()),
        stopAppends: () => this.#tried(() => store.stopAppends()),
        release: () => this.#tried(() => this.#release()),
      }),
      { systemId: 'bus' },
    ).start();
  }

  /** What the bus is doing: `'open'`, `'failed'` (it only reads any more), one of the steps of closing, or `'closed'`. */
  get state(): BusState {
    return this.#actor.getSnapshot().value;
  }

  /** The last durable position; 0 while the store is empty. @throws {STORE_CLOSED} */
  get head(): number {
    this.#assertOpen();
    return this.#store.head();
  }

  /**
   * Appends `events` to `stream` as one commit and resolves when it is durable. Calls that come together share its fsync,
   * each with its own outcome, in the order of the calls.
   * @throws {CONCURRENCY_CONFLICT} {IDEMPOTENCY_KEY_REUSED} and for bad input {STREAM_NAME_INVALID} {EVENT_INVALID}
   * {EVENT_TOO_LARGE} {SCHEMA_INVALID} {APPEND_EMPTY}: nothing was written. @throws {STORE_FULL} {WRITER_FENCED} {STORE_READ_ONLY}
   * {STORE_CLOSED} {ABORTED}: nothing was written. @throws {STORE_FAILED}: the outcome is unknown.
   */
  append(
    stream: string,
    events: NewEvent<Events> | readonly NewEvent<Events>[],
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    return this.#view.append(stream, events, options);
  }

  /**
   * Appends to several streams as one commit: all of it or nothing. Results are in the order of `appends`.
   * @throws as {@link Bus.append}; {TypeError} when a stream is named twice.
   */
  appendMany(appends: readonly StreamAppend<Events>[], options: AppendManyOptions = {}): Promise<AppendResult[]> {
    return this.#view.appendMany(appends, options);
  }

  /**
   * Appends to one stream that all that is published shares (`'messages'`, unless `stream` says otherwise), so that it keeps
   * its order. Waits while a listener with the overflow policy `'block'` is too far behind.
   * @throws as {@link Bus.append}
   */
  publish(events: NewEvent<Events> | readonly NewEvent<Events>[], options: PublishOptions = {}): Promise<AppendResult> {
    return this.#view.publish(events, options);
  }

  /**
   * Calls `listener` with each wanted event that is appended from now on, by whomever, once it is durable: in order, one call
   * at a time. What it throws, or rejects with, is reported on `errors$`, and it goes on with the next event. It remembers
   * nothing: what must not be missed is for {@link Bus.processor}. Keeps the process alive until it is closed.
   * @throws {TypeError} for options out of range. @throws {STORE_CLOSED}
   */
  on<const Type extends Events['type']>(
    wanted: Type | readonly Type[],
    listener: Listener<StoredEvent<EventsOfType<Events, Type>>>,
    options?: ListenOptions<StoredEvent<EventsOfType<Events, Type>>>,
  ): LiveSubscription;
  on<Event extends StoredEvent<Events>>(
    wanted: (event: StoredEvent<Events>) => event is Event,
    listener: Listener<Event>,
    options?: ListenOptions<Event>,
  ): LiveSubscription;
  on(
    wanted: (event: StoredEvent<Events>) => boolean,
    listener: Listener<StoredEvent<Events>>,
    options?: ListenOptions<StoredEvent<Events>>,
  ): LiveSubscription;
  on(wanted: Wanted<never>, listener: Listener<never>, options?: ListenOptions<never>): LiveSubscription {
    this.#assertOpen();
    return this.#listeners.on(wanted, listener, options);
  }

  /** All events that are appended from the subscription on: {@link Bus.events} as it is by default. */
  get events$(): Observable<StoredEvent<Events>> {
    return this.events();
  }

  /**
   * The events that are appended from a subscription on, each once it is durable. Every subscriber reads for itself, and keeps
   * the process alive; one that throws harms nobody. Completes when the bus closes. @throws {TypeError}
   */
  events<const Type extends string = string>(
    options: EventsOptions<Type, StoredEvent<EventsOfType<Events, Type>>> = {},
  ): Observable<StoredEvent<EventsOfType<Events, Type>>> {
    return this.#listeners.observable(options);
  }

  /**
   * A light view of this bus whose appends carry `metadata`. What an event or a call says itself goes over it, key by key; it
   * goes over that of {@link Bus.run}. Not part of what an idempotency key stands for. @throws {TypeError}
   */
  with(options: CorrelationOptions): BusView<Events> {
    return this.#view.with(options);
  }

  /**
   * Calls `use`: every append on this bus that it makes, or that anything it awaits makes, carries `metadata`, under all other
   * metadata. Calls within calls add up. @throws {TypeError}, and what `use` throws
   */
  run<Result>(options: CorrelationOptions, use: () => Result): Result {
    return this.#correlation.run(checkedMetadata('run', options), use);
  }

  /**
   * Decisions on the state that each stream of a kind folds to: `load(id)`, `execute(id, command)`. Nothing is read yet.
   * @throws {TypeError} for options out of range, or an initial state that can't be kept in a snapshot.
   */
  aggregate<State, Command>(options: AggregateOptions<Events, State, Command>): Aggregate<State, Command> {
    const { reader, engine, identity } = this.#store;
    const report = (error: unknown) => this.#report(error);
    const world = { reader, engine, incarnation: identity.incarnation, path: this.#path, report };
    return new Aggregate(world, resolveAggregate(options));
  }

  /**
   * Events of the whole store by position, up to the head of the moment the iteration starts.
   * @throws {TypeError} for options out of range. The iteration throws {STORE_CORRUPT} {STORE_CLOSED} {ABORTED}.
   */
  read<const Type extends string = string>(
    options: ReadOptions<Type> = {},
  ): Pages<StoredEvent<EventsOfType<Events, Type>>> {
    checkOptionNames('read', options);
    return this.#pages(scanSource(this.#store.reader, options), options.signal);
  }

  /**
   * Events of `stream` by version, up to its version of the moment the iteration starts; none if there is no such stream.
   * @throws as {@link Bus.read}, and {STREAM_NAME_INVALID}.
   */
  readStream(stream: string, options: ReadStreamOptions = {}): Pages<StoredEvent<Events>> {
    checkStreamName(stream);
    checkOptionNames('readStream', options);
    return this.#pages(streamSource(this.#store.reader, stream, options), options.signal);
  }

  /** The event at `position`, or `undefined` outside the log. @throws {TypeError} {STORE_CORRUPT} {STORE_CLOSED} */
  async event(position: number): Promise<StoredEvent<Events> | undefined> {
    if (!Number.isSafeInteger(position))
      throw new TypeError(`position must be a whole number, got ${String(position)}`);
    return (position < 1 ? undefined : this.#store.reader.event(position)) as StoredEvent<Events> | undefined;
  }

  /** The newest version and position of `stream`, or `undefined` if there is no such stream. @throws {STREAM_NAME_INVALID} */
  async stream(stream: string): Promise<StreamHead | undefined> {
    checkStreamName(stream);
    return this.#store.reader.streamHead(stream);
  }

  /** The streams of the store in the byte order of their names. Each page is as fresh as when it is asked for. */
  streams(options: StreamsOptions = {}): Pages<StreamInfo> {
    checkOptionNames('streams', options);
    return pagesOf(streamsSource(this.#store.reader, options), options.signal);
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
    const walks = subscriptionWalks(this.#store.reader, after, options);
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

  /**
   * Folds a range of the log in reader threads, with the `init`, `step`, `merge` and perhaps `finish` that the module at the
   * file: URL `module` exports (see {@link QueryDefinition}), and resolves to a structured clone of the result. The whole
   * range is one point in time: up to the head of the call.
   * @throws {TypeError} for options out of range. @throws {QUERY_FAILED} the module, or its thread, failed (`cause`).
   * @throws {ABORTED} {STORE_CLOSED} {STORE_CORRUPT}. @throws {UNSUPPORTED} for a store in memory, and in connected threads.
   */
  async query<Result>(module: string | URL, options: QueryOptions = {}): Promise<Result> {
    this.#assertOpen();
    const settings = this.#requireReaders();
    return runQuery<Result>(await this.#pool(settings), this.#store.head(), module, options);
  }

  /**
   * A processor: hands events to `handle` or `handleBatch`, in order, each at least once, and keeps a durable cursor under
   * its name. It is not started yet.
   * @throws {TypeError} for options out of range. @throws {PROCESSOR_NAME_TAKEN} while another one of the name is not closed.
   * @throws {STORE_READ_ONLY} {STORE_CLOSED}. @throws {UNSUPPORTED} in connected threads: processors are at the other end.
   */
  processor<const Type extends string = string>(options: ProcessorOptions<Events, Type>): Processor {
    this.#assertOpen();
    return this.#requireProcessors().create(options);
  }

  /**
   * What the processor `name` gave up, whether it runs or not. Where the bus can't write, or in a connected thread, it can
   * only be read. @throws {TypeError} for a name that no processor can have
   */
  deadLetters(name: string): DeadLetters<Events> {
    checkConsumerName(name);
    const { appender } = this.#store;
    return new DeadLetters(name, this.#store, () => {
      this.#assertOpen();
      return { names: this.#requireProcessors().names, appender: appender as Appender };
    });
  }

  /** Its processors that are not closed, in the order in which they were made. */
  get processors(): readonly Processor[] {
    return this.#processors?.list ?? [];
  }

  /**
   * A read model kept in the store: `on` has a synchronous handler for each type of events it is made of, and what they set is
   * saved together with the position, exactly once. It is not started yet. Its entries are read here or by `view(name)`.
   * @throws as {@link Bus.processor}; names of processors and projections are one set.
   */
  projection<Value = unknown>(options: ProjectionOptions<Events, Value>): Projection<Value> {
    this.#assertOpen();
    this.#requireProcessors();
    return (this.#projections as Projections).create(options);
  }

  /** Its projections that are not closed, in the order in which they were made. */
  get projections(): readonly Projection[] {
    return this.#projections?.list ?? [];
  }

  /** The entries of a projection, whoever builds it: in any thread, and in processes that only read. @throws {TypeError} {STORE_CLOSED} */
  view<Value = unknown>(name: string): ProjectionReader<Value> {
    this.#assertOpen();
    checkConsumerName(name);
    return new StoredProjection<Value>(name, this.#projectionSource);
  }

  /**
   * Appends `event` to `stream` once its time has come, exactly once, also when the process has ended meanwhile: a timer that
   * is late fires when the store is opened next. Resolves when the timer is durable. What fires goes to the log like any
   * append, in the order of the times.
   * @throws {TIMERS_FULL} and for bad input {STREAM_NAME_INVALID} {EVENT_INVALID} {EVENT_TOO_LARGE} {SCHEMA_INVALID} {TypeError}:
   * nothing was written. @throws as {@link Bus.append} for the store. @throws {UNSUPPORTED} in connected threads.
   */
  async schedule(stream: string, event: NewEvent<Events>, options: ScheduleOptions): Promise<ScheduledTimer> {
    this.#assertOpen();
    const [timers, clock] = this.#requireTimers();
    const made = scheduleOrder(stream, event, options, readClock(clock), (appends, given) =>
      this.#path.encoded(appends, given),
    );
    const order = isThenable(made) ? await untilAborted(made, options.signal) : made;
    const { key, dueMs } = order;
    return { key, dueMs, replaced: await timers.order(order, options.signal) };
  }

  /**
   * Takes back the pending timer of `key`. Resolves, when that is durable, to true; to false if there is none: it has fired,
   * was cancelled, or never was. @throws as {@link Bus.schedule}.
   */
  async cancelTimer(key: string, options: CancelTimerOptions = {}): Promise<boolean> {
    this.#assertOpen();
    checkTimerKey(key);
    checkOptionNames('cancelTimer', options);
    const [timers] = this.#requireTimers();
    return timers.order({ kind: 'cancel', key }, options.signal);
  }

  /**
   * The timers that have not fired yet, in the order in which they will. Each page is as fresh as when it is asked for.
   * @throws {TypeError} for options out of range. The iteration throws {STORE_CORRUPT} {STORE_CLOSED} {ABORTED}.
   */
  timers(options: TimersOptions = {}): Pages<PendingTimer<Events>> {
    checkOptionNames('timers', options);
    const { engine, identity } = this.#store;
    return pagesOf(timersSource(engine, identity.incarnation, options), options.signal) as Pages<PendingTimer<Events>>;
  }

  /**
   * Looks at the clock now, and resolves when everything that is due has been appended. Timers fire without it: it is for
   * tests that bring a `clock` of their own. @throws what keeps them from being appended, and as {@link Bus.schedule}.
   */
  async fireTimers(): Promise<void> {
    this.#assertOpen();
    const [timers] = this.#requireTimers();
    await timers.fireDue();
  }

  /** Checks every block, the order, and the index tables against the log, while the store is in use. */
  verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    return verifyStore(this.#store.engine, options);
  }

  /** How far each consumer has come, durably, and what it gave up; whether it runs or not. @throws {STORE_CORRUPT} */
  consumers(): ConsumerInfo[] {
    const { engine, reader } = this.#store;
    return readConsumers(engine, () => reader.head());
  }

  /** What the store says of itself. */
  info(): StoreInfo {
    return {
      ...this.#store.identity,
      incarnation: Buffer.from(this.#store.identity.incarnation).toString('hex'),
      path: this.#store.engine.path,
      head: this.#store.reader.head(),
      indexedPosition: this.#store.reader.indexedPosition(),
      sizeBytes: this.#store.engine.sizeBytes(),
    };
  }

  /**
   * A port for another thread of this process: transfer it there, and give it to `connectBus`. One for each thread.
   * @throws {UNSUPPORTED} for a store in memory. @throws {STORE_CLOSED} {STORE_FAILED}
   */
  port(): MessagePort {
    this.#assertOpen();
    if (this.#failure !== undefined) throw this.#failure;
    const { connect, engine } = this.#store;
    if (connect === undefined) throw unconnectable(engine.path);
    const { port1, port2 } = new MessageChannel();
    connect(port1);
    return port2;
  }

  /**
   * Stops timers, processors at their cursors, and queries, commits what was appended, ends subscriptions, lets connected threads close,
   * and releases the store. Every step is bounded in time. Twice is fine.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#gate.close(this.#closedError());
    this.#actor.send({ type: 'CLOSE' });
    await toPromise(this.#actor);
    this.#errors.complete();
  }

  async #release(): Promise<void> {
    this.#watch.close();
    this.#projectionSource.watch.close();
    await this.#store.release();
  }

  async #stopProcessors(): Promise<void> {
    const projections = this.#projections?.close();
    await this.#processors?.close(processorsStopMaxMs);
    if (projections !== undefined) await withinMs(processorsStopMaxMs, projections);
  }

  #requireProcessors(): Processors {
    const { path } = this.#store.engine;
    if (this.#processors !== undefined) return this.#processors;
    if (this.#store.appender === undefined) {
      throw new BusError('STORE_READ_ONLY', `${path} was opened read-only: it keeps no cursors`, { path });
    }
    throw new BusError('UNSUPPORTED', 'processors run on the bus that this thread is connected to', {
      feature: 'processors',
    });
  }

  #requireTimers(): readonly [timers: TimerService, clock: () => number] {
    const { path } = this.#store.engine;
    if (this.#timers !== undefined && this.#settings !== undefined) return [this.#timers, this.#settings.clock];
    if (this.#store.appender === undefined) {
      throw new BusError('STORE_READ_ONLY', `${path} was opened read-only: it keeps no timers`, { path });
    }
    throw new BusError('UNSUPPORTED', 'timers are on the bus that this thread is connected to', { feature: 'timers' });
  }

  #requireReaders(): NonNullable<BusSettings> {
    const { engine } = this.#store;
    if (this.#settings !== undefined && engine.capabilities.threads) return this.#settings;
    throw new BusError('UNSUPPORTED', `there are no reader threads for the store at ${engine.path} here`, {
      feature: 'queries',
    });
  }

  #pool(settings: NonNullable<BusSettings>): Promise<ReaderPool> {
    this.#readers ??= this.#startReaders(settings);
    return this.#readers;
  }

  /** Loaded with the first query, or handler in a thread: an application without any pays nothing for the pool. */
  async #startReaders({ readers: threads, force }: NonNullable<BusSettings>): Promise<ReaderPool> {
    const { path } = this.#store.engine;
    const { ReaderPool } = await import('./reader-pool.ts');
    return new ReaderPool({ path, threads, force, onError: (error) => this.#report(error) });
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.#actor.send({ type: 'WRITER_FAILED' });
    this.#report(error);
  }

  #report(error: unknown): void {
    if (this.#errors.observed) this.#errors.next(error);
    else warn(error);
  }

  async #tried(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#report(error);
    }
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw this.#closedError();
  }

  #closedError(): BusError {
    return new BusError('STORE_CLOSED', 'the bus is closed', { path: this.#store.engine.path });
  }

  #pages<Event>(open: (left: AbortSignal) => PageSource<StoredEvent>, signal: AbortSignal | undefined): Pages<Event> {
    return pagesOf(open, signal) as unknown as Pages<Event>;
  }
}

/**
 * Opens the store at `options.path`, creating it if need be, and returns its bus. With `schemas`, and no union named, its
 * events are those of the schemas.
 * @throws {TypeError} for options out of range. @throws {STORE_LOCKED} {STORE_NOT_FOUND} {STORE_FORMAT} {STORE_CORRUPT}
 * {STORE_READ_ONLY} {STORE_FULL} {UNSUPPORTED} {ABORTED}
 */
export function openBus<const Given extends Schemas>(
  options: OpenOptions & { readonly schemas: Given },
): Promise<Bus<EventsOf<Given>>>;
export function openBus<Events extends EventShape = AnyEvent>(options: OpenOptions): Promise<Bus<Events>>;
export async function openBus(options: OpenOptions): Promise<Bus> {
  const resolved = resolveOptions(options);
  return busOn((events) => openStore(resolved, events), resolved);
}

/** Waits for the store, and tells the bus on it what was told in the meantime. */
export async function busOn<Events extends EventShape>(
  open: (events: StoreEvents) => Promise<OpenStore>,
  settings: BusSettings,
  schemas?: SchemaSet,
): Promise<Bus<Events>> {
  const told: unknown[] = [];
  let onFailed = (error: unknown): void => void told.push(error);
  const store = await open({ onFailed: (error) => onFailed(error) });
  const bus = new Bus<Events>(
    (events) => {
      onFailed = events.onFailed;
      return store;
    },
    settings,
    schemas,
  );
  for (const error of told) onFailed(error);
  return bus;
}

/** Something failed where nobody waits for it. Anything may have been thrown: only of our own errors is more used than texts. */
function warn(error: unknown): void {
  if (isNativeError(error) && error instanceof BusError) {
    process.emitWarning(error);
    return;
  }
  const { name, code, message, stack } = CaughtError.of(error);
  process.emitWarning(Object.assign(new Error(message), { name, code }, stack === undefined ? {} : { stack }));
}
