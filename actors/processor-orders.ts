/**
 * Which orders would change something of a processor now: what its machine takes, less what it only takes note of in vain.
 */
import type { SnapshotFrom } from 'xstate';
import type { ProcessorOrder } from './bus-status.ts';
import type { ProcessorEvent, ProcessorMachine } from './processor.machine.ts';
import { isSkippable } from './processor-decisions.ts';

type ProcessorSnapshot = SnapshotFrom<ProcessorMachine>;

/** What its handle knows beside the machine. */
export interface HandleFacts {
  /** Closed for good. */
  readonly isClosed: boolean;
  /** START came while it was stopping. */
  readonly isToStartAgain: boolean;
  /** The machine broke. */
  readonly hasCrashed: boolean;
}

/** An event for each order, in the order in which they are shown. */
const eventByOrder: Readonly<Record<ProcessorOrder, ProcessorEvent>> = {
  START: { type: 'START' },
  PAUSE: { type: 'PAUSE' },
  RESUME: { type: 'RESUME' },
  RETRY_NOW: { type: 'RETRY_NOW' },
  SKIP: { type: 'SKIP' },
  RESET: { type: 'RESET', to: 0 },
  STOP: { type: 'STOP' },
};
const orders = Object.keys(eventByOrder) as ProcessorOrder[];

/** A handle makes a new machine in the place of one that has ended. */
const ofEnded: readonly ProcessorOrder[] = ['START', 'RESET'];
const ofCrashed: readonly ProcessorOrder[] = ['START', 'RESUME', 'RETRY_NOW', 'RESET', 'STOP'];
/** A stop is never taken back: its handle starts another machine afterwards. */
const ofStopping: readonly ProcessorOrder[] = ['START'];
const ofStoppingToStart: readonly ProcessorOrder[] = ['STOP'];
const none: readonly ProcessorOrder[] = [];

/** As machines were asked before, by all that their answers hang on: to ask takes longer than all else that is shown of them. */
const ofActive = new Map<string, readonly ProcessorOrder[]>();

/** The same array for the same orders of machines in the same state. */
export function ordersOf(snapshot: ProcessorSnapshot, { isClosed, ...handle }: HandleFacts): readonly ProcessorOrder[] {
  if (isClosed) return none;
  if (handle.hasCrashed) return ofCrashed;
  if (snapshot.status !== 'active') return ofEnded;
  const { value, context } = snapshot;
  if (context.order === 'stop') return handle.isToStartAgain ? ofStoppingToStart : ofStopping;
  const key = JSON.stringify([value, context.order, isSkippable(context)]);
  let offered = ofActive.get(key);
  if (offered === undefined) {
    offered = orders.filter((one) => snapshot.can(eventByOrder[one]) && !isInVain(one, snapshot));
    ofActive.set(key, offered);
  }
  return offered;
}

/** Noted again, or taken back though nothing was ordered: that leads nowhere. */
function isInVain(one: ProcessorOrder, snapshot: ProcessorSnapshot): boolean {
  const { order } = snapshot.context;
  if (one === 'PAUSE') return order === 'pause';
  if (one === 'START' || one === 'RESUME') return order === undefined && !snapshot.hasTag('resting');
  return false;
}
