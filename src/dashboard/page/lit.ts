/**
 * Which edge of a chart was just taken, and for how long that is shown. Pure.
 */
import type { Transition } from '../../../actors/bus-status.ts';
import type { Chart, ChartEdge } from '../wire.ts';

/** How long an edge is lit. Milliseconds: long enough to be seen, short enough not to lie. */
export const litMs = 1000;

/** Whether `transition` was taken so short a time ago that it may be lit: one that was taken before the page came is not news. */
export function isJustTaken({ atMs }: Transition, nowMs: number): boolean {
  return nowMs - atMs < 2 * litMs;
}

/**
 * The edge that `transition` went along: it leaves a node that stood for the state before, or a box around it, leads to one that
 * stands for the state after, and is caused by that event. Of several the innermost. None for what the chart hides: an order, or
 * a step inside of what it draws as one node.
 */
export function takenEdge(chart: Chart, { from, to, event }: Transition): ChartEdge | undefined {
  const before = nodesOf(chart, from);
  const after = nodesOf(chart, to);
  let best: ChartEdge | undefined;
  let bestDepth = -1;
  for (const edge of chart.edges) {
    const depth = (before.get(edge.from) ?? Number.NaN) + (after.get(edge.to) ?? Number.NaN);
    if (!(depth > bestDepth) || !edge.events.includes(event)) continue;
    best = edge;
    bestDepth = depth;
  }
  return best;
}

/** The nodes that stand for `paths`, with how deep each is. */
function nodesOf(chart: Chart, paths: readonly string[]): Map<string, number> {
  const depths = new Map<string, number>();
  for (const path of paths) {
    const node = Object.hasOwn(chart.nodeByPath, path) ? chart.nodeByPath[path] : undefined;
    if (node !== undefined) depths.set(node, path.split('.').length);
  }
  return depths;
}
