import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Observable } from 'rxjs';
import { readClock } from '../src/log/clock.ts';
import { type ConsumerInfo, readConsumers } from '../src/log/consumers.ts';
import { type PageSource, pagesOf, throwIfAborted } from '../src/log/pages.ts';
import { scanSource, streamSource, streamsSource, subscriptionWalks } from '../src/log/read-sources.ts';
import type { StoreIdentity } from '../src/log/store-meta.ts';
import { timersSource } from '../src/log/timers.ts';
import type { VerifyOptions, VerifyReport } from '../src/log/verify.ts';
import { checkConsumerName, checkStreamName, checkTimerKey } from '../src/names.ts';
import { checkOptionNames, refuseUnknownNames } from '../src/option-names.ts';
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
import type { Appender } from './appender.ts';
import type { BusState } from './bus.machine.ts';
import type { BusCore } from './bus-core.ts';
import { BusInspection } from './bus-inspection.ts';
import { BusView } from './bus-view.ts';
import { type CorrelationOptions, checkedMetadata } from './correlation.ts';
import { DeadLetters } from './dead-letters.ts';
import { type EncryptionInfo, encryptionInfo } from './encryption-info.ts';
import { type MasterKeyOption, masterKeySource } from './encryption-options.ts';
import type { EraseTarget, ErasureReceipt } from './erasure.ts';
import { ledgerOf, verifyWith } from './erasure-proofs.ts';
import { inspections } from './inspection.ts';
import type { EventsOptions, Listener, ListenOptions, LiveSubscription, Wanted } from './listeners.ts';
import type { Processor, WaitOptions } from './processor.ts';
import type { ProcessorHost } from './processor-names.ts';
import type { ProcessorOptions } from './processor-options.ts';
import type { Projection } from './projection.ts';
import type { ProjectionOptions } from './projection-options.ts';
import { type ProjectionReader, StoredProjection } from './projection-reader.ts';
import type { Projections } from './projections.ts';
import { type QueryOptions, runQuery } from './query.ts';
import { askMasterKey } from './store-keys.ts';
import { scheduleOrder } from './timer-options.ts';
import { untilAborted } from './until-aborted.ts';

/** What the store says of itself. */
export interface StoreInfo extends Omit<StoreIdentity, 'incarnation' | 'cryptoId'> {
  /** Hexadecimal. */
  readonly incarnation: string;
  readonly path: string;
  readonly head: number;
  /** Everything up to here is in the index tables; the rest is kept in memory by each reader. */
  readonly indexedPosition: number;
  readonly sizeBytes: number;
  /** `undefined` for a store without encryption. */
  readonly encryption: EncryptionInfo | undefined;
}

/** For the actor logic that users bind to a bus (actors/processor-logic.ts). */
export const processorHosts = new WeakMap<object, ProcessorHost>();

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
  readonly #core: BusCore;
  readonly #view: BusView<Events>;

  /**
   * Use `openBus` or `connectBus`.
   * @internal
   */
  constructor(core: BusCore) {
    this.#core = core;
    this.capabilities = core.store.capabilities;
    this.head$ = core.watch.head$;
    this.errors$ = core.errors$;
    this.#view = new BusView(core.path, undefined);
    if (core.processors !== undefined) processorHosts.set(this, core.processors);
    const inspection = new BusInspection(core);
    inspections.set(this, inspection);
    core.tellOthers(inspection);
  }

  /** What the bus is doing: `'open'`, `'failed'` (it only reads any more), one of the steps of closing, or `'closed'`. */
  get state(): BusState {
    return this.#core.state;
  }

  /** The last durable position; 0 while the store is empty. @throws {STORE_CLOSED} */
  get head(): number {
    this.#core.assertOpen();
    return this.#core.store.head();
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
    this.#core.assertOpen();
    return this.#core.listeners.on(wanted, listener, options);
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
    return this.#core.listeners.observable(options);
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
    return this.#core.correlation.run(checkedMetadata('run', options), use);
  }

  /**
   * Decisions on the state that each stream of a kind folds to: `load(id)`, `execute(id, command)`. Nothing is read yet.
   * @throws {TypeError} for options out of range, or an initial state that can't be kept in a snapshot.
   */
  aggregate<State, Command>(options: AggregateOptions<Events, State, Command>): Aggregate<State, Command> {
    const { reader, engine, identity } = this.#core.store;
    const report = this.#core.report;
    const world = { reader, engine, incarnation: identity.incarnation, path: this.#core.path, report };
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
    return this.#pages(scanSource(this.#core.store.reader, options), options.signal);
  }

  /**
   * Events of `stream` by version, up to its version of the moment the iteration starts; none if there is no such stream.
   * @throws as {@link Bus.read}, and {STREAM_NAME_INVALID}.
   */
  readStream(stream: string, options: ReadStreamOptions = {}): Pages<StoredEvent<Events>> {
    checkStreamName(stream);
    checkOptionNames('readStream', options);
    return this.#pages(streamSource(this.#core.store.reader, stream, options), options.signal);
  }

  /** The event at `position`, or `undefined` outside the log. @throws {TypeError} {STORE_CORRUPT} {STORE_CLOSED} */
  async event(position: number): Promise<StoredEvent<Events> | undefined> {
    if (!Number.isSafeInteger(position))
      throw new TypeError(`position must be a whole number, got ${String(position)}`);
    return (position < 1 ? undefined : this.#core.store.reader.event(position)) as StoredEvent<Events> | undefined;
  }

  /** The newest version and position of `stream`, or `undefined` if there is no such stream. @throws {STREAM_NAME_INVALID} */
  async stream(stream: string): Promise<StreamHead | undefined> {
    checkStreamName(stream);
    return this.#core.store.reader.streamHead(stream);
  }

  /** The streams of the store in the byte order of their names. Each page is as fresh as when it is asked for. */
  streams(options: StreamsOptions = {}): Pages<StreamInfo> {
    checkOptionNames('streams', options);
    return pagesOf(streamsSource(this.#core.store.reader, options), options.signal);
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
    const walks = subscriptionWalks(this.#core.store.reader, after, options);
    const open = (left: AbortSignal): PageSource<StoredEvent> => {
      const walk = walks();
      return async () => {
        const head = await this.#core.watch.beyond(walk.position(), signal, left);
        return head === undefined || this.#core.isClosing ? undefined : { items: walk.next(head), isLast: false };
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
    this.#core.assertOpen();
    const pool = await this.#core.readers();
    return runQuery<Result>(pool, this.#core.store.head(), module, options);
  }

  /**
   * A processor: hands events to `handle` or `handleBatch`, in order, each at least once, and keeps a durable cursor under
   * its name. It is not started yet.
   * @throws {TypeError} for options out of range. @throws {PROCESSOR_NAME_TAKEN} while another one of the name is not closed.
   * @throws {STORE_READ_ONLY} {STORE_CLOSED}. @throws {UNSUPPORTED} in connected threads: processors are at the other end.
   */
  processor<const Type extends string = string>(options: ProcessorOptions<Events, Type>): Processor {
    this.#core.assertOpen();
    return this.#core.requireProcessors().create(options);
  }

  /**
   * What the processor `name` gave up, whether it runs or not. Where the bus can't write, or in a connected thread, it can
   * only be read. @throws {TypeError} for a name that no processor can have
   */
  deadLetters(name: string): DeadLetters<Events> {
    checkConsumerName(name);
    const { appender } = this.#core.store;
    return new DeadLetters(name, this.#core.store, () => {
      this.#core.assertOpen();
      return { names: this.#core.requireProcessors().names, appender: appender as Appender };
    });
  }

  /** Its processors that are not closed, in the order in which they were made. */
  get processors(): readonly Processor[] {
    return this.#core.processors?.list ?? [];
  }

  /**
   * A read model kept in the store: `on` has a synchronous handler for each type of events it is made of, and what they set is
   * saved together with the position, exactly once. It is not started yet. Its entries are read here or by `view(name)`.
   * @throws as {@link Bus.processor}; names of processors and projections are one set.
   */
  projection<Value = unknown>(options: ProjectionOptions<Events, Value>): Projection<Value> {
    this.#core.assertOpen();
    this.#core.requireProcessors();
    return (this.#core.projections as Projections).create(options);
  }

  /** Its projections that are not closed, in the order in which they were made. */
  get projections(): readonly Projection[] {
    return this.#core.projections?.list ?? [];
  }

  /** The entries of a projection, whoever builds it: in any thread, and in processes that only read. @throws {TypeError} {STORE_CLOSED} */
  view<Value = unknown>(name: string): ProjectionReader<Value> {
    this.#core.assertOpen();
    checkConsumerName(name);
    return new StoredProjection<Value>(name, this.#core.projectionSource);
  }

  /**
   * Appends `event` to `stream` once its time has come, exactly once, also when the process has ended meanwhile: a timer that
   * is late fires when the store is opened next. Resolves when the timer is durable. What fires goes to the log like any
   * append, in the order of the times.
   * @throws {TIMERS_FULL} and for bad input {STREAM_NAME_INVALID} {EVENT_INVALID} {EVENT_TOO_LARGE} {SCHEMA_INVALID} {TypeError}:
   * nothing was written. @throws as {@link Bus.append} for the store. @throws {UNSUPPORTED} in connected threads.
   */
  async schedule(stream: string, event: NewEvent<Events>, options: ScheduleOptions): Promise<ScheduledTimer> {
    this.#core.assertOpen();
    const [timers, clock] = this.#core.requireTimers();
    const made = scheduleOrder(stream, event, options, readClock(clock), (appends, given) =>
      this.#core.path.encoded(appends, given),
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
    this.#core.assertOpen();
    checkTimerKey(key);
    checkOptionNames('cancelTimer', options);
    const [timers] = this.#core.requireTimers();
    return timers.order({ kind: 'cancel', key }, options.signal);
  }

  /**
   * The timers that have not fired yet, in the order in which they will. Each page is as fresh as when it is asked for.
   * @throws {TypeError} for options out of range. The iteration throws {STORE_CORRUPT} {STORE_CLOSED} {ABORTED}.
   */
  timers(options: TimersOptions = {}): Pages<PendingTimer<Events>> {
    checkOptionNames('timers', options);
    const { engine, identity } = this.#core.store;
    return pagesOf(timersSource(engine, identity.incarnation, options), options.signal) as Pages<PendingTimer<Events>>;
  }

  /**
   * Looks at the clock now, and resolves when everything that is due has been appended. Timers fire without it: it is for
   * tests that bring a `clock` of their own. @throws what keeps them from being appended, and as {@link Bus.schedule}.
   */
  async fireTimers(): Promise<void> {
    this.#core.assertOpen();
    const [timers] = this.#core.requireTimers();
    await timers.fireDue();
  }

  /**
   * Has another master key open the store from now on, while everything goes on: the keys of all events are wrapped anew, and
   * the old master key opens nothing any more. Keep both until it resolves: after a crash, or an error, it may be either.
   * Read-only buses of other processes need the new one, too (see {@link MasterKeyProvider}). `signal` ends the wait for a provider.
   * @throws {TypeError} for a key out of range. @throws {ABORTED} @throws {MASTER_KEY_REQUIRED} its provider did not give it (`cause`).
   * {MASTER_KEY_WRONG} that is no key. {STORE_READ_ONLY} {STORE_FULL} {STORE_FAILED} {STORE_CLOSED}. {UNSUPPORTED} the store is
   * not encrypted, or this is a connected thread.
   */
  async rotateMasterKey(next: MasterKeyOption, options: WaitOptions = {}): Promise<void> {
    const source = masterKeySource('next', next);
    refuseUnknownNames('rotateMasterKey', options, ['signal']);
    this.#core.assertWriting();
    const writer = this.#core.requireOwnWriter('rotateMasterKey', 'the master key is rotated');
    throwIfAborted(options.signal);
    const asked = askMasterKey(source, source.id, this.#core.store.engine.path);
    await writer.rotate(isThenable(asked) ? await untilAborted(asked, options.signal) : asked);
  }

  /**
   * Makes all events of a stream, or all that name a subject, unreadable for good, by erasing the keys they are sealed with; and
   * what was made of them: dead letters, snapshots, pending timers, projections. Resolves when every read that starts from then on,
   * in any process, sees it, and the projections that run here have taken it in. `signal` ends the wait. Appending to what was
   * erased is {KEY_ERASED} unless with `newKeyGeneration`. Again: what is left over is waited for again, for the same receipt.
   * @throws {TypeError} {STREAM_NAME_INVALID}. @throws {UNSUPPORTED} for a store without encryption, and in connected threads.
   * @throws {STORE_READ_ONLY} {STORE_CLOSED} {STORE_FULL} {STORE_FAILED} {ABORTED}
   */
  async erase(what: EraseTarget, options: WaitOptions = {}): Promise<ErasureReceipt> {
    this.#core.assertOpen();
    return this.#core.requireErasures().erase(what, options);
  }

  /**
   * A small file that tells of everything erased in this store so far, as bytes: `openBus({ encryption: { ledger } })` erases
   * it in a copy or a backup that is older. Names no stream or subject; keep it apart from the backups, the newest is enough.
   * @throws {UNSUPPORTED} for a store without encryption. @throws {STORE_CORRUPT} {STORE_FAILED} {STORE_CLOSED}
   */
  async eraseLedger(): Promise<Uint8Array> {
    this.#core.assertOpen();
    return ledgerOf(this.#core.store);
  }

  /**
   * Checks every block, the order, and the index tables against the log, while the store is in use; with `erased` also that
   * nothing is left of erased keys in any file.
   * @throws {TypeError} {ABORTED} {STORE_CLOSED}; {UNSUPPORTED} for `erased` in a store without encryption. Damage is reported, not
   * thrown.
   */
  verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    return verifyWith(this.#core.store, options);
  }

  /** How far each consumer has come, durably, and what it gave up; whether it runs or not. @throws {STORE_CORRUPT} */
  consumers(): ConsumerInfo[] {
    const { engine, reader } = this.#core.store;
    return readConsumers(engine, () => reader.head());
  }

  /** What the store says of itself. */
  info(): StoreInfo {
    const { identity, engine, reader, keys } = this.#core.store;
    const { cryptoId: _, ...facts } = identity;
    return {
      ...facts,
      incarnation: Buffer.from(identity.incarnation).toString('hex'),
      path: engine.path,
      head: reader.head(),
      indexedPosition: reader.indexedPosition(),
      sizeBytes: engine.sizeBytes(),
      encryption: keys && encryptionInfo(engine, keys.storage),
    };
  }

  /**
   * A port for another thread of this process: transfer it there, and give it to `connectBus`. One for each thread.
   * @throws {UNSUPPORTED} for a store in memory. @throws {STORE_CLOSED} {STORE_FAILED}
   */
  port(): MessagePort {
    this.#core.assertWriting();
    const { port1, port2 } = new MessageChannel();
    this.#core.ports.connect(port1, this.#core.store);
    return port2;
  }

  /**
   * Stops timers, processors at their cursors, and queries, commits what was appended, ends subscriptions, lets connected threads close,
   * and releases the store. Every step is bounded in time. Twice is fine.
   */
  close(): Promise<void> {
    return this.#core.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #pages<Event>(open: (left: AbortSignal) => PageSource<StoredEvent>, signal: AbortSignal | undefined): Pages<Event> {
    return pagesOf(open, signal) as unknown as Pages<Event>;
  }
}
