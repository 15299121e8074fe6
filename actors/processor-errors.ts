/**
 * What a processor reports: an event that it gave up, and that it gave up itself.
 */
import { BusError } from '../src/errors.ts';
import type { CaughtError } from './caught-error.ts';
import type { GivenUp } from './set-aside.ts';

/** What was given up is never given up silently. */
export function eventsGivenUp(name: string, givenUp: readonly GivenUp[]): BusError {
  const [{ event, how, error }] = givenUp as readonly [GivenUp];
  const count = givenUp.length;
  const others = count === 1 ? '' : ` and ${count - 1} more`;
  return new BusError(
    'EVENT_GIVEN_UP',
    `the processor ${JSON.stringify(name)} gave up the event at ${event.position}${others} (${how}): ${error.message}`,
    { processor: name, position: event.position, count, how },
    { cause: error.thrown },
  );
}

export interface FailureInput {
  readonly position: number;
  readonly attempts: number;
  readonly lastError: CaughtError | undefined;
}

/** What a processor gave up with. */
export function processorFailed(name: string, { position, attempts, lastError }: FailureInput): BusError {
  const reason = lastError === undefined ? '' : `: ${lastError.message}`;
  return new BusError(
    'PROCESSOR_FAILED',
    `the processor ${JSON.stringify(name)} gave up behind position ${position} after ${attempts} tries${reason}`,
    { processor: name, position, attempts },
    { cause: lastError?.thrown },
  );
}
