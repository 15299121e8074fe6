/**
 * Every way through a processor's machine, as the machine itself tells it, walked by a real actor.
 *
 * The paths come from the pure machine and an environment that answers each port in a few ways, orders anything at any
 * time, and lets timers run out. Each is replayed on an actor with fake ports and a simulated clock: after each step the
 * actor is where the machine said, and what must always hold is checked; at the end of each path a stop has to end it.
 */
import { expect, test } from 'vitest';
import type { SnapshotFrom } from 'xstate';
import { getAdjacencyMap, getShortestPaths } from 'xstate/graph';
import { CaughtError } from '#actors/caught-error';
import { type ProcessorMachine, processorMachine } from '#actors/processor.machine';
import type { ProcessorPolicy, WorkResult } from '#actors/processor-context';
import { SetAside } from '#actors/set-aside';
import { BusError } from '#store';
import { FakePorts, FakeRun, fakePolicy } from '../kit/processor-ports-fake.ts';

type State = SnapshotFrom<ProcessorMachine>;

/** What happens next: an order, an answer of a port, or the end of a timer. */
interface Happening {
  readonly type: string;
  readonly output?: unknown;
  readonly error?: unknown;
  readonly position?: number;
}

interface Step {
  readonly event: Happening;
  /** The essence of the state it leads to. */
  readonly to: string;
}

/** All paths take half a minute: a tenth of them is walked, another one each day. */
const walksAll = process.env.TEST_LONG !== undefined;
const parts = 10;
const part = Math.abs(Number(process.env.TEST_SEED ?? Math.floor(Date.now() / 86_400_000))) % parts;

const headMax = 2;
const failure = new Error('failed on purpose');
const error = new CaughtError(failure);
const moved = new BusError('CURSOR_MOVED', 'moved', { name: 'p', expected: undefined, actual: undefined });
const closed = new BusError('STORE_CLOSED', 'closed', { path: '' });

const orders: readonly Happening[] = [
  { type: 'START' },
  { type: 'STOP' },
  { type: 'PAUSE' },
  { type: 'RESUME' },
  { type: 'RETRY_NOW' },
  { type: 'RESET', to: 0 } as Happening,
  { type: 'RESET', to: 0, until: 1 } as Happening,
];

/** With letters, fewer of the others: how those mix is walked without. */
const letterOrders: readonly Happening[] = [
  { type: 'START' },
  { type: 'STOP' },
  { type: 'SKIP' },
  { type: 'REPLAY' },
  { type: 'RESET', to: 0 } as Happening,
];

/** Everything that may happen in `state`. */
function happenings(state: State): Happening[] {
  const { context, children } = state;
  const answers: Happening[] = [];
  const done = (port: string, output: unknown) => answers.push({ type: `xstate.done.actor.${port}`, output });
  const fail = (port: string, error: unknown) => answers.push({ type: `xstate.error.actor.${port}`, error });
  if ('loadCursor' in children) {
    done('loadCursor', { cursor: undefined, head: 0, hasReplays: false });
    done('loadCursor', { cursor: context.cursor, head: headMax, hasReplays: false });
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
    const next = { position: position + 1, stream: 's', version: 1, type: 't', keyId: 0 };
    const failed = { error, event: next, count: 1, inMs: undefined, isFinal: false, isToSplit: false };
    const lost = { event: next, how: 'park-stream', error, attempts: 1, firstMs: 0, lastMs: 0 } as const;
    const passed = { ...result, position: position + 1 };
    done('work', { ...result, position: end, handled: end - position, givenUpInRow: 0 });
    done('work', { ...passed, handled: 1, givenUpInRow: 0 });
    const behind = { ...failed, event: { ...next, position: position + 2 } };
    if (position + 1 < end) done('work', { ...passed, handled: 1, givenUpInRow: 0, failure: behind });
    done('work', { ...result, failure: failed });
    done('work', { ...result, failure: { ...failed, isFinal: true } });
    done('work', { ...result, stopReason: 'enough' });
    if (policyOf.onFailure !== 'fail') {
      if (head - position === 2) done('work', { ...result, failure: { ...failed, count: 2, isToSplit: true } });
      if (context.givenUpInRow < policyOf.circuit.failures) {
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
    const { replayOrders: orders } = context;
    done('replay', { orders, isMore: true, handled: 1, givenUp: [], failure: undefined });
    done('replay', { orders, isMore: false, handled: 0, givenUp: [], failure: undefined });
    done('replay', { orders, isMore: true, handled: 0, givenUp: [], failure: error });
    fail('replay', failure);
  }
  if ('resetCursor' in children) {
    const generation = (context.cursor?.generation ?? 1) + 1;
    done('resetCursor', { cursor: { position: context.reset?.to, generation }, head: headMax, hasReplays: false });
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
  return [...(policyOf.onFailure === 'fail' ? orders : letterOrders), ...answers, ...timeouts];
}

/** What of a state decides what may follow: no counters, no clock, no errors. */
function essenceOf(state: State): string {
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
      isFailing: policyOf.onFailure !== 'fail' && failing !== undefined,
      suspects,
      givenUpInRow,
      hasReplays,
      hasJustReplayed: hasReplays && hasJustReplayed,
    },
  ]);
}

/** The steps out of each state, by its essence, and the shortest way there from the beginning. */
interface Chart {
  readonly stepsFrom: ReadonlyMap<string, readonly Step[]>;
  readonly wayTo: ReadonlyMap<string, readonly Step[]>;
}

const fake = new FakePorts();
/** One machine for all walks of a policy, one after the other: to build it takes longer than a walk. */
let machine: ProcessorMachine;
let policyOf: ProcessorPolicy;

const policies: readonly ProcessorPolicy[] = [
  fakePolicy,
  {
    ...fakePolicy,
    onFailure: 'park-stream',
    retry: { ...fakePolicy.retry, attempts: 0 },
    circuit: { failures: 1, waitMs: 700 },
  },
];

test.each(policies)(
  'an actor takes every transition of the machine as the machine says, and a stop ends every path ($onFailure)',
  async (policy) => {
    policyOf = policy;
    machine = processorMachine(policy, fake.ports);
    const chart = chartOf(machine);
    const { stepsFrom } = chart;
    const visible = new Set([...stepsFrom.keys()].map((essence) => topLevel(JSON.parse(essence)[1])));
    const paths = pathsOver(chart);

    const walked = paths.filter((_, index) => walksAll || index % parts === part);
    for (const path of walked) await walk(path);

    expect([...visible].sort()).toEqual([
      'catching-up',
      'failed',
      'idle',
      'live',
      'loading',
      policy.onFailure === 'fail' ? 'paused' : 'poisoned',
      'resetting',
      'retrying',
      'stopped',
    ]);
    expect(stepsFrom.size).toBeGreaterThan(500);
    expect(paths.length).toBeGreaterThan(1000);
  },
  60_000,
);

function chartOf(machine: ProcessorMachine): Chart {
  const options = {
    input: { isStarted: false },
    events: happenings as never,
    serializeState: essenceOf,
    limit: 1_000_000,
  };
  const stepsFrom = new Map<string, Step[]>();
  for (const [from, node] of Object.entries(getAdjacencyMap(machine, options))) {
    const transitions = Object.values(node.transitions) as { readonly event: Happening; readonly state: State }[];
    const steps = transitions.map(({ event, state }) => ({ event, to: essenceOf(state) }));
    stepsFrom.set(
      from,
      steps.filter(({ to }) => to !== from),
    );
  }
  const wayTo = new Map<string, Step[]>();
  for (const { state, steps } of getShortestPaths(machine, options)) {
    const way = steps.slice(1).map((step) => ({ event: step.event as Happening, to: essenceOf(step.state) }));
    wayTo.set(essenceOf(state), way);
  }
  return { stepsFrom, wayTo };
}

/** Paths that take every step at least once: each goes on over steps not taken yet for as long as there are any. */
function pathsOver({ stepsFrom, wayTo }: Chart): Step[][] {
  const paths: Step[][] = [];
  const openFrom = new Map([...stepsFrom].map(([from, steps]) => [from, [...steps]]));
  for (const [from, open] of openFrom) {
    while (open.length > 0) {
      const path = [...(wayTo.get(from) as Step[])];
      for (let step = open.pop(); step !== undefined; step = openFrom.get(step.to)?.pop()) path.push(step);
      paths.push(path);
    }
  }
  return paths;
}

async function walk(path: readonly Step[]): Promise<void> {
  const run = new FakeRun(fake, machine);
  const taken: string[] = [];
  try {
    for (const { event, to } of path) {
      taken.push(event.type);
      const before = run.actor.getSnapshot();
      await apply(run, event);
      const after = run.actor.getSnapshot();
      expect(essenceOf(after)).toBe(to);
      checkAlways(run, before, after, event);
    }
    checkStop(run);
  } catch (error) {
    throw new Error(`after ${taken.join(' > ')}`, { cause: error });
  }
}

/** Lets `event` happen to the real actor. */
async function apply({ fake, actor, clock }: FakeRun, event: Happening): Promise<void> {
  const [, kind, port = ''] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(event.type) ?? [];
  const timer = /^xstate\.after\.([^.]+)\./.exec(event.type)?.[1];
  if (timer !== undefined) {
    const { retryInMs } = actor.getSnapshot().context;
    clock.increment(timer === 'drain' ? fakePolicy.drainMs : timer === 'backoff' ? retryInMs : 50);
  } else if (port === 'watchHead') {
    if (kind === 'done') fake.heads.complete();
    else fake.heads.error(event.error);
  } else if (kind !== undefined) {
    const [call, ...others] = fake.awaited(port);
    expect(others).toEqual([]);
    if (kind === 'done') call?.resolve(event.output);
    else call?.reject(event.error);
  } else if (event.type === 'HEAD') {
    fake.heads.next(event as never);
  } else {
    actor.send(event as never);
  }
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

function checkAlways(run: FakeRun, before: State, after: State, event: Happening): void {
  const { context } = after;
  const cursor = context.cursor?.position ?? 0;
  const mayGoBack = event.type === 'xstate.done.actor.resetCursor' || event.type === 'xstate.done.actor.loadCursor';
  expect({
    errors: run.errors,
    handlersAtOnce: Math.max(1, run.fake.awaited('work').length + run.fake.awaited('replay').length),
    movesAtOnce: Math.max(1, run.fake.awaited('saveCursor').length + run.fake.awaited('resetCursor').length),
    isCursorBehindPosition: !context.isLoaded || cursor <= context.position,
    isStopKept: before.context.order !== 'stop' || context.order === 'stop',
    isCursorMonotone: mayGoBack || cursor >= (before.context.cursor?.position ?? 0),
    isProcessHeld: run.fake.isHeld,
  }).toEqual({
    errors: [],
    handlersAtOnce: 1,
    movesAtOnce: 1,
    isCursorBehindPosition: true,
    isStopKept: true,
    isCursorMonotone: true,
    isProcessHeld: after.hasTag('running'),
  });
}

/** No port answers any more, and yet it ends within its bound and leaves nothing behind. */
function checkStop(run: FakeRun): void {
  const { actor, clock, fake } = run;
  if (actor.getSnapshot().status === 'active') actor.send({ type: 'STOP' });
  clock.increment(fakePolicy.drainMs);
  clock.increment(fakePolicy.drainMs);
  expect(actor.getSnapshot().value).toBe('stopped');
  expect(actor.getSnapshot().status).toBe('done');
  expect([...fake.pending].filter(({ signal }) => !signal.aborted)).toEqual([]);
  fake.pending.clear();
  expect([fake.heads.observed, fake.lifelines, run.timers]).toEqual([false, 0, 0]);
}

function topLevel(value: unknown): unknown {
  return typeof value === 'string' ? value : Object.keys(value as object)[0];
}
