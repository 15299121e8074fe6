/**
 * What may happen to a processor's machine, whatever state it is in: an environment to explore it in, as a function of its state.
 *
 * Answers each port in every way that makes a difference, orders anything at any time, and lets timers run out. Positions go up
 * to {@link headMax}: the machine tells no other numbers apart, but for a lag that takes it back from live, which a
 * world that is `far` has too. Tests walk what it finds; the charts of the dashboard are drawn from it.
 */
import type { SnapshotFrom } from 'xstate';
import { CaughtError } from '#actors/caught-error';
import type { ProcessorMachine } from '#actors/processor.machine';
import type { ProcessorPolicy, WorkResult } from '#actors/processor-context';
import { SetAside } from '#actors/set-aside';
import { BusError } from '#kernel/errors';
import { fakePolicy } from './processor-ports-fake.ts';

export type ProcessorSnapshot = SnapshotFrom<ProcessorMachine>;

/** What happens next: an order, an answer of a port, or the end of a timer. */
export interface Happening {
  readonly type: string;
  readonly output?: unknown;
  readonly error?: unknown;
  readonly position?: number;
}

/** A processor's policy, and what is ordered there. */
export interface ProcessorWorld {
  readonly policy: ProcessorPolicy;
  readonly orders: readonly Happening[];
  /** Whether the log may get far ahead of a live processor. */
  readonly isFar: boolean;
}

/** With letters, fewer of the other orders: how those mix is walked without. */
export const worlds: readonly ProcessorWorld[] = [
  {
    policy: fakePolicy,
    orders: [
      { type: 'START' },
      { type: 'STOP' },
      { type: 'PAUSE' },
      { type: 'RESUME' },
      { type: 'RETRY_NOW' },
      { type: 'RESET', to: 0 } as Happening,
      { type: 'RESET', to: 0, until: 1 } as Happening,
    ],
    isFar: false,
  },
  {
    policy: {
      ...fakePolicy,
      onFailure: 'park-stream',
      retry: { ...fakePolicy.retry, attempts: 0 },
      circuit: { failures: 1, waitMs: 700 },
    },
    orders: [
      { type: 'START' },
      { type: 'STOP' },
      { type: 'SKIP' },
      { type: 'REPLAY' },
      { type: 'RESET', to: 0 } as Happening,
    ],
    isFar: false,
  },
];

const headMax = 2;
/** Further ahead than a processor stays live (processor-changes.ts, liveLagMax). */
const farAhead = 10_001;
const failure = new Error('failed on purpose');
const error = new CaughtError(failure);
const moved = new BusError('CURSOR_MOVED', 'moved', { name: 'p', expected: undefined, actual: undefined });
const closed = new BusError('STORE_CLOSED', 'closed', { path: '' });

/** Everything that may happen in `state`. */
export function happeningsIn({ policy, orders, isFar }: ProcessorWorld, state: ProcessorSnapshot): Happening[] {
  const { context, children } = state;
  const answers: Happening[] = [];
  const done = (port: string, output: unknown) => answers.push({ type: `xstate.done.actor.${port}`, output });
  const fail = (port: string, error: unknown) => answers.push({ type: `xstate.error.actor.${port}`, error });
  if ('loadCursor' in children) {
    done('loadCursor', { cursor: undefined, head: 0, hasReplays: false });
    done('loadCursor', { cursor: context.cursor, head: Math.max(headMax, context.head), hasReplays: false });
    fail('loadCursor', failure);
    fail('loadCursor', moved);
    fail('loadCursor', closed);
  }
  if ('work' in children) {
    const { position, head, until } = context;
    const end = Math.min(head, until ?? head);
    const result: WorkResult = {
      position,
      handled: 0,
      erased: 0,
      batches: 1,
      head,
      effects: undefined,
      setAside: SetAside.nothing,
      givenUpInRow: context.givenUpInRow,
      failure: undefined,
      stopReason: undefined,
    };
    // One by one, but for the many events of a log that is far ahead: all of these but one.
    const nextPosition = end - position > headMax ? end - 1 : position + 1;
    const next = { position: nextPosition, stream: 's', version: 1, type: 't', keyId: 0 };
    const failed = { error, event: next, count: 1, inMs: undefined, isFinal: false, isToSplit: false };
    const lost = { event: next, how: 'park-stream', error, attempts: 1, firstMs: 0, lastMs: 0 } as const;
    const passed = { ...result, position: nextPosition };
    done('work', { ...result, position: end, handled: end - position, givenUpInRow: 0 });
    done('work', { ...passed, handled: 1, givenUpInRow: 0 });
    const behind = { ...failed, event: { ...next, position: nextPosition + 1 } };
    if (nextPosition < end) done('work', { ...passed, handled: 1, givenUpInRow: 0, failure: behind });
    done('work', { ...result, failure: failed });
    done('work', { ...result, failure: { ...failed, isFinal: true } });
    if (isFar && head < farAhead) done('work', { ...passed, handled: 1, head: nextPosition + farAhead });
    done('work', { ...result, stopReason: 'enough' });
    if (policy.onFailure !== 'fail') {
      if (head - position === 2) done('work', { ...result, failure: { ...failed, count: 2, isToSplit: true } });
      if (context.givenUpInRow < policy.circuit.failures) {
        const givenUpInRow = context.givenUpInRow + 1;
        done('work', { ...passed, givenUpInRow, setAside: new SetAside([lost], []) });
      }
      done('work', { ...passed, setAside: new SetAside([], [next]) });
    }
    fail('work', failure);
  }
  if ('saveCursor' in children) {
    done('saveCursor', { position: context.position, generation: context.cursor?.generation ?? 1 });
    fail('saveCursor', failure);
    fail('saveCursor', moved);
  }
  if ('replay' in children) {
    const { replayOrders } = context;
    done('replay', { orders: replayOrders, isMore: true, handled: 1, givenUp: [], failure: undefined });
    done('replay', { orders: replayOrders, isMore: false, handled: 0, givenUp: [], failure: undefined });
    done('replay', { orders: replayOrders, isMore: true, handled: 0, givenUp: [], failure: error });
    fail('replay', failure);
  }
  if ('resetCursor' in children) {
    const generation = (context.cursor?.generation ?? 1) + 1;
    done('resetCursor', {
      cursor: { position: context.reset?.to, generation },
      head: Math.max(headMax, context.head),
      hasReplays: false,
    });
    fail('resetCursor', failure);
  }
  if ('watchHead' in children) {
    if (context.head < headMax) answers.push({ type: 'HEAD', position: context.head + 1 });
    done('watchHead', undefined);
    fail('watchHead', failure);
  }
  const timeouts = state._nodes.flatMap((node) => node.after.map(({ eventType }) => ({ type: eventType })));
  // A machine that has ended takes nothing any more; the pure one would.
  if (state.status === 'done') return [];
  return [...orders, ...answers, ...timeouts];
}

/** What of a state decides what may follow: no counters, no clock, no errors. */
export function essenceOf({ policy }: ProcessorWorld, state: ProcessorSnapshot): string {
  const { context, value, status } = state;
  const { isLoaded, position, cursor, head, isLive, order, reset, until, unsaved, trouble, attempts } = context;
  const { failing, suspects, givenUpInRow, hasReplays, hasJustReplayed } = context;
  const dirty = unsaved && {
    isDue: unsaved.isDue,
    events: Math.min(unsaved.events, 2),
    hasLetters: unsaved.setAside.givenUp.length > 0,
  };
  return JSON.stringify([
    status,
    value,
    { isLoaded, position, at: cursor?.position, head, isLive, order, reset, until, dirty, trouble },
    Math.min(attempts, 3),
    {
      isFailing: policy.onFailure !== 'fail' && failing !== undefined,
      suspects,
      givenUpInRow,
      hasReplays,
      hasJustReplayed: hasReplays && hasJustReplayed,
    },
  ]);
}
