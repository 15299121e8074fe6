/**
 * A processor of one cursor: the whole of one, or a partition.
 *
 * Runs one actor of its machine at a time, and shows it: status, waits. Decides nothing itself: what it is told goes to the
 * machine (processor.machine.ts), whose states are its states. Only a crash of the machine is shown as a state from here.
 */
import type { Observable } from 'rxjs';
import { type Actor, createActor, type SnapshotFrom } from 'xstate';
import type { BusError } from '../src/errors.ts';
import { CaughtError } from './caught-error.ts';
import { type LaneFacts, LaneLook } from './lane-look.ts';
import { type LaneParts, type ProcessorPlace, partsOfWhole } from './lane-parts.ts';
import { LaneStatus } from './lane-status.ts';
import { type ProcessorMachine, processorMachine } from './processor.machine.ts';
import {
  type OwnedProcessor,
  processorStopped,
  type ResetOptions,
  requirePosition,
  type WaitOptions,
} from './processor.ts';
import { processorFailed } from './processor-errors.ts';
import type { ResolvedProcessorOptions } from './processor-options.ts';
import { processorPorts } from './processor-ports.ts';
import { type ProcessorState, type ProcessorStatus, StatusFeed } from './processor-status.ts';
import { type Condition, ProcessorWaits } from './processor-waits.ts';
import { ProgressMonitor } from './progress-monitor.ts';

export class ProcessorLane implements OwnedProcessor {
  readonly name: string;
  readonly state$: Observable<ProcessorStatus>;
  readonly look: LaneLook;
  readonly #place: ProcessorPlace;
  readonly #machine: ProcessorMachine;
  readonly #status = new LaneStatus();
  readonly #feed: StatusFeed;
  readonly #waits = new ProcessorWaits();
  readonly #monitor: ProgressMonitor;
  readonly #onChange: () => void;
  #actor: Actor<ProcessorMachine>;
  /** What ended the actor, if it was a bug. */
  #crash: CaughtError | undefined;
  #since: number;
  #state: ProcessorState = 'idle';
  #isToStartAgain = false;
  #closing: Promise<void> | undefined;

  constructor(
    place: ProcessorPlace,
    options: ResolvedProcessorOptions,
    parts: LaneParts = partsOfWhole(place, options),
  ) {
    const { store, random, lookers } = place;
    const { name } = options;
    this.name = name;
    const told = { now: () => store.now(), report: (error: unknown) => store.report(error) };
    this.look = new LaneLook({ name, lookers, ...told, facts: () => this.#facts });
    this.#place = place;
    this.#onChange = parts.onChange;
    this.#monitor = new ProgressMonitor(place, options, parts.alarm, () => this.#tellTags());
    const policy = { ...options, random, now: () => store.now() };
    const claim = { take: () => undefined, release: () => undefined };
    const ports = processorPorts(place, options, {
      claim,
      monitor: this.#monitor,
      layout: parts.layout,
      onGivenUp: (givenUp, phase) => this.look.gaveUp(givenUp, phase),
    });
    this.#machine = processorMachine(policy, ports);
    this.#since = store.now();
    this.#feed = new StatusFeed(store, place.clock, () => this.status);
    this.state$ = this.#feed.status$;
    this.#actor = this.#createActor();
  }

  get status(): ProcessorStatus {
    const snapshot = this.#actor.getSnapshot();
    const { name, state, isStalled } = this;
    return this.#status.of({
      name,
      state,
      snapshot,
      head: this.#head(),
      since: this.#since,
      crash: this.#crash,
      isStalled,
    });
  }

  get looks(): readonly LaneLook[] {
    return [this.look];
  }

  get #facts(): LaneFacts {
    return {
      state: this.#state,
      actor: this.#actor,
      isClosed: this.#closing !== undefined,
      isToStartAgain: this.#isToStartAgain,
      hasCrashed: this.#crash !== undefined,
    };
  }

  get state(): ProcessorState {
    return this.#state;
  }

  get isStalled(): boolean {
    return this.#monitor.isStalled;
  }

  start(): void {
    this.#requireOpen();
    if (this.#isStopping()) this.#isToStartAgain = true;
    else this.#livingActor().send({ type: 'START' });
  }

  stop(options: WaitOptions = {}): Promise<void> {
    this.#isToStartAgain = false;
    if (this.#crash !== undefined) this.#enter('stopped');
    else this.#tell('STOP');
    return this.#waits.until(() => this.#state === 'stopped', options.signal);
  }

  pause(): void {
    this.#tell('PAUSE');
  }

  resume(): void {
    this.#goOn('RESUME');
  }

  retryNow(): void {
    this.#goOn('RETRY_NOW');
  }

  skip(): void {
    this.#tell('SKIP');
  }

  async reset(options: ResetOptions): Promise<void> {
    this.#requireOpen();
    const { to, until } = options;
    requirePosition('to', to, 0, this.#place.store.head());
    if (until !== undefined) requirePosition('until', until, to, Number.MAX_SAFE_INTEGER);
    const actor = this.#livingActor();
    const before = actor.getSnapshot().context.resets;
    actor.send({ type: 'RESET', to, until });
    await this.#waitWhileLiving(() => actor.getSnapshot().context.resets > before, {});
  }

  waitFor(state: ProcessorState, options: WaitOptions = {}): Promise<void> {
    return this.#waits.state(this.name, () => this.#state, state, options.signal);
  }

  async caughtUp(options: WaitOptions = {}): Promise<void> {
    await this.reached(this.#place.store.head(), options);
  }

  async reached(position: number, options: WaitOptions = {}): Promise<void> {
    requirePosition('position', position, 0, Number.MAX_SAFE_INTEGER);
    await this.#waitWhileLiving(() => {
      const { isLoaded, reset, position: handled, unsaved } = this.#actor.getSnapshot().context;
      return isLoaded && reset === undefined && handled >= position && (unsaved?.setAside.givenUp.length ?? 0) === 0;
    }, options);
  }

  close(): Promise<void> {
    this.#closing ??= this.stop().then(() => this.#end());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  abandon(): void {
    if (this.#state !== 'stopped') {
      this.#isToStartAgain = false;
      this.#actor.stop();
      this.#enter('stopped');
    }
    this.#end();
  }

  #end(): void {
    this.#closing ??= Promise.resolve();
    this.#place.release();
    this.look.close();
    this.#feed.complete();
  }

  #createActor(): Actor<ProcessorMachine> {
    const actor = createActor(this.#machine, { clock: this.#place.clock, input: { isStarted: false } });
    this.#actor = actor;
    this.#crash = undefined;
    actor.subscribe({
      next: (snapshot) => this.#follow(snapshot),
      error: (error) => this.#crashed(CaughtError.of(error)),
    });
    this.look.restarted();
    actor.start();
    this.#enter('idle');
    return actor;
  }

  /** An actor that can be told something. */
  #livingActor(): Actor<ProcessorMachine> {
    return this.#actor.getSnapshot().status === 'active' ? this.#actor : this.#createActor();
  }

  #goOn(type: 'RESUME' | 'RETRY_NOW'): void {
    if (this.#crash !== undefined) this.start();
    else this.#tell(type);
  }

  #tellTags(): void {
    this.look.tagged();
    this.#feed.tellState();
    this.#onChange();
  }

  #tell(type: 'STOP' | 'PAUSE' | 'RESUME' | 'RETRY_NOW' | 'SKIP'): void {
    if (this.#actor.getSnapshot().status === 'active') this.#actor.send({ type });
  }

  #isStopping(): boolean {
    const { status, context } = this.#actor.getSnapshot();
    return status === 'active' && context.order === 'stop';
  }

  #follow(snapshot: SnapshotFrom<ProcessorMachine>): void {
    this.look.saw(snapshot);
    const state = stateOf(snapshot.value);
    if (state === this.#state) {
      this.#feed.tellNumbers();
      this.#waits.look();
      this.#onChange();
    } else {
      this.#enter(state);
    }
  }

  #enter(state: ProcessorState): void {
    const before = this.#state;
    this.#state = state;
    this.#since = this.#place.store.now();
    this.look.entered(before, state, this.#since);
    this.#feed.tellState();
    this.#waits.look();
    this.#onChange();
    if (state !== 'stopped' || !this.#isToStartAgain) return;
    this.#isToStartAgain = false;
    this.#livingActor().send({ type: 'START' });
  }

  /** The machine itself broke, which is a bug of ours. */
  #crashed(error: CaughtError): void {
    this.#crash = error;
    this.look.crashed(error);
    this.#place.store.report(this.#failed());
    this.#enter('failed');
  }

  async #waitWhileLiving(condition: Condition, { signal }: WaitOptions): Promise<void> {
    await this.#waits.until(() => {
      if (condition()) return true;
      if (this.#state === 'failed') throw this.#failed();
      if (this.#state === 'stopped') throw processorStopped(this.name);
      return false;
    }, signal);
  }

  #failed(): BusError {
    const { context } = this.#actor.getSnapshot();
    return processorFailed(this.name, { ...context, lastError: this.#crash ?? context.lastError });
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw processorStopped(this.name);
  }

  /** The head, as long as the store can tell. */
  #head(): number {
    try {
      return this.#place.store.head();
    } catch {
      // A closed store has none; the machine remembers the last.
      return 0;
    }
  }
}

/** The part of a machine's state that users see. */
function stateOf(value: string | object): ProcessorState {
  return (typeof value === 'string' ? value : Object.keys(value)[0]) as ProcessorState;
}
