/**
 * Which edges of a chart a transition took, to light them. Has no imports but types: it runs in the page.
 */
import type { Transition } from '../../../actors/bus-status.ts';
import type { Chart, ChartEdge } from '../wire.ts';

/** Steps that a machine goes on by itself: it leaves a state at once, or because what is inside is done. */
const goesOn = /^$|^xstate\.done\.state\./;

/**
 * The edges that `transition` took: several, where it took one in each part of a parallel state, or went on by itself. None, if
 * the chart has none for it, as for a step that an order caused.
 */
export function takenEdges(chart: Chart, transition: Pick<Transition, 'from' | 'to' | 'event'>): readonly ChartEdge[] {
  const parentOf = new Map(chart.nodes.map(({ id, parent }) => [id, parent]));
  const before = nodesOf(chart, transition.from, parentOf);
  const after = nodesOf(chart, transition.to, parentOf);
  const caused = chart.edges.filter(({ from, events }) => before.has(from) && isCausedBy(events, transition.event));
  const direct = innermost(
    caused.filter(({ to }) => after.has(to)),
    parentOf,
  );
  // What was entered anew tells most of what happened; a way back to the same state comes second.
  const news = direct.filter(({ to }) => !before.has(to));
  if (news.length > 0) return news;
  return direct.length > 0 ? direct : waysOver(chart, caused, after);
}

/** The nodes that stand for active states, and those around them. */
function nodesOf(chart: Chart, paths: readonly string[], parentOf: ReadonlyMap<string, string | undefined>) {
  const ids = new Set<string>();
  const outermost = chart.nodes[0];
  // The machine itself is always active; only a box around all others stands for it.
  if (outermost !== undefined && !Object.hasOwn(chart.nodeByPath, outermost.id)) ids.add(outermost.id);
  for (const path of paths) {
    let id = Object.hasOwn(chart.nodeByPath, path) ? chart.nodeByPath[path] : undefined;
    for (; id !== undefined; id = parentOf.get(id)) ids.add(id);
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
function innermost(edges: readonly ChartEdge[], parentOf: ReadonlyMap<string, string | undefined>) {
  const around = new Set<string>();
  for (const { from } of edges) {
    for (let box = parentOf.get(from); box !== undefined; box = parentOf.get(box)) around.add(box);
  }
  return edges.filter(({ from }) => !around.has(from));
}

/** The first way found from one of `starts` over edges that need no event to where the machine is. */
function waysOver(chart: Chart, starts: readonly ChartEdge[], after: ReadonlySet<string>): readonly ChartEdge[] {
  const ways = starts.map((edge) => [edge]);
  const seen = new Set(starts);
  for (const way of ways) {
    const last = way.at(-1) as ChartEdge;
    for (const edge of chart.edges) {
      if (edge.from !== last.to || seen.has(edge) || !edge.events.some((event) => goesOn.test(event))) continue;
      if (after.has(edge.to)) return [...way, edge];
      seen.add(edge);
      ways.push([...way, edge]);
    }
  }
  return [];
}
