/**
 * The rule by which any machine is drawn: from its definition, with nothing left out.
 *
 * - Each state is there, however deep; a state with states inside is a box, a history state a small circle. The machine itself is a
 *   box around all of it if it has transitions of its own, or its states are parallel; without states it is all there is.
 * - An edge is there for each pair of states that some transition leads from and to: of an event, a delay, an actor's end, or
 *   `always`. A transition without a target that does something leads back to its state; one that does nothing has no edge.
 * - A choice is not there: a state without states inside, which some `always` without a guard leaves at once. Edges that lead to
 *   it lead on to where it leads, and so do the beginnings of boxes.
 *
 * What is drawn may be more than ever happens, because a guard may never hold; it is never less, but for what an action raises
 * or spawns.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { BusError, type ErrorDetails, isBusError } from '../../errors.ts';
import { chartEdgesMax, chartStatesMax, chartTransitionsMax } from '../../limits.ts';
import type { ChartNode } from '../wire.ts';
import { ChoiceTargets } from './choice-targets.ts';
import { edgeLabel, eventLabels, nodesOf, shortened } from './event-label.ts';
import type { StateEdge, StateGraph, StateNodeShape } from './state-graph.ts';

/** Letters of a state's name that are drawn. */
const nameLettersMax = 40;

/** @throws {TypeError} it is no machine of XState 5, or one that XState can't run. @throws {BusError} CHART_TOO_LARGE */
export function definedGraph(machine: AnyStateMachine): StateGraph {
  requireMachine(machine);
  try {
    return graphOf(machine);
  } catch (cause) {
    if (isBusError(cause, 'CHART_TOO_LARGE')) throw cause;
    // XState looks at some parts of a definition only when it gets there.
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`machine must be one that XState can run: ${reason}`, { cause });
  }
}

function graphOf(machine: AnyStateMachine): StateGraph {
  const all = nodesOf(machine.root);
  requireAtMost('chartStatesMax', chartStatesMax, all.length);
  const choices = new ChoiceTargets(all);
  const transitions = new Transitions(machine, choices);
  for (const node of all) if (!choices.isChoice(node)) transitions.addFrom(node);

  const { root } = machine;
  const states = all.filter((node) => node !== root && !choices.isChoice(node));
  const isRootDrawn = root.type === 'parallel' || states.length === 0 || transitions.touches(root);
  const rootId = `(${machine.id})`;
  const idOf = (node: AnyStateNode) => (node === root ? rootId : node.path.join('.'));
  const begins = new Set(all.flatMap((node) => choices.beginningsOf(node)));
  const nodes = [...(isRootDrawn ? [root] : []), ...states].map((node): StateNodeShape => {
    const { parent, tags } = node;
    const isInBox = parent !== undefined && (parent !== root || isRootDrawn);
    return {
      id: idOf(node),
      ...(isInBox && { parent: idOf(parent) }),
      label: labelOf(node),
      kind: node === root && states.length === 0 ? 'state' : kindOf(node),
      isInitial: begins.has(node),
      tags,
    };
  });
  const paths = states.filter(({ type }) => type !== 'history').map(idOf);
  return {
    id: machine.id,
    title: shortened(machine.id, nameLettersMax),
    nodes,
    edges: transitions.edges(idOf),
    orders: [],
    nodeByPath: Object.fromEntries(paths.map((path) => [path, path])),
  };
}

type ChartLimit = ErrorDetails['CHART_TOO_LARGE']['limit'];

function requireMachine(machine: unknown): asserts machine is AnyStateMachine {
  const { root } = (machine ?? {}) as { readonly root?: { readonly states?: unknown; readonly transitions?: unknown } };
  if (typeof root?.states === 'object' && root.transitions instanceof Map) return;
  throw new TypeError(`machine must be a state machine of XState 5, got ${describe(machine)}`);
}

function describe(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'another object' : typeof value;
}

function requireAtMost(limit: ChartLimit, max: number, actual: number): void {
  if (actual <= max) return;
  throw new BusError('CHART_TOO_LARGE', `a chart may have ${max} (${limit}), this one has ${actual} or more`, {
    limit,
    max,
  });
}

function kindOf({ type }: AnyStateNode): ChartNode['kind'] {
  return type === 'atomic' ? 'state' : type;
}

function labelOf(node: AnyStateNode): string {
  if (node.type === 'history') return node.history === 'deep' ? 'H*' : 'H';
  return shortened(node.key, nameLettersMax);
}

/** What leads from where to where, and what causes it. */
class Transitions {
  readonly #byEnds = new Map<AnyStateNode, Map<AnyStateNode, Cause[]>>();
  readonly #labelOf: (type: string) => string;
  readonly #choices: ChoiceTargets;
  #count = 0;

  constructor(machine: AnyStateMachine, choices: ChoiceTargets) {
    this.#labelOf = eventLabels(machine);
    this.#choices = choices;
  }

  addFrom(node: AnyStateNode): void {
    // A history state that nothing was remembered in leads on to its default.
    if (node.type === 'history') {
      for (const target of historyDefaults(node)) this.#add(node, target, { event: '', label: 'at first' });
    }
    for (const transition of [...node.transitions.values(), node.always ?? []].flat()) {
      const { eventType: event, target, guard, actions } = transition;
      const label = this.#labelOf(event);
      if (target === undefined && actions.length > 0) this.#add(node, node, { event, label }, guard);
      for (const aim of target ?? []) this.#add(node, aim as AnyStateNode, { event, label }, guard);
    }
  }

  #add(from: AnyStateNode, aim: AnyStateNode, { event, label }: Cause, guard?: unknown): void {
    for (const { node: to, guards } of this.#choices.reachedBy(aim)) {
      const names = [guard, ...guards].map(guardName).filter((name) => name !== '');
      const cause = { event, label: names.length === 0 ? label : `${label} [${names.join(', ')}]` };
      const targets = this.#byEnds.get(from) ?? new Map<AnyStateNode, Cause[]>();
      const causes = targets.get(to) ?? [];
      causes.push(cause);
      this.#byEnds.set(from, targets.set(to, causes));
      requireAtMost('chartTransitionsMax', chartTransitionsMax, ++this.#count);
    }
  }

  /** Whether `node` is an end of any. */
  touches(node: AnyStateNode): boolean {
    return this.#byEnds.has(node) || [...this.#byEnds.values()].some((targets) => targets.has(node));
  }

  edges(idOf: (node: AnyStateNode) => string): StateEdge[] {
    const count = [...this.#byEnds.values()].reduce((sum, { size }) => sum + size, 0);
    requireAtMost('chartEdgesMax', chartEdgesMax, count);
    return [...this.#byEnds].flatMap(([from, targets]) => {
      return [...targets].map(([to, causes]) => ({
        from: idOf(from),
        to: idOf(to),
        events: [...new Set(causes.map(({ event }) => event))],
        label: edgeLabel(causes.map(({ label }) => label)),
      }));
    });
  }
}

interface Cause {
  readonly event: string;
  readonly label: string;
}

/** Nothing for a function written in its place. */
function guardName(guard: unknown): string {
  const name = typeof guard === 'object' && guard !== null ? (guard as { readonly type?: unknown }).type : guard;
  if (typeof name === 'function') return name.name === 'guard' ? '' : name.name;
  return typeof name === 'string' ? name : '';
}

/** Where a history state leads as long as nothing was remembered in it. */
function historyDefaults(node: AnyStateNode): readonly AnyStateNode[] {
  const { target } = node.config as { readonly target?: string | readonly string[] };
  const box = node.parent as AnyStateNode;
  if (target === undefined) return box.type === 'parallel' ? [box] : (box.initial.target as AnyStateNode[]);
  return [target].flat().map((name) => {
    if (name.startsWith('#')) return node.machine.getStateNodeById(name) as AnyStateNode;
    return name.split('.').reduce((inner, key) => inner.states[key] as AnyStateNode, box);
  });
}
