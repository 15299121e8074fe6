/**
 * The status of one machine of a processor. It is the same object until something of it has changed.
 */
import type { SnapshotFrom } from 'xstate';
import type { CaughtError } from './caught-error.ts';
import { Derived } from './derived.ts';
import type { ProcessorMachine } from './processor.machine.ts';
import {
  numbersOf,
  type ProcessorState,
  type ProcessorStatus,
  type ProcessorTag,
  summaryOf,
} from './processor-status.ts';

/** What it is made of. */
export interface StatusParts {
  readonly name: string;
  readonly state: ProcessorState;
  readonly snapshot: SnapshotFrom<ProcessorMachine>;
  /** Of the store, if it can tell. */
  readonly head: number;
  /** When it entered its state. */
  readonly since: number;
  /** What ended the machine, if it was a bug. */
  readonly crash: CaughtError | undefined;
  readonly isStalled: boolean;
}

export class LaneStatus {
  readonly #status = new Derived<ProcessorStatus>();

  of(parts: StatusParts): ProcessorStatus {
    return this.#status.of(Object.values(parts), () => statusOf(parts));
  }
}

function statusOf({ name, state, snapshot, head, since, crash, isStalled }: StatusParts): ProcessorStatus {
  const { tags, context } = snapshot;
  const numbers = numbersOf(context, Math.max(head, context.head), since);
  if (crash !== undefined) {
    return { name, state, tags: ['resting', 'unhealthy'], context: { ...numbers, lastError: summaryOf(crash) } };
  }
  const all = [...tags, ...(isStalled ? ['stalled'] : [])].sort() as ProcessorTag[];
  return { name, state, tags: all, context: numbers };
}
