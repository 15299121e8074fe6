/**
 * The status of several partitions as that of one processor.
 */
import type { ProcessorNumbers, ProcessorState, ProcessorStatus, ProcessorTag } from './processor-status.ts';

/** What one partition does says more of the whole the earlier it stands here. */
const mostTelling: readonly ProcessorState[] = [
  'failed',
  'poisoned',
  'retrying',
  'resetting',
  'loading',
  'catching-up',
  'live',
  'paused',
  'idle',
  'stopped',
];

const tellingRank: ReadonlyMap<ProcessorState, number> = new Map(mostTelling.map((state, rank) => [state, rank]));

/** The most telling of the states of all partitions. */
export function stateOfAll(states: Iterable<ProcessorState>): ProcessorState {
  let best = mostTelling.length - 1;
  for (const state of states) best = Math.min(best, tellingRank.get(state) ?? best);
  return mostTelling[best] as ProcessorState;
}

/** `since`: when all of them together entered their state. */
export function statusOfAll(name: string, partitions: readonly ProcessorStatus[], since: number): ProcessorStatus {
  const state = stateOfAll(partitions.map((partition) => partition.state));
  return { name, state, tags: tagsOfAll(partitions), context: numbersOfAll(state, partitions, since), partitions };
}

/** One that runs is enough for the whole to run; the same of `stalled` and `unhealthy`. */
function tagsOfAll(partitions: readonly ProcessorStatus[]): ProcessorTag[] {
  const tags = new Set(partitions.flatMap((partition) => partition.tags));
  if (tags.has('running')) tags.delete('resting');
  return [...tags].sort();
}

function numbersOfAll(state: ProcessorState, partitions: readonly ProcessorStatus[], since: number): ProcessorNumbers {
  const numbers = partitions.map(({ context }) => context);
  const sum = (count: (of: ProcessorNumbers) => number) => numbers.reduce((total, of) => total + count(of), 0);
  const least = (value: (of: ProcessorNumbers) => number) => Math.min(...numbers.map(value));
  const most = (value: (of: ProcessorNumbers) => number) => Math.max(...numbers.map(value));
  const [position, head] = [least((of) => of.position), most((of) => of.head)];
  const telling = partitions.filter((partition) => partition.state === state).map(({ context }) => context);
  const lastError = [...telling, ...numbers].find((of) => of.lastError !== undefined)?.lastError;
  const nextRetryAt = least((of) => of.nextRetryAt ?? Number.POSITIVE_INFINITY);
  return {
    position,
    cursor: least((of) => of.cursor),
    generation: most((of) => of.generation),
    head,
    lag: Math.max(0, head - position),
    attempts: most((of) => of.attempts),
    ...(lastError !== undefined && { lastError }),
    ...(nextRetryAt !== Number.POSITIVE_INFINITY && { nextRetryAt }),
    ...(numbers.some((of) => of.isCircuitOpen) && { isCircuitOpen: true as const }),
    handled: sum((of) => of.handled),
    retries: sum((of) => of.retries),
    skipped: sum((of) => of.skipped),
    deadLettered: sum((of) => of.deadLettered),
    parked: sum((of) => of.parked),
    replayed: sum((of) => of.replayed),
    erased: sum((of) => of.erased),
    batches: sum((of) => of.batches),
    since,
  };
}
