/**
 * A processor of several partitions: a lane for each, side by side, behind one handle.
 *
 * Each lane has its own cursor and its own troubles: one that fails stops no other. What the handle is told, all lanes are
 * told; what it waits for, it waits for in all of them.
 */
import type { Observable } from 'rxjs';
import { CursorLayout } from './cursor-layout.ts';
import { Derived } from './derived.ts';
import type { LaneLook } from './lane-look.ts';
import type { ProcessorPlace } from './lane-parts.ts';
import { stateOfAll, statusOfAll } from './partition-status.ts';
import { type OwnedProcessor, processorStopped, type ResetOptions, type WaitOptions } from './processor.ts';
import { ProcessorLane } from './processor-lane.ts';
import { partitionOptions, type ResolvedProcessorOptions } from './processor-options.ts';
import { type ProcessorState, type ProcessorStatus, StatusFeed } from './processor-status.ts';
import { ProcessorWaits } from './processor-waits.ts';
import { LagAlarm } from './progress-monitor.ts';

export class PartitionedProcessor implements OwnedProcessor {
  readonly name: string;
  readonly state$: Observable<ProcessorStatus>;
  readonly #place: ProcessorPlace;
  readonly looks: readonly LaneLook[];
  readonly #lanes: readonly ProcessorLane[];
  readonly #status = new Derived<ProcessorStatus>();
  readonly #feed: StatusFeed;
  readonly #waits = new ProcessorWaits();
  #state: ProcessorState = 'idle';
  #isStalled = false;
  #since: number;
  #closing: Promise<void> | undefined;

  constructor(place: ProcessorPlace, options: ResolvedProcessorOptions) {
    const { store, clock } = place;
    const { name, from, partitions, maxLag } = options;
    this.name = name;
    this.#place = place;
    this.#since = store.now();
    this.#feed = new StatusFeed(store, clock, () => this.status);
    this.state$ = this.#feed.status$;
    const parts = {
      layout: new CursorLayout(place, name, from, partitions),
      alarm: maxLag && new LagAlarm(maxLag, (error) => store.report(error)),
      onChange: () => this.#follow(),
    };
    const lanePlace = { ...place, release: () => undefined };
    const lanes: ProcessorLane[] = [];
    this.#lanes = lanes;
    for (const each of partitionOptions(options)) lanes.push(new ProcessorLane(lanePlace, each, parts));
    this.looks = lanes.map((lane) => lane.look);
  }

  get status(): ProcessorStatus {
    const partitions = this.#lanes.map((lane) => lane.status);
    return this.#status.of([...partitions, this.#since], () => statusOfAll(this.name, partitions, this.#since));
  }

  start(): void {
    if (this.#closing !== undefined) throw processorStopped(this.name);
    for (const lane of this.#lanes) lane.start();
  }

  stop(options: WaitOptions = {}): Promise<void> {
    return this.#inAll((lane, signal) => lane.stop({ signal }), options);
  }

  pause(): void {
    for (const lane of this.#lanes) lane.pause();
  }

  resume(): void {
    for (const lane of this.#lanes) lane.resume();
  }

  retryNow(): void {
    for (const lane of this.#lanes) lane.retryNow();
  }

  skip(): void {
    for (const lane of this.#lanes) lane.skip();
  }

  async reset(options: ResetOptions): Promise<void> {
    await this.#inAll((lane) => lane.reset(options), {});
  }

  waitFor(state: ProcessorState, options: WaitOptions = {}): Promise<void> {
    return this.#waits.state(this.name, () => this.#state, state, options.signal);
  }

  async caughtUp(options: WaitOptions = {}): Promise<void> {
    await this.reached(this.#place.store.head(), options);
  }

  async reached(position: number, options: WaitOptions = {}): Promise<void> {
    await this.#inAll((lane, signal) => lane.reached(position, { signal }), options);
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all(this.#lanes.map((lane) => lane.close())).then(() => this.#end());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  abandon(): void {
    this.#closing ??= Promise.resolve();
    for (const lane of this.#lanes) lane.abandon();
    this.#end();
  }

  /** Waits in all lanes until the first wait fails, and leaves none behind. */
  async #inAll(
    wait: (lane: ProcessorLane, signal: AbortSignal) => Promise<void>,
    { signal }: WaitOptions,
  ): Promise<void> {
    const failed = new AbortController();
    const either = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
    try {
      await Promise.all(this.#lanes.map((lane) => wait(lane, either)));
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  }

  #end(): void {
    this.#place.release();
    this.#feed.complete();
  }

  /** A lane has changed: what is told at once is what changes of the whole. */
  #follow(): void {
    const state = stateOfAll(this.#lanes.map((lane) => lane.state));
    const isStalled = this.#lanes.some((lane) => lane.isStalled);
    const isNew = state !== this.#state;
    if (isNew) {
      this.#state = state;
      this.#since = this.#place.store.now();
    }
    if (isNew || isStalled !== this.#isStalled) this.#feed.tellState();
    else this.#feed.tellNumbers();
    this.#isStalled = isStalled;
    this.#waits.look();
  }
}
