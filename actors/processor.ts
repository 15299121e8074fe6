/**
 * A processor as its user holds it: one object for as long as the processor exists, however often it stops and starts.
 *
 * Runs one actor of its machine at a time, and shows it: status, waits. Decides nothing itself: what it is told goes to the
 * machine (processor.machine.ts), whose states are its states. Only a crash of the machine is shown as a state from here.
 */
import { inspect } from 'node:util';
import type { Observable } from 'rxjs';
import { type Actor, createActor } from 'xstate';
import { BusError } from '../src/errors.ts';
import { CaughtError } from './caught-error.ts';
import { type ProcessorMachine, processorMachine } from './processor.machine.ts';
import type { ProcessorHost } from './processor-names.ts';
import type { ResolvedProcessorOptions } from './processor-options.ts';
import { processorFailed, processorPorts } from './processor-ports.ts';
import {
  numbersOf,
  type ProcessorState,
  type ProcessorStatus,
  type ProcessorTag,
  StatusFeed,
  summaryOf,
} from './processor-status.ts';
import { type Condition, ProcessorWaits } from './processor-waits.ts';

/** For waiting no longer than one wants to. */
export interface WaitOptions {
  /** Ends the wait, and nothing else. */
  readonly signal?: AbortSignal;
}

/** Where a processor is to go. */
export interface ResetOptions {
  /** The last position that is to count as handled; 0 is the beginning. At most the head. */
  readonly to: number;
  /** Pauses once everything up to this position is handled. */
  readonly until?: number;
}

/** What a processor needs from where it lives. */
export interface ProcessorPlace extends ProcessorHost {
  readonly random: () => number;
  /** Gives the name back. */
  readonly release: () => void;
}

export class Processor implements AsyncDisposable {
  readonly name: string;
  /**
   * The current status, then each change: of the state at once, of numbers at most twenty times a second. Completes when
   * the bus, or the processor, closes. A subscriber that throws is reported on the bus and harms nobody.
   */
  readonly state$: Observable<ProcessorStatus>;
  readonly #place: ProcessorPlace;
  readonly #machine: ProcessorMachine;
  readonly #feed: StatusFeed;
  readonly #waits = new ProcessorWaits();
  #actor: Actor<ProcessorMachine>;
  /** What ended the actor, if it was a bug. */
  #crash: CaughtError | undefined;
  #since: number;
  #state: ProcessorState = 'idle';
  #isToStartAgain = false;
  #closing: Promise<void> | undefined;

  /**
   * Use `bus.processor`.
   * @internal
   */
  constructor(place: ProcessorPlace, options: ResolvedProcessorOptions) {
    const { store, random } = place;
    this.name = options.name;
    this.#place = place;
    const policy = { ...options, random, now: () => store.now() };
    const claim = { take: () => undefined, release: () => undefined };
    this.#machine = processorMachine(policy, processorPorts(place, options, claim));
    this.#since = store.now();
    this.#feed = new StatusFeed(store, place.clock, () => this.status);
    this.state$ = this.#feed.status$;
    this.#actor = this.#createActor();
  }

  /** What it does now, and how far it is. */
  get status(): ProcessorStatus {
    const { tags, context } = this.#actor.getSnapshot();
    const head = Math.max(this.#head(), context.head);
    const numbers = numbersOf(context, head, this.#since);
    const crash = this.#crash;
    return {
      name: this.name,
      state: this.#state,
      tags: crash === undefined ? ([...tags].sort() as ProcessorTag[]) : ['resting', 'unhealthy'],
      context: crash === undefined ? numbers : { ...numbers, lastError: summaryOf(crash) },
    };
  }

  /**
   * Starts, from the durable cursor; also after a stop, a pause or a failure. One that runs goes on, one that is just
   * stopping starts again. @throws {PROCESSOR_STOPPED} when it was closed.
   */
  start(): void {
    this.#requireOpen();
    if (this.#isStopping()) this.#isToStartAgain = true;
    else this.#livingActor().send({ type: 'START' });
  }

  /**
   * Resolves when it has stopped: its handler is done, or was left behind after `drainMs`, and the cursor is saved, if
   * that was possible. It can be started again. @throws {ABORTED}: it stops nevertheless.
   */
  stop(options: WaitOptions = {}): Promise<void> {
    this.#isToStartAgain = false;
    if (this.#crash !== undefined) this.#enter('stopped');
    else this.#tell('STOP');
    return this.#waits.until(() => this.#state === 'stopped', options.signal);
  }

  /** Saves the cursor and rests until `resume`. Nothing happens to one that does not run. */
  pause(): void {
    this.#tell('PAUSE');
  }

  /** Goes on after `pause`, or after a failure. */
  resume(): void {
    this.#goOn('RESUME');
  }

  /** Ends the wait for the next try, or the state `failed`. */
  retryNow(): void {
    this.#goOn('RETRY_NOW');
  }

  /**
   * Passes the event that fails, while it waits to try it again or has `failed` over it, and goes on: the event is counted
   * and reported. Nothing happens where it is not known which event fails.
   */
  skip(): void {
    this.#tell('SKIP');
  }

  /**
   * Moves the cursor to `to`, forward or back, in a new generation; events behind it are handled next, again if need be.
   * Resolves when that is durable. One that was not running does not run afterwards either, but one that had failed does.
   * @throws {TypeError} for a position that is none, or is beyond the head. @throws {PROCESSOR_FAILED} {PROCESSOR_STOPPED}
   */
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

  /**
   * Resolves when it is in `state`. @throws {PROCESSOR_STOPPED} when it has stopped, unless that is waited for. {ABORTED}
   */
  waitFor(state: ProcessorState, options: WaitOptions = {}): Promise<void> {
    return this.#waits.until(() => {
      if (this.#state === state) return true;
      if (this.#state === 'stopped') throw this.#stopped();
      return false;
    }, options.signal);
  }

  /**
   * Resolves when everything up to the head of this moment is handled.
   * @throws {PROCESSOR_FAILED} {PROCESSOR_STOPPED} when that does not come, {ABORTED}, {STORE_CLOSED}
   */
  async caughtUp(options: WaitOptions = {}): Promise<void> {
    await this.reached(this.#place.store.head(), options);
  }

  /** Resolves when everything up to `position` is handled. @throws as {@link Processor.caughtUp}; {TypeError} */
  async reached(position: number, options: WaitOptions = {}): Promise<void> {
    requirePosition('position', position, 0, Number.MAX_SAFE_INTEGER);
    await this.#waitWhileLiving(() => {
      const { isLoaded, reset, position: handled } = this.#actor.getSnapshot().context;
      return isLoaded && reset === undefined && handled >= position;
    }, options);
  }

  /** Stops it for good and gives its name back. Twice is fine. */
  close(): Promise<void> {
    this.#closing ??= this.stop().then(() => this.#end());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Ends it at once, as the end of the process would: nothing is saved any more.
   * @internal
   */
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
    this.#feed.complete();
  }

  #createActor(): Actor<ProcessorMachine> {
    const actor = createActor(this.#machine, { clock: this.#place.clock, input: { isStarted: false } });
    this.#actor = actor;
    this.#crash = undefined;
    actor.subscribe({
      next: (snapshot) => this.#follow(stateOf(snapshot.value)),
      error: (error) => this.#crashed(CaughtError.of(error)),
    });
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

  #tell(type: 'STOP' | 'PAUSE' | 'RESUME' | 'RETRY_NOW' | 'SKIP'): void {
    if (this.#actor.getSnapshot().status === 'active') this.#actor.send({ type });
  }

  #isStopping(): boolean {
    const { status, context } = this.#actor.getSnapshot();
    return status === 'active' && context.order === 'stop';
  }

  #follow(state: ProcessorState): void {
    if (state === this.#state) {
      this.#feed.tellNumbers();
      this.#waits.look();
    } else {
      this.#enter(state);
    }
  }

  #enter(state: ProcessorState): void {
    this.#state = state;
    this.#since = this.#place.store.now();
    this.#feed.tellState();
    this.#waits.look();
    if (state !== 'stopped' || !this.#isToStartAgain) return;
    this.#isToStartAgain = false;
    this.#livingActor().send({ type: 'START' });
  }

  /** The machine itself broke, which is a bug of ours. */
  #crashed(error: CaughtError): void {
    this.#crash = error;
    this.#place.store.report(this.#failed());
    this.#enter('failed');
  }

  async #waitWhileLiving(condition: Condition, { signal }: WaitOptions): Promise<void> {
    await this.#waits.until(() => {
      if (condition()) return true;
      if (this.#state === 'failed') throw this.#failed();
      if (this.#state === 'stopped') throw this.#stopped();
      return false;
    }, signal);
  }

  #failed(): BusError {
    const { context } = this.#actor.getSnapshot();
    return processorFailed(this.name, { ...context, lastError: this.#crash ?? context.lastError });
  }

  #stopped(): BusError {
    return new BusError('PROCESSOR_STOPPED', `the processor ${JSON.stringify(this.name)} was stopped`, {
      processor: this.name,
    });
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw this.#stopped();
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

function requirePosition(option: string, value: unknown, least: number, most: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
  const range =
    most === Number.MAX_SAFE_INTEGER ? `a position from ${least} on` : `a position from ${least} to ${most}`;
  throw new TypeError(`${option} must be ${range}, got ${inspect(value)}`);
}
