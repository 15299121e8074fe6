/**
 * Every way through a processor's machine, as the machine itself tells it, walked by a real actor.
 *
 * The paths come from the pure machine and an environment that answers each port in a few ways, orders anything at any
 * time, and lets timers run out. Each is replayed on an actor with fake ports and a simulated clock: after each step the
 * actor is where the machine said, and what must always hold is checked; at the end of each path a stop has to end it.
 */
import { expect, test } from 'vitest';
import { getAdjacencyMap } from 'xstate/graph';
import { type ProcessorMachine, processorMachine } from '#actors/processor.machine';
import {
  essenceOf,
  type Happening,
  happeningsIn,
  type ProcessorWorld,
  type ProcessorSnapshot as State,
  worlds,
} from '../kit/processor-environment.ts';
import { FakePorts, FakeRun, fakePolicy } from '../kit/processor-ports-fake.ts';

interface Step {
  readonly event: Happening;
  /** The essence of the state it leads to. */
  readonly to: string;
}

/** All paths take half a minute: a tenth of them is walked, another one each day. */
const walksAll = process.env.TEST_LONG !== undefined;
const parts = 10;
const part = Math.abs(Number(process.env.TEST_SEED ?? Math.floor(Date.now() / 86_400_000))) % parts;

/** The steps out of each state, by its essence, and the shortest way there from the beginning. */
interface Chart {
  readonly stepsFrom: ReadonlyMap<string, readonly Step[]>;
  readonly wayTo: ReadonlyMap<string, readonly Step[]>;
}

const fake = new FakePorts();
/** One machine for all walks of a policy, one after the other: to build it takes longer than a walk. */
let machine: ProcessorMachine;
let world: ProcessorWorld;

test.each(worlds)(
  'an actor takes every transition of the machine as the machine says, and a stop ends every path ($policy.onFailure)',
  async (inWorld) => {
    world = inWorld;
    machine = processorMachine(world.policy, fake.ports);
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
      world.policy.onFailure === 'fail' ? 'paused' : 'poisoned',
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
    events: ((state: State) => happeningsIn(world, state)) as never,
    serializeState: essence,
    limit: 1_000_000,
  };
  const stepsFrom = new Map<string, Step[]>();
  for (const [from, node] of Object.entries(getAdjacencyMap(machine, options))) {
    const transitions = Object.values(node.transitions) as { readonly event: Happening; readonly state: State }[];
    const steps = transitions.map(({ event, state }) => ({ event, to: essence(state) }));
    stepsFrom.set(
      from,
      steps.filter(({ to }) => to !== from),
    );
  }
  return { stepsFrom, wayTo: waysOver(stepsFrom) };
}

/** The shortest way to each state from the one that comes first. Not xstate's, which would explore the machine once more. */
function waysOver(stepsFrom: ReadonlyMap<string, readonly Step[]>): Map<string, readonly Step[]> {
  const [first] = stepsFrom.keys();
  const wayTo = new Map<string, readonly Step[]>([[first as string, []]]);
  // What is added on the way is looped over, too, the nearer ones first.
  for (const [from, way] of wayTo) {
    for (const step of stepsFrom.get(from) ?? []) if (!wayTo.has(step.to)) wayTo.set(step.to, [...way, step]);
  }
  return wayTo;
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
      expect(essence(after)).toBe(to);
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

/** Told once: a state of the exploration is asked for by the map and by the steps that lead to it. */
const essences = new WeakMap<State, string>();

function essence(state: State): string {
  const told = essences.get(state) ?? essenceOf(world, state);
  essences.set(state, told);
  return told;
}

function topLevel(value: unknown): unknown {
  return typeof value === 'string' ? value : Object.keys(value as object)[0];
}
