/**
 * The work of one contender in one case: warmed up once, then measured turn by turn.
 *
 * A task checks what it has done (counts, sums, the head) and throws when that is not right: a broken case fails the run
 * instead of reporting a number.
 */
import type { ReadSum, Store } from './store.ts';
import type { Workload } from './workload.ts';

/** How long a turn is to last. What can't be cut short, like one pass over a store, may take longer. */
export interface TurnTime {
  readonly ms: number;
  readonly isDone: () => boolean;
}

export interface Turn {
  /** Events handled: CPU is told per event. */
  readonly events: number;
  /** In the unit of the case; without it, `events` by the time that the turn took. */
  readonly value?: number;
  /** What the same turn measured to compare `value` with, by name, in the same unit. */
  readonly beside?: Readonly<Record<string, number>>;
}

export interface Task {
  /** Brings the code up to speed. What it returns is the same for every contender that works correctly. */
  warmUp(): Promise<ReadSum>;
  run(time: TurnTime): Promise<Turn>;
  /** Ends what it keeps between turns, before the store is closed. */
  end?(): Promise<void>;
}

export type MakeTask = (store: Store, workload: Workload) => Task;

export const never = () => false;
export const nothingRead: ReadSum = { events: 0, checksum: 0 };

/** @throws when the two differ. */
export function assertSum(what: string, actual: ReadSum, expected: ReadSum): void {
  if (actual.events === expected.events && actual.checksum === expected.checksum) return;
  const text = ({ events, checksum }: ReadSum) => `${events} events, checksum ${checksum}`;
  throw new Error(`${what} has seen ${text(actual)} instead of ${text(expected)}`);
}
