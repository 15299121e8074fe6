/**
 * The inside of a bus: puts store, watch, appends, listeners, processors, projections, timers and readers together, and ends
 * them in their order (bus.machine.ts).
 *
 * What users see of it is the bus (bus.ts), which asks for the parts it needs here.
 */

import { type Observable, Subject } from 'rxjs';
import { type Actor, createActor, toPromise } from 'xstate';
import type { Erasable } from '../src/crypto/key-owner.ts';
import { BusError } from '../src/errors.ts';
import { processorsStopMaxMs } from '../src/limits.ts';
import { readClock } from '../src/log/clock.ts';
import { ErasureCounts } from '../src/log/erasure-counts.ts';
import type { RowDraft } from '../src/log/row-draft.ts';
import type { SchemaSet } from '../src/log/schemas.ts';
import type { AppendResult } from '../src/types.ts';
import { AppendPath } from './append-path.ts';
import type { Appender } from './appender.ts';
import { type BusMachine, type BusState, busMachine } from './bus.machine.ts';
import { Correlation } from './correlation.ts';
import { Erasures } from './erasure.ts';
import { ErasureGate } from './erasure-gate.ts';
import { GuardedObservable } from './guarded-observable.ts';
import type { Inspection } from './inspection.ts';
import { Listeners, liveSource } from './listeners.ts';
import type { OpenStore, StoreEvents } from './open-store.ts';
import type { ResolvedOptions } from './options.ts';
import { Ports } from './ports.ts';
import { type ProcessorStore, processorStore } from './processor-store.ts';
import { Processors } from './processors.ts';
import type { ProjectionSource } from './projection-reader.ts';
import { ProjectionWatch } from './projection-watch.ts';
import { Projections } from './projections.ts';
import { PublishGate } from './publish-gate.ts';
import type { ReaderPool } from './reader-pool.ts';
import { type StatusWriter, statusWriterOn } from './status-writer.ts';
import { TimerService } from './timer-service.ts';
import { timerStore } from './timer-store.ts';
import { warn } from './warning.ts';
import { HeadWatch } from './watch.ts';
import { withinMs } from './within-ms.ts';

/** What a bus needs to know beside its store; a connected one leaves processors and queries to the bus at the other end. */
export type BusSettings = Pick<ResolvedOptions, 'readers' | 'clock' | 'force' | 'logger' | 'schemas'> | undefined;

/** The parts that messages go to. */
export interface LivingParts {
  readonly store: OpenStore;
  readonly watch: HeadWatch;
  readonly listeners: Listeners;
  readonly timers: TimerService | undefined;
  readonly readers: ReaderPool | undefined;
  readonly ports: Ports;
}

export class BusCore {
  readonly store: OpenStore;
  readonly watch: HeadWatch;
  readonly errors$: Observable<unknown>;
  readonly correlation = new Correlation();
  readonly path: AppendPath;
  readonly listeners: Listeners;
  readonly ports = new Ports();
  readonly projectionSource: ProjectionSource;
  /** `undefined` where the bus can't write, or is connected to one that does; so are the next two. */
  readonly processors: Processors | undefined;
  readonly projections: Projections | undefined;
  readonly #timers: TimerService | undefined;
  readonly #erasures: Erasures | undefined;
  readonly #errors = new Subject<unknown>();
  readonly #gate = new PublishGate();
  readonly #actor: Actor<BusMachine>;
  readonly #settings: BusSettings;
  #readers: Promise<ReaderPool> | undefined;
  #statusWriter: StatusWriter | undefined;
  /** What ended writing, if something has. */
  #failure: unknown;
  /** Once they have started. */
  #pool: ReaderPool | undefined;
  #closing: Promise<void> | undefined;

  constructor(open: (events: StoreEvents) => OpenStore, settings: BusSettings, schemas: SchemaSet | undefined) {
    const { report } = this;
    const store = open({ onFailed: (error) => this.#fail(error) });
    this.store = store;
    this.errors$ = new GuardedObservable(
      (subscriber) => this.#errors.subscribe(subscriber),
      (error) => this.#warn(error),
    );
    this.watch = new HeadWatch({ head: store.head, listen: store.listen, onError: report });
    this.#settings = settings;
    this.path = new AppendPath({
      path: store.engine.path,
      appender: store.appender,
      schemas,
      correlation: this.correlation,
      gate: this.#gate,
      assertOpen: () => this.assertOpen(),
    });
    this.listeners = new Listeners(liveSource(store, this.watch, report), this.#gate);
    const { engine, appender, identity } = store;
    const { incarnation } = identity;
    this.projectionSource = { engine, incarnation, watch: new ProjectionWatch(store.listen), report };
    if (settings !== undefined && appender !== undefined) {
      const { clock, logger } = settings;
      const appendFor: ProcessorStore['appendFor'] = (stream, events, request) =>
        this.path.submit([{ stream, events }], request, ([result]) => result as AppendResult);
      const readers = engine.capabilities.threads ? () => this.readers() : undefined;
      const parts = { appendFor, readers, logger, clock, report };
      const processors = processorStore(store, appender, this.watch, parts);
      this.processors = new Processors(processors);
      const writeRows = (rows: readonly RowDraft[]) => appender.writeRows(rows);
      const eraseKey = async (what: Erasable) => void (await appender.erase(what));
      const gate = new ErasureGate();
      const erasuresDone = () => gate.passed();
      const counts = new ErasureCounts(engine, store.reader);
      const erasuresBetween = (since: number, until: number) => counts.between(since, until);
      const erasures = { eraseKey, erasuresDone, erasuresBetween };
      const projectionStore = { processors, engine, incarnation, writeRows, ...erasures };
      const projections = new Projections(this.processors, projectionStore, this.projectionSource);
      this.projections = projections;
      const erase = (what: Erasable) => appender.erase(what);
      const timers = new TimerService(timerStore(store, appender, clock, report));
      this.#timers = timers;
      const dropTimers = (stream: string | undefined) => timers.dropErased(stream);
      const erasureStore = { engine, reader: store.reader, counts, erase, dropTimers };
      this.#erasures = new Erasures(erasureStore, gate, () => projections.erasures);
      timers.start();
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

  get state(): BusState {
    return this.#actor.getSnapshot().value;
  }

  /** Tells other processes what this bus does, where it writes a store that they can read. */
  tellOthers(inspection: Inspection): void {
    if (this.#settings === undefined) return;
    this.#statusWriter = statusWriterOn(this.store, inspection, (wake) => {
      const subscription = this.#actor.subscribe(wake);
      return () => subscription.unsubscribe();
    });
  }

  /** Milliseconds since 1970, by the clock that the bus was given. */
  now(): number {
    return readClock(this.#settings?.clock ?? Date.now);
  }

  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  /** Tells of a failure that nobody waits for. */
  readonly report = (error: unknown): void => {
    if (this.#errors.observed) this.#errors.next(error);
    else this.#warn(error);
  };

  #warn(error: unknown): void {
    warn(error, this.store.keys !== undefined);
  }

  assertOpen(): void {
    if (this.#closing !== undefined) throw this.#closedError();
  }

  /** @throws {STORE_FAILED} {STORE_CLOSED} */
  assertWriting(): void {
    this.assertOpen();
    if (this.#failure !== undefined) throw this.#failure;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#gate.close(this.#closedError());
    this.#actor.send({ type: 'CLOSE' });
    await toPromise(this.#actor);
    this.#errors.complete();
  }

  async #release(): Promise<void> {
    this.watch.close();
    this.projectionSource.watch.close();
    await this.#tried(async () => this.#statusWriter?.close());
    await this.store.release();
  }

  async #stopProcessors(): Promise<void> {
    const projections = this.projections?.close();
    await this.processors?.close(processorsStopMaxMs);
    if (projections !== undefined) await withinMs(processorsStopMaxMs, projections);
  }

  /** @throws {STORE_READ_ONLY} {UNSUPPORTED} */
  requireProcessors(): Processors {
    if (this.processors !== undefined) return this.processors;
    throw this.#notHere('cursors', 'processors', 'processors run');
  }

  /** @throws {STORE_READ_ONLY} {UNSUPPORTED} */
  requireTimers(): readonly [timers: TimerService, clock: () => number] {
    if (this.#timers !== undefined && this.#settings !== undefined) return [this.#timers, this.#settings.clock];
    throw this.#notHere('timers', 'timers', 'timers are');
  }

  /** @throws {STORE_READ_ONLY} {UNSUPPORTED} */
  requireOwnWriter(feature: string, subject: string): Appender {
    const { appender } = this.store;
    if (this.#settings !== undefined && appender !== undefined) return appender;
    throw this.#notHere('keys', feature, subject);
  }

  /** @throws {STORE_READ_ONLY} {UNSUPPORTED} */
  requireErasures(): Erasures {
    if (this.#erasures === undefined) throw this.#notHere('keys', 'erase', 'erasing is');
    const { path } = this.store.engine;
    if (this.store.engine.read((snapshot) => snapshot.keys) !== undefined) return this.#erasures;
    const message = `nothing in ${path} is encrypted, so nothing can be made unreadable: open it with \`encryption\`, then what is appended from there on can be erased`;
    throw new BusError('UNSUPPORTED', message, { feature: 'erase' });
  }

  /** What only the bus has that writes, in the thread that opened it. */
  #notHere(kept: string, feature: string, subject: string): BusError {
    const { path } = this.store.engine;
    return this.store.appender === undefined
      ? new BusError('STORE_READ_ONLY', `${path} was opened read-only: it keeps no ${kept}`, { path })
      : new BusError('UNSUPPORTED', `${subject} on the bus that this thread is connected to`, { feature });
  }

  /** What is alive in it, for those who look. */
  get living(): LivingParts {
    const { store, watch, listeners, ports } = this;
    return { store, watch, listeners, ports, timers: this.#timers, readers: this.#pool };
  }

  /** The reader threads, which start with the first query, or handler in a thread. @throws {UNSUPPORTED} */
  async readers(): Promise<ReaderPool> {
    const { engine } = this.store;
    if (this.#settings !== undefined && engine.capabilities.threads) {
      this.#readers ??= this.#startReaders(this.#settings);
      return this.#readers;
    }
    throw new BusError('UNSUPPORTED', `there are no reader threads for the store at ${engine.path} here`, {
      feature: 'queries',
    });
  }

  /** Loaded now only: an application without any pays nothing for the pool. */
  async #startReaders({ readers: threads, force }: NonNullable<BusSettings>): Promise<ReaderPool> {
    const { engine, keys, counts } = this.store;
    const { ReaderPool } = await import('./reader-pool.ts');
    const secrets = keys?.secrets.memory;
    this.#pool = new ReaderPool({ path: engine.path, secrets, counts, threads, force, onError: this.report });
    return this.#pool;
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.#actor.send({ type: 'WRITER_FAILED' });
    this.report(error);
  }

  async #tried(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.report(error);
    }
  }

  #closedError(): BusError {
    return new BusError('STORE_CLOSED', 'the bus is closed', { path: this.store.engine.path });
  }
}
