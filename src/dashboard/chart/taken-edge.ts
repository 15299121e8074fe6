/**
 * Which edges of a chart a transition took, to light them. Has no imports but types: it runs in the page.
 */
import type { Transition } from '../../../actors/bus-status.ts';
import type { Chart, ChartEdge, ChartNode } from '../wire.ts';

/** Steps that a machine goes on by itself: it leaves a state at once, or because what is inside is done. */
const goesOn = /^$|^xstate\.done\.state\./;

/**
 * The edges that `transition` took: several, where it took one in each part of a parallel state, or went on by itself. None, if
 * the chart has none for it, as for a step that an order caused.
 */
export function takenEdges(chart: Chart, transition: Pick<Transition, 'from' | 'to' | 'event'>): readonly ChartEdge[] {
  const nodeById = new Map(chart.nodes.map((node) => [node.id, node]));
  const before = nodesOf(chart, transition.from, nodeById);
  const after = nodesOf(chart, transition.to, nodeById);
  // Of a history state only the box is seen that it is in.
  for (const { id, kind, parent } of chart.nodes) if (kind === 'history' && after.has(parent ?? '')) after.add(id);
  const caused = chart.edges.filter(({ from, events }) => before.has(from) && isCausedBy(events, transition.event));
  const direct = innermost(
    caused.filter(({ to }) => after.has(to)),
    nodeById,
  );
  // What was entered anew tells most of what happened; a way back to the same state comes second.
  const news = direct.filter(({ to }) => !before.has(to));
  if (news.length > 0) return news;
  return direct.length > 0 ? direct : wayOver(chart, nodeById, caused, after);
}

type NodeById = ReadonlyMap<string, ChartNode>;

/** The node with this id, and those around it. */
function* outwards(id: string | undefined, nodeById: NodeById): Generator<string> {
  for (let inner = id; inner !== undefined; inner = nodeById.get(inner)?.parent) yield inner;
}

/** The nodes that stand for active states, and those around them. */
function nodesOf(chart: Chart, paths: readonly string[], nodeById: NodeById): Set<string> {
  const ids = new Set<string>();
  const outermost = chart.nodes[0];
  // The machine itself is always active; only a box around all others stands for it.
  if (outermost !== undefined && !Object.hasOwn(chart.nodeByPath, outermost.id)) ids.add(outermost.id);
  for (const path of paths) {
    if (!Object.hasOwn(chart.nodeByPath, path)) continue;
    for (const id of outwards(chart.nodeByPath[path], nodeById)) ids.add(id);
  }
  return ids;
}

function isCausedBy(events: readonly string[], event: string): boolean {
  return events.some((known) => {
    if (known === event || known === '*') return true;
    return known.endsWith('.*') && event.startsWith(known.slice(0, -1));
  });
}

/** A state's own transitions go before those of the boxes around it. */
function innermost(edges: readonly ChartEdge[], nodeById: NodeById): readonly ChartEdge[] {
  const around = new Set(edges.flatMap(({ from }) => [...outwards(nodeById.get(from)?.parent, nodeById)]));
  return edges.filter(({ from }) => !around.has(from));
}

/** The first way found from one of `starts` over edges that need no event to where the machine is. */
function wayOver(
  chart: Chart,
  nodeById: NodeById,
  starts: readonly ChartEdge[],
  after: ReadonlySet<string>,
): readonly ChartEdge[] {
  const further = chart.edges.filter(({ events }) => events.some((event) => goesOn.test(event)));
  const ways = starts.map((edge) => [edge]);
  const seen = new Set(starts);
  // Grows while it is walked; each edge is looked at once.
  for (const way of ways) {
    const reached = new Set(outwards(way.at(-1)?.to, nodeById));
    for (const edge of further) {
      if (seen.has(edge) || !reached.has(edge.from)) continue;
      seen.add(edge);
      if (after.has(edge.to)) return [...way, edge];
      ways.push([...way, edge]);
    }
  }
  return [];
}
