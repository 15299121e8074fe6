/**
 * A chart as a picture: one pure function for the page, which makes elements of it, and for files (svg.ts), which makes text.
 *
 * The picture is a tree of `[tag, attributes, children]`, all of it SVG; a child that is a string is text, to be escaped by whoever
 * writes it. Colours are classes (style.ts has the rules):
 *
 *     svg.chart
 *       g.node  + state | compound | parallel | final | history   what it is; `region` for a part of a parallel state
 *               + initial                         where its parent begins
 *               + tag-<tag>                       for each tag of the state (letters, digits and `-` only): `tag-unhealthy`
 *               + active                          the innermost active states
 *               + inside                          boxes around these
 *         rect.box, text.name, for some of them circle.begin, rect.inner (final); of a box the name has a g of its own, `above`
 *       g.edge  + failing                         leads to a state tagged `unhealthy`
 *               + open                            leaves an active state, or a box around one
 *               + lit                             the one just taken
 *               + on-box | on-inside              its label stands in a box, in one around what is active
 *         path.line, path.tip, g.label > rect, text
 *
 * Runs in a browser as it is.
 */
import type { Chart, ChartEdge, ChartNode } from '../wire.ts';
import { edgeLinePx, nodeTextPx } from './text-size.ts';

export type Shape = readonly [
  tag: string,
  attributes: Readonly<Record<string, string | number>>,
  children: readonly (Shape | string)[],
];

/** What of a machine is to be seen in its chart. */
export interface ChartState {
  /** Paths of the active states, in any order, as in `LaneImage.active`; unknown ones are passed over. @default none */
  readonly active?: readonly string[];
  /** The edges just taken: taken-edge.ts finds them. @default none */
  readonly lit?: readonly { readonly from: string; readonly to: string }[];
}

/** How round lines and boxes are, and how long the tip of an arrow is. Pixels. */
const bendPx = 7;
const boxRoundPx = 8;
const tipPx = 7;

/** Takes less than a millisecond for a chart of a hundred edges. */
export function drawing(chart: Chart, { active = [], lit = [] }: ChartState = {}): Shape {
  const nodeById = new Map(chart.nodes.map((node) => [node.id, node]));
  const { innermost, around } = activeNodes(chart, nodeById, active);
  const boxes: Shape[] = [];
  const names: Shape[] = [];
  const states: Shape[] = [];
  for (const node of chart.nodes) {
    const isBox = node.kind === 'compound' || node.kind === 'parallel';
    const isRegion = node.parent !== undefined && nodeById.get(node.parent)?.kind === 'parallel';
    const isActive = innermost.has(node.id);
    const marks = [isRegion && 'region', isActive && 'active', around.has(node.id) && 'inside'];
    const name = nodeClasses(node, marks);
    const parts = nodeParts(node, isBox);
    if (!isBox) states.push(['g', { class: name, 'data-node': node.id }, [...parts.box, ...parts.name]]);
    else {
      boxes.push(['g', { class: name, 'data-node': node.id }, parts.box]);
      // Lines may cross it.
      names.push(['g', { class: `${name} above` }, parts.name]);
    }
  }
  const lines: Shape[] = [];
  const compounds = chart.nodes.filter(({ kind }) => kind === 'compound' || kind === 'parallel');
  for (const edge of chart.edges) {
    const isFailing = nodeById.get(edge.to)?.tags.includes('unhealthy') === true;
    const isOpen = innermost.has(edge.from) || around.has(edge.from);
    const isLit = lit.some(({ from, to }) => from === edge.from && to === edge.to);
    const ground = boxBehind(compounds, edge.labelBox);
    const isInside = ground !== undefined && (around.has(ground.id) || innermost.has(ground.id));
    const place = ground !== undefined && (isInside ? 'on-inside' : 'on-box');
    lines.push(edgeShape(edge, [isFailing && 'failing', isOpen && 'open', isLit && 'lit', place]));
  }
  const attributes = {
    class: 'chart',
    viewBox: `0 0 ${chart.width} ${chart.height}`,
    width: chart.width,
    height: chart.height,
    role: 'img',
    'aria-label': descriptionOf(chart, [...innermost], nodeById),
  };
  return ['svg', attributes, [...boxes, ...lines, ...names, ...states]];
}

/** The innermost box that a label lies in with all of it: its ground is the label's, too. */
function boxBehind(boxes: readonly ChartNode[], label: ChartEdge['labelBox']): ChartNode | undefined {
  if (label === undefined) return undefined;
  const behind = boxes.filter(
    ({ x, y, width, height }) =>
      x <= label.x && y <= label.y && x + width >= label.x + label.width && y + height >= label.y + label.height,
  );
  return behind.reduce<ChartNode | undefined>(
    (least, box) => (least === undefined || box.width * box.height < least.width * least.height ? box : least),
    undefined,
  );
}

/** The nodes that stand for the innermost active states, and those around them. */
function activeNodes(chart: Chart, nodeById: ReadonlyMap<string, ChartNode>, active: readonly string[]) {
  const innermost = new Set<string>();
  const around = new Set<string>();
  for (const path of active) {
    const id = Object.hasOwn(chart.nodeByPath, path) ? chart.nodeByPath[path] : undefined;
    if (id !== undefined) innermost.add(id);
  }
  for (const id of innermost) {
    let parent = nodeById.get(id)?.parent;
    for (; parent !== undefined && !around.has(parent); parent = nodeById.get(parent)?.parent) around.add(parent);
  }
  for (const id of around) innermost.delete(id);
  return { innermost, around };
}

function descriptionOf({ title }: Chart, active: readonly string[], nodeById: ReadonlyMap<string, ChartNode>): string {
  if (active.length === 0) return `Statechart: ${title}`;
  const names = active.map((id) => {
    const { label, parent } = nodeById.get(id) as ChartNode;
    return parent === undefined ? label : `${nodeById.get(parent)?.label}, ${label}`;
  });
  return `Statechart: ${title}. Now: ${names.join('; ')}`;
}

function nodeClasses({ kind, isInitial, tags }: ChartNode, marks: readonly (string | false)[]): string {
  const ofTags = tags.map((tag) => `tag-${tag.replaceAll(/[^A-Za-z0-9-]/g, '-')}`);
  return classes('node', kind, isInitial && 'initial', ...ofTags, ...marks);
}

function nodeParts(node: ChartNode, isBox: boolean): { readonly box: Shape[]; readonly name: Shape[] } {
  const { kind, label, isInitial, x, y, width, height } = node;
  const round = kind === 'history' ? height / 2 : boxRoundPx;
  const box: Shape[] = [['rect', { class: 'box', x, y, width, height, rx: round }, []]];
  if (kind === 'final') {
    const inner = { x: x + 3, y: y + 3, width: width - 6, height: height - 6, rx: round - 3 };
    box.push(['rect', { class: 'inner', ...inner }, []]);
  }
  const middle = isBox ? y + 14 : y + height / 2;
  const name: Shape[] = isInitial ? [['circle', { class: 'begin', cx: x + 13, cy: middle, r: 3.5 }, []]] : [];
  const place = isBox ? x + (isInitial ? 24 : 12) : x + width / 2 + (isInitial ? 6 : 0);
  name.push(textShape('name', label, place, middle + nodeTextPx * 0.35, isBox ? 'start' : 'middle'));
  return { box, name };
}

function edgeShape(
  { from, to, events, label, points, labelBox }: ChartEdge,
  marks: readonly (string | false)[],
): Shape {
  const parts: Shape[] = [['title', {}, [`${from} → ${to}: ${eventsText(events)}`]]];
  parts.push(['path', { class: 'line', d: linePath(points) }, []], ['path', { class: 'tip', d: tipPath(points) }, []]);
  if (labelBox !== undefined && label !== '') {
    const { x, y, width, height } = labelBox;
    const lines = label.split('\n').map((line, index) => {
      return textShape('event', line, x + width / 2, y + (index + 0.76) * edgeLinePx, 'middle');
    });
    parts.push(['g', { class: 'label' }, [['rect', { class: 'behind', x, y, width, height, rx: 4 }, []], ...lines]]);
  }
  return ['g', { class: classes('edge', ...marks), 'data-from': from, 'data-to': to }, parts];
}

/** Events that the title of an edge names, and letters of each. */
const eventsNamedMax = 20;
const eventLettersMax = 100;

function eventsText(events: readonly string[]): string {
  const named = events.slice(0, eventsNamedMax).map((event) => event.slice(0, eventLettersMax) || 'always');
  return named.join(', ') + (events.length > eventsNamedMax ? ` and ${events.length - eventsNamedMax} more` : '');
}

function textShape(name: string, text: string, x: number, y: number, anchor: string): Shape {
  return ['text', { class: name, x: round(x), y: round(y), 'text-anchor': anchor }, [text]];
}

type Point = readonly [x: number, y: number];

/** Ends where the tip begins; bends are round. */
function linePath(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = rest.pop();
  if (first === undefined || last === undefined) return '';
  let path = `M${round(first[0])} ${round(first[1])}`;
  let before = first;
  rest.forEach((bend, index) => {
    const after = rest[index + 1] ?? last;
    const radius = Math.min(bendPx, distance(before, bend) / 2, distance(bend, after) / 2);
    const [start, end] = [towards(bend, before, radius), towards(bend, after, radius)];
    path += `L${round(start[0])} ${round(start[1])}Q${round(bend[0])} ${round(bend[1])} ${round(end[0])} ${round(end[1])}`;
    before = bend;
  });
  const end = towards(last, before, tipPx - 1);
  return `${path}L${round(end[0])} ${round(end[1])}`;
}

function tipPath(points: readonly Point[]): string {
  const [before, last] = points.slice(-2);
  if (before === undefined || last === undefined) return '';
  const [x, y] = towards(last, before, tipPx);
  const across = [((last[1] - y) / tipPx) * 3.5, ((x - last[0]) / tipPx) * 3.5] as const;
  const left = `${round(x + across[0])} ${round(y + across[1])}`;
  const right = `${round(x - across[0])} ${round(y - across[1])}`;
  return `M${round(last[0])} ${round(last[1])}L${left}L${right}Z`;
}

function distance(a: Point, b: Point): number {
  return Math.hypot(b[0] - a[0], b[1] - a[1]);
}

/** The point that is `length` pixels from `a` on the way to `b`. */
function towards(a: Point, b: Point, length: number): Point {
  const whole = distance(a, b);
  if (whole === 0) return a;
  return [a[0] + ((b[0] - a[0]) * length) / whole, a[1] + ((b[1] - a[1]) * length) / whole];
}

function classes(...names: readonly (string | false)[]): string {
  return names.filter((name) => name !== false).join(' ');
}

/** Tenths of a pixel are enough. */
function round(value: number): number {
  return Math.round(value * 10) / 10;
}
