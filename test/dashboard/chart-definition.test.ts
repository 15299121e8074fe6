/** What is drawn of the machines of users: all that their definitions say, and what choices hide. */
import { expect, test } from 'vitest';
import { type AnyStateMachine, type AnyStateNode, createMachine, fromCallback } from 'xstate';
import { getAdjacencyMap } from 'xstate/graph';
import { definedGraph } from '#kernel/dashboard/chart/definition';
import type { StateGraph } from '#kernel/dashboard/chart/state-graph';
import { takenEdges } from '#kernel/dashboard/chart/taken-edge';
import type { Chart } from '#kernel/dashboard/wire';
import { type ExampleMachine, exampleMachines } from '../kit/example-machines.ts';

function linesOf({ edges }: Pick<StateGraph, 'edges'>): string[] {
  return edges.flatMap(({ from, to, events }) => events.map((event) => `${from} -> ${to}: ${event}`)).sort();
}

interface Snapshot {
  readonly status: string;
  readonly _nodes: readonly AnyStateNode[];
}
interface Taken {
  readonly event: { readonly type: string };
  readonly from: readonly string[];
  readonly to: readonly string[];
}

/** Every step that a walk through `machine` finds, with active paths before and after. */
function stepsOf(machine: AnyStateMachine): Taken[] {
  const events = ({ status, _nodes }: Snapshot) => {
    if (status !== 'active') return [];
    const types = _nodes.flatMap((node) => node.ownEvents).filter((type) => !type.startsWith('xstate.done.state.'));
    const given = new Set(types.map((type) => (type === '*' ? 'ANYTHING' : type)));
    return [...given].flatMap((type) => [{ type }, { type, ok: true }]);
  };
  const paths = ({ _nodes }: Snapshot) => _nodes.filter(({ parent }) => parent).map(({ path }) => path.join('.'));
  const essence = (state: Snapshot) => JSON.stringify([paths(state), state.status, historyOf(state)]);
  const adjacency = getAdjacencyMap(machine, {
    events: events as never,
    serializeState: essence as never,
    limit: 1000,
  });
  return Object.values(adjacency).flatMap(({ state, transitions }) => {
    const taken = Object.values(transitions) as {
      readonly event: { readonly type: string };
      readonly state: Snapshot;
    }[];
    return taken.map(({ event, state: after }) => ({ event, from: paths(state as never), to: paths(after) }));
  });
}

function historyOf(state: unknown): unknown {
  const { historyValue = {} } = state as { readonly historyValue?: Readonly<Record<string, readonly AnyStateNode[]>> };
  return Object.entries(historyValue).map(([id, nodes]) => [id, nodes.map((node) => node.id)]);
}

/** Whether some edge says that `event` may lead from where the machine was to where it is, through a history state perhaps. */
function isDrawn({ edges, nodes }: StateGraph, { from, to, event }: Taken, rootId: string): boolean {
  const [before, after] = [
    [...from, rootId],
    [...to, rootId],
  ];
  const history = nodes.filter(({ kind }) => kind === 'history');
  const remembered = history.filter(({ parent }) => after.includes(parent as string)).map(({ id }) => id);
  const finals = nodes.filter(({ kind }) => kind === 'final').map(({ id }) => id);
  return edges.some((edge) => {
    const isCause = edge.events.includes(event.type) || edge.events.includes('*');
    // A box whose inside is done goes on at once.
    const isPassedOn = finals.includes(edge.to) && !after.includes(edge.to);
    return isCause && before.includes(edge.from) && (isPassedOn || [...after, ...remembered].includes(edge.to));
  });
}

test.each(exampleMachines)('$name: the edges are those of the definition', ({ machine, edges }) => {
  expect(linesOf(definedGraph(machine))).toEqual([...edges].sort());
});

test.each(exampleMachines)('$name: each step of the machine has its edge', ({ machine }) => {
  const graph = definedGraph(machine);

  const steps = stepsOf(machine).filter(({ from, to }) => from.join() !== to.join());
  const missing = steps.filter((step) => !isDrawn(graph, step, `(${machine.id})`));

  expect(missing.map(({ from, to, event }) => `${from} -> ${to}: ${event.type}`)).toEqual([]);
});

/** What history leads to is seen as where its box is: no step shows the edge itself. */
const isUnseen = (line: string) => line.startsWith('day.last -> ');

test.each(exampleMachines)('$name: each edge is lit by some step of the machine', ({ machine }: ExampleMachine) => {
  const graph = definedGraph(machine);

  const taken = stepsOf(machine).flatMap(({ from, to, event }) => {
    return takenEdges(graph as unknown as Chart, { from, to, event: event.type });
  });
  const lit = new Set(linesOf({ edges: taken }));

  expect(linesOf(graph).filter((line) => !lit.has(line) && !isUnseen(line))).toEqual([]);
});

test('states stand for themselves, choices for nothing', () => {
  const [, , , , sort] = exampleMachines as readonly [never, never, never, never, ExampleMachine];
  const { nodes, nodeByPath } = definedGraph(sort.machine);

  expect(nodes.map(({ id, parent, kind }) => [id, parent, kind])).toEqual([
    ['small', undefined, 'state'],
    ['big', undefined, 'state'],
    ['box', undefined, 'compound'],
    ['never', undefined, 'state'],
    ['box.inside', 'box', 'state'],
  ]);
  expect(Object.keys(nodeByPath)).toEqual(nodes.map(({ id }) => id));
  expect(nodes.filter(({ isInitial }) => isInitial).map(({ id }) => id)).toEqual(['small', 'big', 'box.inside']);
});

test('labels say in words what XState makes up, and leave names of the user as they are', () => {
  const logic = fromCallback(() => undefined);
  const machine = createMachine({
    id: 'm',
    initial: 'a',
    states: {
      a: {
        invoke: [
          { src: 'sendMail' as never, onDone: 'b', onError: 'c' },
          { id: 'watchHead', src: logic, onDone: 'c' },
        ],
        on: { 'order.PAID': { guard: 'isPaid', target: 'choice' }, '*': 'd' },
        after: { 1500: 'd', 20: 'd' },
      },
      b: { on: Object.fromEntries(['A', 'B', 'C', 'D', 'E'].map((type) => [type, 'c'])) },
      c: {},
      d: { always: { guard: 'isBig', target: 'a' } },
      choice: { always: [{ guard: 'isBig', target: 'b' }, { target: 'a' }] },
    },
  });

  const { edges } = definedGraph(machine);

  expect(Object.fromEntries(edges.map(({ from, to, label }) => [`${from} ${to}`, label.split('\n')]))).toEqual({
    'a b': ['order.PAID [isPaid, isBig]', 'send mail done'],
    'a a': ['order.PAID [isPaid]'],
    'a c': ['send mail failed', 'watch head done'],
    'a d': ['any other event', 'after 20 ms', 'after 1.5 s'],
    'b c': ['A', 'B', '+ 3 more'],
    'd a': ['at once [isBig]'],
  });
});

test.each([
  ['nothing', undefined],
  ['a promise logic', fromCallback(() => undefined)],
  ['an object with a root', { root: {} }],
  ['a text', 'machine'],
])('%s is no machine', (_, machine) => {
  expect(() => definedGraph(machine as never)).toThrow(/^machine must be a state machine of XState 5, got /);
});

function manyStates(count: number, transitions: (index: number) => Readonly<Record<string, string>>): AnyStateMachine {
  const states = Array.from({ length: count }, (_, index) => [`s${index}`, { on: transitions(index) }] as const);
  return createMachine({ id: 'many', initial: 's0', states: Object.fromEntries(states) });
}

test.each([
  ['states', manyStates(500, () => ({})), 'chartStatesMax'],
  [
    'edges',
    manyStates(50, () => Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`E${index}`, `s${index}`]))),
    'chartEdgesMax',
  ],
  [
    'transitions',
    manyStates(5, () => Object.fromEntries(Array.from({ length: 4001 }, (_, index) => [`E${index}`, 's0']))),
    'chartTransitionsMax',
  ],
] as const)('a machine with too many %s is refused', (_, machine, limit) => {
  expect(() => definedGraph(machine)).toThrow(
    expect.objectContaining({ code: 'CHART_TOO_LARGE', detail: expect.objectContaining({ limit }) }),
  );
});

test.each([
  ['two choices that lead to one another', { initial: 'a', states: { a: { always: 'b' }, b: { always: 'a' } } }],
  ['a choice that leads to itself', { initial: 'a', states: { a: { always: 'a' } } }],
])('%s leave nothing to draw but the machine', (_, config) => {
  const { nodes, edges } = definedGraph(createMachine({ id: 'm', ...config } as never));

  expect(nodes.map(({ id }) => id)).toEqual(['(m)']);
  expect(edges).toEqual([]);
});
