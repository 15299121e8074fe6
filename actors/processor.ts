/**
 * A processor as its user holds it: one object for as long as the processor exists, however often it stops and starts, and
 * however many partitions it has.
 *
 * Made by one lane (processor-lane.ts), or by several side by side (partitioned-processor.ts).
 */
import { inspect } from 'node:util';
import type { Observable } from 'rxjs';
import { BusError } from '../src/errors.ts';
import type { LaneLook } from './lane-look.ts';
import type { ProcessorState, ProcessorStatus } from './processor-status.ts';

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

export interface Processor extends AsyncDisposable {
  readonly name: string;
  /** What it does now, and how far it is. With partitions: of all of them together, and of each. */
  readonly status: ProcessorStatus;
  /**
   * The current status, then each change: of the state at once, of numbers at most twenty times a second. Completes when
   * the bus, or the processor, closes. A subscriber that throws is reported on the bus and harms nobody.
   */
  readonly state$: Observable<ProcessorStatus>;

  /**
   * Starts, from the durable cursor; also after a stop, a pause or a failure. One that runs goes on, one that is just
   * stopping starts again. @throws {PROCESSOR_STOPPED} when it was closed.
   */
  start(): void;

  /**
   * Resolves when it has stopped: its handler is done, or was left behind after `drainMs`, and the cursor is saved, if
   * that was possible. It can be started again. @throws {ABORTED}: it stops nevertheless.
   */
  stop(options?: WaitOptions): Promise<void>;

  /** Saves the cursor and rests until `resume`. Nothing happens to one that does not run. */
  pause(): void;

  /** Goes on after `pause`, or after a failure. */
  resume(): void;

  /** Ends the wait for the next try, or the state `failed`. */
  retryNow(): void;

  /**
   * Passes the event that fails, while it waits to try it again or has `failed` over it, and goes on: the event is counted
   * and reported. Nothing happens where it is not known which event fails. With partitions: in each that fails.
   */
  skip(): void;

  /**
   * Moves the cursor to `to`, forward or back, in a new generation; events behind it are handled next, again if need be.
   * Resolves when that is durable. One that was not running does not run afterwards either, but one that had failed does.
   * @throws {TypeError} for a position that is none, or is beyond the head. @throws {PROCESSOR_FAILED} {PROCESSOR_STOPPED}
   */
  reset(options: ResetOptions): Promise<void>;

  /**
   * Resolves when it is in `state`. @throws {PROCESSOR_STOPPED} when it has stopped, unless that is waited for. {ABORTED}
   */
  waitFor(state: ProcessorState, options?: WaitOptions): Promise<void>;

  /**
   * Resolves when everything up to the head of this moment is handled.
   * @throws {PROCESSOR_FAILED} {PROCESSOR_STOPPED} when that does not come, {ABORTED}, {STORE_CLOSED}
   */
  caughtUp(options?: WaitOptions): Promise<void>;

  /** Resolves when everything up to `position` is handled. @throws as {@link Processor.caughtUp}; {TypeError} */
  reached(position: number, options?: WaitOptions): Promise<void>;

  /** Stops it for good and gives its name back. Twice is fine. */
  close(): Promise<void>;
}

/** What the bus that made it can do beside. */
export interface OwnedProcessor extends Processor {
  /** What each of its machines shows to those who look. */
  readonly looks: readonly LaneLook[];
  /** Ends it at once, as the end of the process would: nothing is saved any more. */
  abandon(): void;
}

/** What a wait is refused with whose end does not come. */
export function processorStopped(name: string): BusError {
  return new BusError('PROCESSOR_STOPPED', `the processor ${JSON.stringify(name)} was stopped`, { processor: name });
}

/** @throws {TypeError} unless `value` is a position from `least` to `most`. */
export function requirePosition(option: string, value: unknown, least: number, most: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
  const range =
    most === Number.MAX_SAFE_INTEGER ? `a position from ${least} on` : `a position from ${least} to ${most}`;
  throw new TypeError(`${option} must be ${range}, got ${inspect(value)}`);
}
