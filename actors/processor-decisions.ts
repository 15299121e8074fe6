/**
 * What follows from what a processor's machine remembers: how long it waits, and what comes next. Pure functions.
 */
import type { ProcessorContext, ProcessorPolicy } from './processor-context.ts';

/** Keeps `factor ** failures` finite. */
const exponentMax = 100;

export function backoffMs({ attempts, trouble }: ProcessorContext, { retry, random }: ProcessorPolicy): number {
  if (trouble?.inMs !== undefined) return trouble.inMs;
  const growth = retry.factor ** Math.min(attempts - 1, exponentMax);
  return Math.round(Math.min(retry.maxMs, retry.minMs * growth) * (1 - retry.jitter * random()));
}

/** So many events were given up in a row that it may not be their fault: the next one is not, however often it fails. */
export function isCircuitOpen({ givenUpInRow, attempts, trouble }: ProcessorContext, policy: ProcessorPolicy): boolean {
  const isSpent = trouble?.phase === 'work' && attempts > policy.retry.attempts;
  return isSpent && policy.onFailure !== 'fail' && givenUpInRow >= policy.circuit.failures;
}

export function hasReachedUntil({ isLoaded, position, until }: ProcessorContext): boolean {
  return isLoaded && until !== undefined && position >= until;
}

export function isBehind({ position, head }: ProcessorContext): boolean {
  return position < head;
}

/** Whether it is to rest for a while, once what is handled is saved. */
export function isToPause(context: ProcessorContext): boolean {
  return context.order === 'pause' || hasReachedUntil(context);
}

/** Whether saving comes next. It is tried once on the way to a rest, and again until it works otherwise. */
export function isToSave(context: ProcessorContext): boolean {
  const { unsaved, trouble, order, reset, hasReplays } = context;
  if (unsaved === undefined || trouble?.phase === 'save') return false;
  if (order === 'stop') return true;
  return reset === undefined && (unsaved.isDue || trouble !== undefined || hasReplays || isToPause(context));
}

/** Whether events were given up that are to be put away before anything else. */
export function isPoisoned({ unsaved, trouble }: ProcessorContext): boolean {
  return trouble?.phase !== 'save' && (unsaved?.setAside.givenUp.length ?? 0) > 0;
}

/** Whether it is known which event fails. */
export function isSkippable({ failing, lastError }: ProcessorContext): boolean {
  return failing?.count === 1 && lastError !== undefined;
}

/** Whether dead letters come next. They and the events of the log take turns. */
export function isToReplay(context: ProcessorContext): boolean {
  return context.hasReplays && !(context.hasJustReplayed && isBehind(context));
}

/** How many events the next round may handle: few, while one of them is looked for. */
export function roundEventsMax(
  { unsaved, suspects, failing }: ProcessorContext,
  { checkpoint }: ProcessorPolicy,
): number {
  const left = Math.max(1, checkpoint.events - (unsaved?.events ?? 0));
  if (suspects > 0) return Math.min(left, Math.ceil(suspects / 2));
  return Math.min(left, failing?.count ?? left);
}

/** Whether there is no use in trying again. */
export function isHopeless(context: ProcessorContext, policy: ProcessorPolicy): boolean {
  const { trouble, attempts } = context;
  if (trouble === undefined || trouble.isFinal) return trouble !== undefined;
  return attempts > policy.retry.attempts && !isCircuitOpen(context, policy);
}
