/**
 * Gives a statechart its places: boxes, lines at right angles, and room for their labels.
 *
 * States without a line stand in rows of their own below the others. The work is done by layout.worker.ts in a thread of its
 * own, which is ended when it takes too long.
 */
import type { ElkExtendedEdge, ElkNode } from 'elkjs';
import type { Chart, ChartEdge, ChartNode } from '../wire.ts';
import type { StateGraph, StateNodeShape } from './state-graph.ts';
import { edgeLinePx, edgeTextPx, nodeTextPx, textWidth } from './text-size.ts';

/** Pixels. */
const marginPx = 16;
const nodeHeightPx = 34;
const rowGapPx = 14;
const aroundPx = 16;

const options = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.json.edgeCoords': 'ROOT',
  'elk.json.shapeCoords': 'ROOT',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF',
  'elk.layered.spacing.nodeNodeBetweenLayers': '34',
  'elk.layered.spacing.edgeNodeBetweenLayers': '18',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '12',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '18',
  'elk.spacing.edgeEdge': '12',
  'elk.spacing.edgeLabel': '3',
  'elk.spacing.nodeSelfLoop': '14',
  'elk.edgeLabels.inline': 'true',
  'elk.layered.edgeLabels.sideSelection': 'ALWAYS_UP',
  'elk.layered.thoroughness': '60',
  'elk.padding': `[top=${marginPx},left=${marginPx},bottom=${marginPx},right=${marginPx}]`,
};

export type Layout = (graph: ElkNode) => Promise<ElkNode>;

export async function layoutChart(graph: StateGraph, layout: Layout): Promise<Chart> {
  const inLine = nodesInLine(graph);
  const placed = await layout(elkGraph(graph, inLine));
  return chartOf(graph, placed, inLine);
}

/** Nodes with a line, or with one inside, and everything in these. */
function nodesInLine({ nodes, edges }: StateGraph): ReadonlySet<string> {
  const parentOf = new Map(nodes.map(({ id, parent }) => [id, parent]));
  const rootOf = (id: string): string => {
    const parent = parentOf.get(id);
    return parent === undefined ? id : rootOf(parent);
  };
  const roots = new Set(edges.flatMap(({ from, to }) => [rootOf(from), rootOf(to)]));
  return new Set(nodes.filter(({ id }) => roots.has(rootOf(id))).map(({ id }) => id));
}

function elkGraph({ nodes, edges }: StateGraph, inLine: ReadonlySet<string>): ElkNode {
  const root: ElkNode & { children: ElkNode[] } = { id: '', layoutOptions: options, children: [] };
  const elkById = new Map<string, ElkNode>();
  for (const node of nodes) {
    if (!inLine.has(node.id)) continue;
    const elk: ElkNode = { id: `n${node.id}`, ...sizeOf(node), children: [] };
    if (isBox(node)) {
      const title = textWidth(node.label, nodeTextPx) + 36;
      elk.layoutOptions = {
        'elk.padding': `[top=${aroundPx + 26},left=${aroundPx},bottom=${aroundPx},right=${aroundPx}]`,
        'elk.nodeSize.constraints': 'MINIMUM_SIZE',
        'elk.nodeSize.minimum': `(${Math.ceil(title)},60)`,
      };
    }
    elkById.set(node.id, elk);
    const parent = node.parent === undefined ? root : elkById.get(node.parent);
    parent?.children?.push(elk);
  }
  root.edges = edges.map(({ from, to, label }, index): ElkExtendedEdge => {
    const width = Math.ceil(textWidth(label, edgeTextPx)) + 6;
    const height = label.split('\n').length * edgeLinePx + 1;
    const labels = label === '' ? [] : [{ text: label, width, height }];
    return { id: `e${index}`, sources: [`n${from}`], targets: [`n${to}`], labels };
  });
  return root;
}

function isBox({ kind }: StateNodeShape): boolean {
  return kind === 'compound' || kind === 'parallel';
}

function sizeOf({ kind, label, isInitial }: StateNodeShape): { readonly width: number; readonly height: number } {
  if (kind === 'history') return { width: 30, height: 30 };
  return { width: Math.ceil(textWidth(label, nodeTextPx)) + (isInitial ? 40 : 28), height: nodeHeightPx };
}

function chartOf(graph: StateGraph, placed: ElkNode, inLine: ReadonlySet<string>): Chart {
  const placeById = new Map<string, ElkNode>();
  const visit = (elk: ElkNode) => {
    placeById.set(elk.id.slice(1), elk);
    elk.children?.forEach(visit);
  };
  visit(placed);
  const nodes: ChartNode[] = [];
  for (const node of graph.nodes) {
    if (!inLine.has(node.id)) continue;
    const { x = 0, y = 0, width = 0, height = 0 } = placeById.get(node.id) as ElkNode;
    nodes.push({ ...node, x, y, width, height });
  }
  const edges = graph.edges.map((edge, index) => ({ ...edge, ...routeOf(placed.edges?.[index] as ElkExtendedEdge) }));
  const lonely = graph.nodes.filter(({ id, parent }) => !inLine.has(id) && parent === undefined);
  let [width, height] = [placed.width ?? 0, placed.height ?? 0];
  if (lonely.length > 0) {
    const total = lonely.reduce((sum, node) => sum + sizeOf(node).width + rowGapPx, -rowGapPx);
    width = Math.max(width, total + 2 * marginPx);
    let x = (width - total) / 2;
    for (const node of lonely) {
      nodes.push({ ...node, ...sizeOf(node), x, y: height + 8 });
      x += sizeOf(node).width + rowGapPx;
    }
    height += nodeHeightPx + 8 + marginPx;
  }
  const { id, title, orders, nodeByPath } = graph;
  return { id, title, width: Math.ceil(width), height: Math.ceil(height), nodes, edges, nodeByPath, orders };
}

function routeOf({ sections = [], labels = [] }: ElkExtendedEdge): Pick<ChartEdge, 'points' | 'labelBox'> {
  const points = sections.flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint]);
  const [label] = labels;
  return {
    points: points.map(({ x, y }) => [x, y] as const),
    ...(label !== undefined && {
      labelBox: { x: label.x ?? 0, y: label.y ?? 0, width: label.width ?? 0, height: label.height ?? 0 },
    }),
  };
}
