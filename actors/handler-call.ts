/**
 * One call of a handler: what it came to, whatever the handler does.
 *
 * A handler may answer, throw, reject, or take too long. With a timeout its signal is aborted then, and it is waited for a
 * little longer, so that the next attempt does not overlap with it; one that has not settled by then is left behind, and
 * whoever keeps its turn is told.
 */
import { BusError } from '../src/errors.ts';
import { isThenable } from '../src/thenable.ts';
import { CaughtError } from './caught-error.ts';
import { HandlerAnswer } from './handler-context.ts';
import type { TimerClock } from './processor-status.ts';

/** How long a call may take. */
export interface CallLimits {
  /** The name of the processor, for messages. */
  readonly name: string;
  /** Milliseconds, or Infinity. */
  readonly timeoutMs: number;
  /** How long a call is waited for that was told to end. Milliseconds. */
  readonly abandonMs: number;
  readonly clock: TimerClock;
}

/** What a call that did not simply succeed came to. */
export type Trouble =
  | {
      readonly kind: 'failed';
      readonly error: CaughtError;
      /** The wait before the next try, if the handler has named one. Milliseconds. */
      readonly inMs?: number | undefined;
      /** Trying again can't help: the call is still running. */
      readonly isFinal?: boolean;
    }
  | { readonly kind: 'skip' | 'dead-letter' | 'stop'; readonly error: CaughtError };

/** A call that can be told to end. */
export interface Call {
  /** Aborts the signal of the call. */
  readonly abort: (reason: unknown) => void;
  /** Told of a call that was left behind, while it still runs. */
  readonly onAbandoned: (settled: Promise<unknown>) => void;
}

/**
 * Runs `handle` and gives what went wrong, or `undefined` if it is done. At once where the handler is synchronous; a promise
 * otherwise, which never rejects.
 */
export function callHandler(
  handle: () => unknown,
  limits: CallLimits,
  call: Call,
): Trouble | undefined | Promise<Trouble | undefined> {
  try {
    const result = handle();
    if (result === undefined) return undefined;
    if (isThenable(result)) return settled(result, limits, call);
    return troubleOf(result);
  } catch (thrown) {
    return failed(thrown);
  }
}

async function settled(result: PromiseLike<unknown>, limits: CallLimits, call: Call): Promise<Trouble | undefined> {
  try {
    return troubleOf(limits.timeoutMs === Number.POSITIVE_INFINITY ? await result : await inTime(result, limits, call));
  } catch (thrown) {
    return thrown instanceof Abandoned ? { ...failed(thrown.error), isFinal: true } : failed(thrown);
  }
}

/** What `result` settles to, unless it takes too long: what it settles to then does not count. */
async function inTime(result: PromiseLike<unknown>, limits: CallLimits, call: Call) {
  const { timeoutMs, abandonMs, clock } = limits;
  const end = Promise.resolve(result);
  if (await isWithin(end, timeoutMs, clock)) return end;
  const error = handlerTimeout(limits);
  call.abort(error);
  if (await isWithin(end, abandonMs, clock)) throw error;
  call.onAbandoned(end.catch(() => undefined));
  throw new Abandoned(error);
}

/** What a call fails with that takes too long. */
export function handlerTimeout({ name, timeoutMs }: CallLimits): BusError<'HANDLER_TIMEOUT'> {
  return new BusError('HANDLER_TIMEOUT', `the handler of ${JSON.stringify(name)} took more than ${timeoutMs} ms`, {
    processor: name,
    timeoutMs,
  });
}

/** Whether `end` settles within `ms`. */
function isWithin(end: Promise<unknown>, ms: number, clock: TimerClock): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(() => resolve(false), ms);
    const inTime = () => {
      clock.clearTimeout(timer);
      resolve(true);
    };
    end.then(inTime, inTime);
  });
}

/** A call that did not even end when it was told to. */
class Abandoned {
  readonly error: BusError;

  constructor(error: BusError) {
    this.error = error;
  }
}

function troubleOf(result: unknown): Trouble | undefined {
  if (!(result instanceof HandlerAnswer)) return undefined;
  const { kind, reason, inMs } = result;
  const error = CaughtError.of(Object.assign(new Error(reason), { name: 'HandlerAnswer', stack: undefined }));
  return kind === 'retry' ? { kind: 'failed', error, inMs } : { kind, error };
}

function failed(thrown: unknown): Trouble & { readonly kind: 'failed' } {
  return { kind: 'failed', error: CaughtError.of(thrown) };
}
