/**
 * What happens when a handler fails: the options, their defaults, and the one place where they are checked.
 */
import { dayMs, hourMs, isWhole, isWithin, withValues, wrong } from './option-checks.ts';

/** How long to wait before what failed is tried again: `minMs * factor ** (failures - 1)`, at most `maxMs`. */
export interface RetryOptions {
  /** Tries after the first; then `onFailure` decides. A whole number from 0 on, or Infinity. @default 10 */
  readonly attempts?: number;
  /** Milliseconds, 0 to 86,400,000. @default 100 */
  readonly minMs?: number;
  /** Milliseconds, `minMs` to 86,400,000. @default 30_000 */
  readonly maxMs?: number;
  /** 1 to 100. @default 2 */
  readonly factor?: number;
  /** The share of a wait that is left to chance, so that not everybody comes back at once. 0 to 1. @default 0.5 */
  readonly jitter?: number;
}

/** When failing is probably not the fault of the events. */
export interface CircuitOptions {
  /** Events given up by `onFailure` in a row, none handled in between; then none is given up before one is handled. From 1 on. */
  readonly failures: number;
  /** How long to wait before each next try of the one whose turn it is. Milliseconds, 1 to 86,400,000. @default 30_000 */
  readonly waitMs?: number;
}

/**
 * What becomes of an event whose tries are used up. `'fail'`: the processor is `failed`; nothing is passed. `'skip'`: it is
 * passed, counted and reported. `'dead-letter'`: it is passed and kept for `bus.deadLetters`. `'park-stream'`: the same, and
 * later events of its stream are kept behind it, in order, while other streams go on.
 */
export type OnFailure = 'fail' | 'skip' | 'dead-letter' | 'park-stream';

export interface FailureOptions {
  readonly retry?: RetryOptions;
  /** @default 'fail' */
  readonly onFailure?: OnFailure;
  /**
   * Longest time of one call; then its signal is aborted, and it counts as failed, whatever it comes to. A handler that never
   * lets go of the event loop can't be timed out, unless it runs in a thread, which is ended then. Milliseconds, 1 to 86,400,000, or Infinity. @default Infinity
   */
  readonly timeoutMs?: number;
  /**
   * How long a call that took too long is waited for, so that the next one does not overlap with it. If it has not ended by
   * then the processor is `failed`. Milliseconds, 0 to 3,600,000. @default 10_000
   */
  readonly abandonMs?: number;
  /** @default none: each event is judged by itself */
  readonly circuit?: CircuitOptions;
  /** Dead letters kept, and events parked, at most; then the processor is `failed`. 1 to 1,000,000. @default 10_000 */
  readonly keepMax?: number;
}

export type FailurePolicy = Required<Omit<FailureOptions, 'retry' | 'circuit'>> & {
  readonly retry: Required<RetryOptions>;
  /** Without a circuit, `failures` is Infinity. */
  readonly circuit: Required<CircuitOptions>;
};

export const failureOptionNames: readonly (keyof FailureOptions)[] = [
  'retry',
  'onFailure',
  'timeoutMs',
  'abandonMs',
  'circuit',
  'keepMax',
];

const choices: readonly string[] = ['fail', 'skip', 'dead-letter', 'park-stream'] satisfies OnFailure[];
const retryDefaults = Object.freeze({ attempts: 10, minMs: 100, maxMs: 30_000, factor: 2, jitter: 0.5 });
const circuitDefaults = Object.freeze({ failures: Number.POSITIVE_INFINITY, waitMs: 30_000 });

/** @throws {TypeError} naming the option, its range and what was given. */
export function resolveFailurePolicy(options: FailureOptions): FailurePolicy {
  const { onFailure = 'fail', timeoutMs = Number.POSITIVE_INFINITY, abandonMs = 10_000, keepMax = 10_000 } = options;
  if (!choices.includes(onFailure)) throw wrong('onFailure', `one of ${choices.join(', ')}`, onFailure);
  if (timeoutMs !== Number.POSITIVE_INFINITY && !isWithin(timeoutMs, 1, dayMs)) {
    throw wrong('timeoutMs', '1 to 86400000 (milliseconds), or Infinity', timeoutMs);
  }
  if (!isWithin(abandonMs, 0, hourMs)) throw wrong('abandonMs', '0 to 3600000 (milliseconds)', abandonMs);
  if (!isWhole(keepMax, 1, 1_000_000)) throw wrong('keepMax', '1 to 1000000', keepMax);
  const retry = resolveRetry(options.retry);
  return { retry, onFailure, timeoutMs, abandonMs, circuit: resolveCircuit(options.circuit), keepMax };
}

function resolveRetry(given: RetryOptions = {}): Required<RetryOptions> {
  const names = Object.keys(retryDefaults);
  const retry: Required<RetryOptions> = { ...retryDefaults, ...withValues('retry', given, names) };
  const { attempts, minMs, maxMs, factor, jitter } = retry;
  if (attempts !== Number.POSITIVE_INFINITY && !isWhole(attempts, 0, Number.MAX_SAFE_INTEGER)) {
    throw wrong('retry.attempts', 'a whole number from 0 on, or Infinity', attempts);
  }
  if (!isWithin(minMs, 0, dayMs)) throw wrong('retry.minMs', '0 to 86400000 (milliseconds)', minMs);
  if (!isWithin(maxMs, minMs, dayMs)) throw wrong('retry.maxMs', 'retry.minMs to 86400000 (milliseconds)', maxMs);
  if (!isWithin(factor, 1, 100)) throw wrong('retry.factor', '1 to 100', factor);
  if (!isWithin(jitter, 0, 1)) throw wrong('retry.jitter', '0 to 1', jitter);
  return retry;
}

function resolveCircuit(given: CircuitOptions | undefined): Required<CircuitOptions> {
  if (given === undefined) return circuitDefaults;
  const names = Object.keys(circuitDefaults);
  const circuit: Required<CircuitOptions> = { ...circuitDefaults, ...withValues('circuit', given, names) };
  const { failures, waitMs } = circuit;
  if (!isWhole(failures, 1, Number.MAX_SAFE_INTEGER))
    throw wrong('circuit.failures', 'a whole number from 1 on', failures);
  if (!isWithin(waitMs, 1, dayMs)) throw wrong('circuit.waitMs', '1 to 86400000 (milliseconds)', waitMs);
  return circuit;
}
