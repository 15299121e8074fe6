/**
 * The charts of our own machines say what the machines do, no more and no less.
 *
 * What is expected is worked out here once more, from what the machines tell of themselves, and compared with the files that the
 * package ships (npm run page builds them).
 */
import { expect, onTestFinished, test } from 'vitest';
import { type AnyStateMachine, type AnyStateNode, fromPromise } from 'xstate';
import { getAdjacencyMap } from 'xstate/graph';
import { busMachine } from '#actors/bus.machine';
import { inspectionOf } from '#actors/inspection';
import { supervise } from '#actors/supervise';
import { ownChart } from '#kernel/dashboard/chart/own-charts';
import { takenEdges } from '#kernel/dashboard/chart/taken-edge';
import { openBus } from '#store';
import { chartWorlds, largeWorlds, type ProcessorStep, processorSteps } from '../kit/processor-steps.ts';

/** The first two have all steps that no order causes, in a quarter of the time. */
const worlds = process.env.TEST_LONG ? [...chartWorlds, ...largeWorlds] : chartWorlds.slice(0, 2);
const steps = worlds.flatMap((world) => [...processorSteps(world)]);

/** The states around a path and itself, outermost first. */
function lineage(path: string): string[] {
  const keys = path.split('.');
  return keys.map((_, index) => keys.slice(0, index + 1).join('.'));
}

/** Of two paths, the outermost states that differ, no deeper than the second level; the same state twice where none does. */
function endsOf({ from, to }: ProcessorStep): string {
  const [before, after] = [lineage(from).slice(0, 2), lineage(to).slice(0, 2)];
  const depth = before.findIndex((state, index) => after[index] !== state);
  const level = depth === -1 ? Math.max(before.length, after.length) - 1 : depth;
  return `${before[level] ?? before.at(-1)} -> ${after[level] ?? after.at(-1)}`;
}

function linesOf(edges: Iterable<{ readonly from: string; readonly to: string; readonly events: readonly string[] }>) {
  return [...edges].flatMap(({ from, to, events }) => events.map((event) => `${from} -> ${to}: ${event}`)).sort();
}

/** Poisoned and resetting are drawn without what is inside them: only orders move them from one to the other. */
function drawnEnds(step: ProcessorStep): string {
  return endsOf(step).replaceAll(/(poisoned|resetting)\.\w+/g, '$1');
}

test("the processor's chart has an edge for each step of its machine that no order causes, and no other", async () => {
  const chart = await ownChart('processor');

  const free = steps.filter(({ isOrdered }) => !isOrdered);
  const expected = new Set(free.map((step) => `${drawnEnds(step)}: ${step.event}`));
  expect(linesOf(chart.edges)).toEqual([...expected].sort());
  expect(expected.size).toBeGreaterThan(50);
});

test('each step that an order causes is among its orders, or has an edge because it happens without one too', async () => {
  const chart = await ownChart('processor');

  const known = new Set([...linesOf(chart.edges), ...linesOf(chart.orders)]);
  const ordered = new Set(
    steps.filter(({ isOrdered }) => isOrdered).map((step) => `${drawnEnds(step)}: ${step.event}`),
  );
  expect([...ordered].filter((line) => !known.has(line))).toEqual([]);
  // All of them are found in more and larger worlds only.
  if (process.env.TEST_LONG) expect(linesOf(chart.orders).filter((line) => !ordered.has(line))).toEqual([]);
});

test('each state that a processor is ever in has a node, and a choice that is left at once has none', async () => {
  const chart = await ownChart('processor');

  const seen = new Set(steps.flatMap(({ from, to }) => [...lineage(from), ...lineage(to)]));
  const ids = chart.nodes.map(({ id }) => id);
  expect([...seen].filter((path) => chart.nodeByPath[path] === undefined)).toEqual([]);
  expect(ids.filter((id) => !seen.has(id) && !['resetting', 'paused'].includes(id))).toEqual([]);
  expect(Object.values(chart.nodeByPath).filter((id) => !ids.includes(id))).toEqual([]);
  expect(Object.keys(chart.nodeByPath)).not.toContain('routing');
});

test('boxes of the chart are the compound states of the machine', async () => {
  const { nodes } = await ownChart('processor');

  const children = (id: string) => nodes.filter(({ parent }) => parent === id).map(({ label }) => label);
  expect(children('live').sort()).toEqual(['replaying', 'saving', 'waiting', 'working']);
  expect(children('catching-up').sort()).toEqual(['replaying', 'saving', 'working']);
  expect(nodes.filter(({ kind }) => kind === 'compound').map(({ id }) => id)).toEqual(['catching-up', 'live']);
  expect(nodes.filter(({ kind }) => kind === 'final').map(({ id }) => id)).toEqual(['stopped']);
});

test('each step lights the edge that stands for it, and no other', async () => {
  const chart = await ownChart('processor');

  const wrong = new Set<string>();
  for (const step of steps.filter(({ isOrdered }) => !isOrdered)) {
    const taken = takenEdges(chart, { from: lineage(step.from), to: lineage(step.to), event: step.event });
    const lit = taken.map(({ from, to }) => `${from} -> ${to}`);
    if (lit.join() !== drawnEnds(step)) wrong.add(`${drawnEnds(step)}: ${step.event} lights ${lit}`);
  }
  expect([...wrong]).toEqual([]);
});

test('whatever a real processor does is in its chart', async () => {
  const chart = await ownChart('processor');
  const known = new Set([...linesOf(chart.edges), ...linesOf(chart.orders)]);
  const bus = await openBus({ path: ':memory:', inline: true });
  onTestFinished(() => bus.close());
  bus.errors$.subscribe();
  let isBroken = false;
  const processor = bus.processor({
    name: 'p',
    handle: () => {
      if (isBroken) throw new Error('broken');
    },
    retry: { attempts: 1, minMs: 1, maxMs: 1 },
  });
  const seen = new Map<number, string>();
  const inspection = inspectionOf(bus);
  inspection.attach(() => {
    const transition = inspection.status().processors[0]?.lanes[0]?.transition;
    if (transition === undefined || transition.from.join() === transition.to.join()) return;
    const { from, to, event, number } = transition;
    const step = { from: from.at(-1) ?? '', to: to.at(-1) ?? '', event, isOrdered: false };
    seen.set(number, `${drawnEnds(step)}: ${event}`);
  });

  await bus.append('s', { type: 'T' });
  processor.start();
  await processor.caughtUp();
  isBroken = true;
  await bus.append('s', { type: 'T' });
  await processor.waitFor('failed');
  isBroken = false;
  processor.resume();
  await processor.caughtUp();
  processor.pause();
  await processor.waitFor('paused');
  await processor.reset({ to: 0 });
  processor.resume();
  await processor.caughtUp();
  await processor.stop();

  expect([...seen.values()]).toContainEqual(expect.stringMatching(/^live -> retrying: /));
  expect(seen.size).toBeGreaterThan(15);
  expect([...seen.values()].filter((line) => !known.has(line))).toEqual([]);
});

const nothing = () => Promise.resolve();
const busSteps = {
  stopTimers: nothing,
  stopProcessors: nothing,
  stopReaders: nothing,
  stopAppends: nothing,
  release: nothing,
};

const flatMachines = {
  bus: busMachine(busSteps) as AnyStateMachine,
  // All failures are at the same time, however slow the walk is.
  supervisor: supervise(fromPromise(nothing), { maxRestarts: 1, withinMs: 1, now: () => 0 }) as AnyStateMachine,
};

test.each(['bus', 'supervisor'] as const)(
  'the chart of the %s has the edges of its machine, and no other',
  async (name) => {
    const chart = await ownChart(name);

    expect(linesOf(chart.edges)).toEqual(adjacencyOf(flatMachines[name]));
  },
);

/** Of a machine without nesting: what each event that a state knows of leads to. */
function adjacencyOf(machine: AnyStateMachine): string[] {
  type Snapshot = { readonly value: string; readonly context: { readonly failedAt?: readonly number[] } };
  const typesIn = (value: string): readonly string[] => (machine.states[value] as AnyStateNode).ownEvents;
  const adjacency = getAdjacencyMap(machine, {
    events: ((state: Snapshot) =>
      typesIn(state.value).map((type) => ({ type: type === '*' ? 'ANYTHING' : type }))) as never,
    // As often as it takes to give up.
    serializeState: ((state: Snapshot) => `${state.value} ${state.context?.failedAt?.length}`) as never,
    limit: 100,
  });
  const lines = Object.values(adjacency).flatMap(({ state, transitions }) => {
    const taken = Object.values(transitions) as {
      readonly event: { readonly type: string };
      readonly state: Snapshot;
    }[];
    const from = (state as Snapshot).value;
    return taken.map(({ event, state: after }) => {
      return `${from} -> ${after.value}: ${event.type === 'ANYTHING' ? '*' : event.type}`;
    });
  });
  return [...new Set(lines)].sort();
}
