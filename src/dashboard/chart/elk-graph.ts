/**
 * A statechart in ELK's form, and back: what ELK is asked for, and what becomes of its answer.
 *
 * States outside of all boxes that no line touches are not ELK's: they stand in rows of their own below the rest.
 */
import type { ElkExtendedEdge, ElkNode, LayoutOptions } from 'elkjs';
import type { Chart, ChartEdge, ChartNode } from '../wire.ts';
import type { StateGraph, StateNodeShape } from './state-graph.ts';
import { edgeLinePx, edgeTextPx, nodeTextPx, textWidth } from './text-size.ts';

/** Around everything. Pixels, like all here. */
const marginPx = 16;
const nodeHeightPx = 30;
const historyPx = 30;
/** Inside a box: around, and for its name. */
const boxPaddingPx = 14;
const boxNamePx = 20;
/** Between states in a row, and between rows. */
const rowGapPx = 14;
/** Rows are at least so wide. */
const rowWidthPx = 560;

const options: LayoutOptions = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.json.edgeCoords': 'ROOT',
  'elk.json.shapeCoords': 'ROOT',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.layered.spacing.nodeNodeBetweenLayers': '16',
  'elk.layered.spacing.edgeNodeBetweenLayers': '10',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '8',
  'elk.spacing.nodeNode': '18',
  'elk.spacing.edgeNode': '12',
  'elk.spacing.edgeEdge': '10',
  'elk.spacing.edgeLabel': '3',
  'elk.spacing.labelNode': '4',
  'elk.spacing.nodeSelfLoop': '12',
  'elk.padding': padding(marginPx, marginPx),
};

/** What ELK lays out of `graph`. */
export function elkGraph(graph: StateGraph): ElkNode {
  const lonely = new Set(lonelyNodes(graph).map(({ id }) => id));
  const children: ElkNode[] = [];
  const childrenOf = new Map<string | undefined, ElkNode[]>([[undefined, children]]);
  for (const node of graph.nodes) {
    if (lonely.has(node.id)) continue;
    const inside: ElkNode[] = [];
    childrenOf.set(node.id, inside);
    childrenOf.get(node.parent)?.push({ id: nodeId(node.id), ...sizeOf(node), ...boxOf(node), children: inside });
  }
  const edges = graph.edges.map(({ from, to, label }, index): ElkExtendedEdge => {
    const width = Math.ceil(textWidth(label, edgeTextPx)) + 4;
    const height = label.split('\n').length * edgeLinePx;
    const labels =
      label === '' ? [] : [{ text: label, width, height, layoutOptions: { 'elk.edgeLabels.inline': 'true' } }];
    return { id: `edge ${index}`, sources: [nodeId(from)], targets: [nodeId(to)], labels };
  });
  return { id: 'chart', layoutOptions: options, children, edges };
}

/** Ids of ELK's are its own: those of states may be anything. */
function nodeId(id: string): string {
  return `state ${id}`;
}

function sizeOf({ kind, label, isInitial }: StateNodeShape): { readonly width: number; readonly height: number } {
  if (kind === 'history') return { width: historyPx, height: historyPx };
  return { width: Math.ceil(textWidth(label, nodeTextPx)) + (isInitial ? 42 : 28), height: nodeHeightPx };
}

function boxOf(node: StateNodeShape): Partial<ElkNode> {
  if (!isBox(node)) return {};
  const { width } = sizeOf(node);
  return {
    layoutOptions: {
      'elk.padding': padding(boxPaddingPx, boxPaddingPx + boxNamePx),
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${width + 2 * boxPaddingPx},${nodeHeightPx + boxNamePx})`,
    },
  };
}

function isBox({ kind }: StateNodeShape): boolean {
  return kind === 'compound' || kind === 'parallel';
}

function padding(around: number, top: number): string {
  return `[top=${top},left=${around},bottom=${around},right=${around}]`;
}

/** States outside of all boxes that no line touches. */
function lonelyNodes({ nodes, edges }: StateGraph): readonly StateNodeShape[] {
  const touched = new Set(edges.flatMap(({ from, to }) => [from, to]));
  return nodes.filter((node) => node.parent === undefined && !touched.has(node.id) && !isBox(node));
}

/** The chart, from what ELK made of {@link elkGraph}. */
export function placedChart(graph: StateGraph, placed: ElkNode): Chart {
  const shapes = new Map<string, ElkNode>();
  const pending = [placed];
  for (const shape of pending) {
    shapes.set(shape.id, shape);
    pending.push(...(shape.children ?? []));
  }
  const lonely = lonelyNodes(graph);
  const inElk = lonely.length < graph.nodes.length ? placed : { width: 0, height: marginPx };
  const rows = rowsBelow(lonely, Math.max(inElk.width ?? 0, rowWidthPx) - 2 * marginPx);
  const [width, height] = [Math.max(inElk.width ?? 0, rows.width + 2 * marginPx), inElk.height ?? 0];
  // The narrower of the two is in the middle.
  const shiftX = (width - Math.max(inElk.width ?? 0, 0)) / 2;
  const nodes = graph.nodes.map((node): ChartNode => {
    const inRow = rows.places.get(node.id);
    if (inRow !== undefined) {
      return { ...node, ...sizeOf(node), x: round((width - rows.width) / 2 + inRow.x), y: round(height + inRow.y) };
    }
    const { x = 0, y = 0, width: ownWidth = 0, height: ownHeight = 0 } = shapes.get(nodeId(node.id)) ?? {};
    return { ...node, x: round(x + shiftX), y: round(y), width: round(ownWidth), height: round(ownHeight) };
  });
  return {
    id: graph.id,
    title: graph.title,
    width: Math.ceil(width),
    height: Math.ceil(height + (lonely.length === 0 ? 0 : rows.height + marginPx)),
    nodes,
    edges: graph.edges.map((edge, index) => ({ ...edge, ...routeOf(placed.edges?.[index], shiftX) })),
    nodeByPath: graph.nodeByPath,
    orders: graph.orders,
  };
}

/** Rows of at most `widthMax`, unless a single state is wider; each in the middle. */
function rowsBelow(nodes: readonly StateNodeShape[], widthMax: number) {
  const rows: { readonly nodes: StateNodeShape[]; width: number }[] = [];
  for (const node of nodes) {
    const { width } = sizeOf(node);
    const row = rows.at(-1);
    if (row === undefined || row.width + rowGapPx + width > widthMax) rows.push({ nodes: [node], width });
    else {
      row.nodes.push(node);
      row.width += rowGapPx + width;
    }
  }
  const width = Math.max(0, ...rows.map((row) => row.width));
  const places = new Map<string, { readonly x: number; readonly y: number }>();
  rows.forEach((row, index) => {
    let x = (width - row.width) / 2;
    for (const node of row.nodes) {
      places.set(node.id, { x, y: index * (nodeHeightPx + rowGapPx) });
      x += sizeOf(node).width + rowGapPx;
    }
  });
  return { places, width, height: rows.length * (nodeHeightPx + rowGapPx) - rowGapPx };
}

function routeOf(edge: ElkExtendedEdge | undefined, shiftX: number): Pick<ChartEdge, 'points' | 'labelBox'> {
  const points = (edge?.sections ?? []).flatMap(({ startPoint, bendPoints = [], endPoint }) => {
    return [startPoint, ...bendPoints, endPoint].map(({ x, y }) => [round(x + shiftX), round(y)] as const);
  });
  const [label] = edge?.labels ?? [];
  if (label === undefined) return { points };
  const { x = 0, y = 0, width = 0, height = 0 } = label;
  return { points, labelBox: { x: round(x + shiftX), y: round(y), width, height } };
}

/** Tenths of a pixel. */
function round(value: number): number {
  return Math.round(value * 10) / 10;
}
