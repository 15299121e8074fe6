/**
 * What a bus shows of its inside to those who look: the dashboard of its app, and, through the status file, other processes.
 *
 * Plain values all the way: an image can be sent, compared and written down. Made by inspection.ts.
 */
import type { EventFilter } from '../src/types.ts';
import type { BusState } from './bus.machine.ts';
import type { Phase } from './processor-context.ts';
import type { ProcessorState, ProcessorStatus } from './processor-status.ts';

/** A bus at one moment. Counts only grow, from its opening on. */
export interface BusStatus {
  /** Milliseconds since 1970, like all times here. */
  readonly atMs: number;
  readonly pid: number;
  readonly startedMs: number;
  readonly state: BusState;
  readonly head: number;
  readonly commits: CommitCounts;
  /** Events that reads, subscriptions, processors and queries were given. */
  readonly eventsRead: number;
  /** Processors and projections that are not closed, in the order in which they were made. */
  readonly processors: readonly ProcessorImage[];
  readonly actors: readonly ActorImage[];
  /** Less is told than there is: not everything had room in the status file. */
  readonly isCut?: true;
}

export interface CommitCounts {
  /** Write transactions. */
  readonly count: number;
  /** How many took how long: element `i` counts those of 2^i up to 2^(i+1) microseconds. */
  readonly byMicros: readonly number[];
}

export interface ProcessorImage {
  readonly name: string;
  readonly kind: 'processor' | 'projection';
  readonly status: ProcessorStatus;
  /** One for each partition, in order; one alone without partitions. */
  readonly lanes: readonly LaneImage[];
  /** Which events it is for, as far as that can be said: a filter that is a function is not here. */
  readonly wants: EventFilter;
  /** Of a projection. */
  readonly build?: {
    readonly version: number;
    /** What is read; `undefined` as long as nothing was built. */
    readonly activeVersion?: number;
    readonly activePosition: number;
    readonly isBuilding: boolean;
  };
}

/** What a processor's machine may be ordered. */
export type ProcessorOrder = 'START' | 'STOP' | 'PAUSE' | 'RESUME' | 'RETRY_NOW' | 'SKIP' | 'RESET';

/** One machine of a processor. */
export interface LaneImage {
  /** The paths of the active states, outermost first: `['live', 'live.working', 'live.working.handling']`. */
  readonly active: readonly string[];
  /** The orders that would change something now, as its handle takes them: one that has stopped can be started. */
  readonly can: readonly ProcessorOrder[];
  /** The last transition; only while somebody looks ({@link Inspection.attach}). */
  readonly transition?: Transition;
  /** The event that fails, if it is known: what SKIP would pass. */
  readonly failing?: {
    readonly position: number;
    readonly stream: string;
    readonly type: string;
    readonly sinceMs: number;
  };
  /** Changes of the state that users see, oldest first, the last so many. */
  readonly changes: readonly StateChange[];
  /** Oldest first, the last so many. */
  readonly failures: readonly FailureImage[];
}

export interface Transition {
  /** Active paths before and after, as in {@link LaneImage.active}. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** The type of the event that caused it. */
  readonly event: string;
  readonly atMs: number;
  /** The how many-th since somebody looks: a new number is a new transition. */
  readonly number: number;
}

export interface StateChange {
  readonly from: ProcessorState;
  readonly to: ProcessorState;
  readonly atMs: number;
}

export interface FailureImage {
  readonly atMs: number;
  readonly phase: Phase;
  /** Failures in a row with this one. */
  readonly attempt: number;
  readonly name: string;
  readonly code?: string;
  readonly message: string;
  readonly stack?: string;
  readonly event?: { readonly position: number; readonly stream: string; readonly type: string };
}

/** An actor in the tree. */
export interface ActorImage {
  /** Unique in the tree: `'bus'`, `'writer'`, `'processor:orders'`, `'partition:0:orders'`. Actors of the user's own are roots, too. */
  readonly id: string;
  /** The id of its parent; none for the root. */
  readonly parent?: string;
  readonly kind:
    | 'bus'
    | 'writer'
    | 'readers'
    | 'watch'
    | 'timers'
    | 'listener'
    | 'processor'
    | 'partition'
    | 'child'
    | 'port'
    | 'user';
  readonly name: string;
  readonly state?: string;
  /** Messages it was given so far (bus-actors.ts says what they are); of machines since somebody looks: 0 when nobody does. */
  readonly messages: number;
}
