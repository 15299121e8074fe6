/**
 * The rule by which the charts of our own machines are drawn: from the steps that a walk through the real machine finds.
 *
 * - A state is drawn as deep as `depth` says; those further inside are part of it. Choices that are left at once have no step, and
 *   so they are not there.
 * - An edge stands for all steps between the states it joins. Where a step leaves a box, its edge begins at that box, and where it
 *   enters one, it ends there: it joins the two states that have a parent in common.
 * - A step that is an order's doing has no edge: those are the buttons beside the chart, `orders`. It is one when its event is an order,
 *   or one was given before that is not obeyed yet. Steps that happen without an order too have their edge.
 * - A state inside a box that no edge touches is part of the box; a box with less than two states inside is a plain one.
 *
 * Nothing else is left out, and no edge is there that has no step.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { edgeLabel, eventLabels, nodesOf } from './event-label.ts';
import type { StateEdge, StateGraph, StateNodeShape } from './state-graph.ts';

/** What happened once. */
export interface Step {
  /** The path of the innermost active state before and after: `'live.working.handling'`. */
  readonly from: string;
  readonly to: string;
  /** The type of the event that caused it. */
  readonly event: string;
  /** Whether an order did. */
  readonly isOrdered: boolean;
}

export interface ExplorationOptions {
  readonly id: string;
  readonly title: string;
  /** How deep states are drawn. 1: only the outermost. */
  readonly depth: number;
  /** The paths of the states that the machine may begin in. */
  readonly beginsIn: readonly string[];
  /** What actors, delays and events are called. */
  readonly words: Readonly<Record<string, string>>;
}

/** `machine` has no parallel states. */
export function exploredGraph(
  machine: AnyStateMachine,
  steps: Iterable<Step>,
  options: ExplorationOptions,
): StateGraph {
  const lifted = new EventsByPair();
  const ordered = new EventsByPair();
  for (const { from, to, event, isOrdered } of steps) {
    (isOrdered ? ordered : lifted).add(...endsOf(from, to, options.depth), event);
  }
  const { nodes, nodeByPath } = nodesDrawn(machine, lifted, options);
  const nodeOf = (path: string) => nodeByPath[path] as string;
  const drawn = new EventsByPair();
  for (const [from, to, events] of lifted.pairs()) drawn.add(nodeOf(from), nodeOf(to), ...events);
  const orders = new EventsByPair();
  for (const [from, to, events] of ordered.pairs()) {
    const ends = [nodeOf(from), nodeOf(to)] as const;
    orders.add(...ends, ...events.filter((event) => !drawn.has(...ends, event)));
  }
  const labelOf = eventLabels(machine, options.words);
  const edges = drawn.pairs().map(([from, to, events]): StateEdge => {
    const isBad = nodes.some(({ id, tags }) => id === to && tags.includes('unhealthy'));
    return { from, to, events, label: edgeLabel(sortedCauses(events, isBad).map(labelOf)) };
  });
  return {
    id: options.id,
    title: options.title,
    nodes,
    edges,
    orders: orders.pairs().map(([from, to, events]) => ({ from, to, events })),
    nodeByPath,
  };
}

/** What fails comes first where it leads to something bad. */
function sortedCauses(events: readonly string[], isBad: boolean): readonly string[] {
  if (!isBad) return events;
  const isFailure = (event: string) => event.startsWith('xstate.error.');
  return [...events.filter(isFailure), ...events.filter((event) => !isFailure(event))];
}

/** The two states that an edge joins, which have a parent in common. */
function endsOf(from: string, to: string, depth: number): [from: string, to: string] {
  const source = from.split('.').slice(0, depth);
  const target = to.split('.').slice(0, depth);
  let common = 0;
  while (common < source.length && source[common] === target[common]) common++;
  return [source.slice(0, common + 1).join('.'), target.slice(0, common + 1).join('.')];
}

function nodesDrawn(machine: AnyStateMachine, drawn: EventsByPair, { depth, beginsIn }: ExplorationOptions) {
  const nodes: StateNodeShape[] = [];
  const nodeByPath: Record<string, string> = {};
  const touched = new Set(drawn.pairs().flatMap(([from, to]) => [from, to] as const));
  const isChoice = ({ always = [], type }: AnyStateNode) => type === 'atomic' && always.some(({ guard }) => !guard);
  const visit = (node: AnyStateNode, parent: string | undefined) => {
    if (isChoice(node)) return;
    const path = node.path.join('.');
    const children = Object.values(node.states);
    const inside = children.filter((child) => child.path.length <= depth && touched.has(child.path.join('.')));
    const isBox = inside.length > 1;
    const kind = isBox ? 'compound' : node.type === 'final' ? 'final' : 'state';
    const isInitial =
      parent === undefined ? beginsIn.includes(path) : node.parent?.initial.target.includes(node) === true;
    nodes.push({
      id: path,
      ...(parent !== undefined && { parent }),
      label: node.key,
      kind,
      isInitial,
      tags: node.tags,
    });
    nodeByPath[path] = path;
    for (const child of children) {
      if (isBox && inside.includes(child)) visit(child, path);
      else for (const { path: hidden } of nodesOf(child)) nodeByPath[hidden.join('.')] = path;
    }
  };
  for (const state of Object.values(machine.root.states)) visit(state, undefined);
  return { nodes, nodeByPath };
}

/** Types of events by the pair of states that they lead from and to, in the order in which they came. */
class EventsByPair {
  readonly #events = new Map<string, Map<string, Set<string>>>();

  add(from: string, to: string, ...more: readonly string[]): void {
    if (more.length === 0) return;
    const targets = this.#events.get(from) ?? new Map<string, Set<string>>();
    const events = targets.get(to) ?? new Set();
    for (const event of more) events.add(event);
    this.#events.set(from, targets.set(to, events));
  }

  has(from: string, to: string, event: string): boolean {
    return this.#events.get(from)?.get(to)?.has(event) === true;
  }

  pairs(): [from: string, to: string, events: string[]][] {
    return [...this.#events].flatMap(([from, targets]) => {
      return [...targets].map(([to, events]): [string, string, string[]] => [from, to, [...events]]);
    });
  }
}
