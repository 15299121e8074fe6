/**
 * A projection as its user holds it: its processor and what it has built, in one object.
 *
 * Reading is that of `bus.view(name)`; running is that of a processor, whose statechart it shows. Builds anew beside what is
 * read, never in place of it.
 */
import { map, type Observable } from 'rxjs';
import { BusError, isBusError } from '../src/errors.ts';
import type { Pages } from '../src/types.ts';
import type { Processor, WaitOptions } from './processor.ts';
import type { ProcessorState, ProcessorStatus } from './processor-status.ts';
import type { ProjectionBreaks } from './projection-breaks.ts';
import type { Moment, ProjectionRangeOptions, StoredProjection } from './projection-reader.ts';
import type { ProjectionSweep } from './projection-sweep.ts';
import type { ProjectionEntry } from './projection-view.ts';

/** A processor's status, where `generation` is the number of the build it works on, and what is read meanwhile. */
export interface ProjectionStatus extends ProcessorStatus {
  /** Of the handlers that run here. */
  readonly version: number;
  /** What is read. While `version` or the position differ from those above, a build is on its way. */
  readonly active: { readonly version: number | undefined; readonly position: number };
  /** A build is on its way: `context.position` of `context.head` is done, and then it is read. */
  readonly isBuilding: boolean;
}

/** What a projection is made of. */
export interface ProjectionParts<Value> {
  readonly version: number;
  readonly processor: Processor;
  readonly reader: StoredProjection<Value>;
  readonly sweep: ProjectionSweep;
  readonly breaks: ProjectionBreaks;
  readonly isBuilding: () => boolean;
  /** The number of the build it works on. */
  readonly build: () => number | undefined;
  readonly head: () => number;
  /** Begins a build for the next start. */
  readonly beginBuild: () => Promise<void>;
  readonly release: () => void;
}

export class Projection<Value = unknown> implements AsyncDisposable {
  readonly name: string;
  /** As with processors: each state at once, numbers at most twenty times a second. */
  readonly state$: Observable<ProjectionStatus>;
  readonly #parts: ProjectionParts<Value>;
  #isToRun = false;
  #active: ProjectionStatus['active'] = { version: undefined, position: 0 };
  #closing: Promise<void> | undefined;

  /**
   * Use `bus.projection`.
   * @internal
   */
  constructor(parts: ProjectionParts<Value>) {
    this.name = parts.reader.name;
    this.#parts = parts;
    this.state$ = parts.processor.state$.pipe(map((status) => this.#withBuild(status)));
  }

  /**
   * What was asked for last.
   * @internal
   */
  get isToRun(): boolean {
    return this.#isToRun;
  }

  /** What it does now, how far it is, and what is read. */
  get status(): ProjectionStatus {
    return this.#withBuild(this.#parts.processor.status);
  }

  /** The version of the handlers whose entries are read; `undefined` as long as nothing was built. @throws {STORE_CLOSED} */
  get version(): number | undefined {
    return this.#parts.reader.version;
  }

  /** The events up to here are in what is read. @throws {STORE_CLOSED} */
  get position(): number {
    return this.#parts.reader.position;
  }

  /** @throws {TypeError} {STORE_CORRUPT} {STORE_CLOSED} */
  get(key: string): Promise<Value | undefined> {
    return this.#parts.reader.get(key);
  }

  /** Entries in the order of their keys' bytes: see `range` of {@link Bus.view}. */
  range(options: ProjectionRangeOptions = {}): Pages<ProjectionEntry<Value>> {
    return this.#parts.reader.range(options);
  }

  /** The value, then each change, conflated; `undefined` where there is none. Completes when the bus closes. */
  watch(key: string): Observable<Value | undefined> {
    return this.#parts.reader.watch(key);
  }

  /** Starts, where it was; also after a stop, a pause or a failure. @throws {PROCESSOR_STOPPED} when it was closed. */
  start(): void {
    this.#parts.processor.start();
    this.#isToRun = true;
  }

  /** Resolves when it has stopped and has saved what it did. It can be started again. @throws {ABORTED}: it stops nevertheless. */
  stop(options: WaitOptions = {}): Promise<void> {
    this.#isToRun = false;
    return this.#parts.processor.stop(options);
  }

  /** Saves and rests until `resume`. Nothing happens to one that does not run. */
  pause(): void {
    this.#isToRun = false;
    this.#parts.processor.pause();
  }

  /** Goes on after `pause`, or after a failure. */
  resume(): void {
    this.#isToRun = true;
    this.#parts.processor.resume();
  }

  /** Ends the wait for the next try, or the state `failed`. */
  retryNow(): void {
    this.#parts.processor.retryNow();
  }

  /** Passes the event that fails, as {@link Processor.skip} does. */
  skip(): void {
    this.#parts.processor.skip();
  }

  /**
   * A position: resolves when the events up to it are in what is read, also if nothing runs here. A state: resolves when it is
   * in it. @throws {PROCESSOR_STOPPED} while waiting for another state than that, {ABORTED} {STORE_CLOSED} {TypeError}
   */
  waitFor(target: number | ProcessorState, options: WaitOptions = {}): Promise<void> {
    if (typeof target === 'string') return this.#parts.processor.waitFor(target, options);
    return this.#parts.reader.waitFor(target, options);
  }

  /**
   * Resolves when everything up to the head of this moment is in what is read; a build that is on its way has then taken over.
   * @throws {PROCESSOR_FAILED} {PROCESSOR_STOPPED} when that does not come, {ABORTED} {STORE_CLOSED}
   */
  async caughtUp({ signal }: WaitOptions = {}): Promise<void> {
    const { processor, reader, head, build } = this.#parts;
    const target = head();
    await processor.reached(target, signal === undefined ? {} : { signal });
    if (target === 0) return;
    const left = new AbortController();
    // What was handled is saved by whatever ends the processor, unless that fails.
    const ended = processor.state$.subscribe(({ state }) => {
      if (state === 'failed' || state === 'stopped') left.abort();
    });
    const isRead = (moment: Moment) => moment.build?.build === build() && moment.position >= target;
    const signals = signal === undefined ? left.signal : AbortSignal.any([left.signal, signal]);
    try {
      await reader.waitUntil(isRead, { signal: signals });
    } catch (error) {
      throw left.signal.aborted && isBusError(error, 'ABORTED') ? this.#ended() : error;
    } finally {
      ended.unsubscribe();
    }
  }

  /**
   * Builds it anew from the beginning of the log, beside what is read; `caughtUp()` waits until the new build is read. Resolves
   * when that is durable. One that was not running does not run afterwards either, but one that had failed does.
   * @throws {PROCESSOR_STOPPED} when it was closed, and whatever a commit fails for.
   */
  async rebuild(): Promise<void> {
    if (this.#closing !== undefined) throw this.#ended();
    await this.#parts.breaks.during(() => this.#rebuild());
  }

  async #rebuild(): Promise<void> {
    const { processor, beginBuild } = this.#parts;
    const isToRun = this.#isToRun;
    await processor.stop();
    try {
      await beginBuild();
    } finally {
      // Unless it was told otherwise meanwhile.
      if (isToRun && this.#isToRun && this.#closing === undefined) processor.start();
    }
  }

  /** Stops it for good and gives its name back; what it has built stays and can be read. Twice is fine. */
  close(): Promise<void> {
    this.#isToRun = false;
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#parts.processor.close();
    await this.#parts.sweep.close();
    this.#parts.release();
  }

  #withBuild(status: ProcessorStatus): ProjectionStatus {
    const { version, reader, isBuilding } = this.#parts;
    try {
      const { build, position } = reader.moment;
      this.#active = { version: build?.version, position };
    } catch {
      // A closed store has none; it stays as it was last seen.
    }
    return { ...status, version, active: this.#active, isBuilding: isBuilding() };
  }

  #ended(): BusError {
    const { state, context } = this.#parts.processor.status;
    const what = `the projection ${JSON.stringify(this.name)}`;
    if (state !== 'failed') {
      return new BusError('PROCESSOR_STOPPED', `${what} was stopped`, { processor: this.name });
    }
    const { position, attempts, lastError } = context;
    const message = `${what} gave up behind position ${position}: ${lastError?.message ?? 'no reason is known'}`;
    return new BusError('PROCESSOR_FAILED', message, { processor: this.name, position, attempts });
  }
}
