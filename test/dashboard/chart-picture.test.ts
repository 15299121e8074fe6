/** Charts as pictures: where things stand, what is marked, and what names may do. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMachine } from 'xstate';
import { toMermaid, toSvg } from '#dashboard';
import { definedGraph } from '#kernel/dashboard/chart/definition';
import { drawing, type Shape } from '#kernel/dashboard/chart/drawing';
import { layoutChart } from '#kernel/dashboard/chart/layout';
import { mermaidText } from '#kernel/dashboard/chart/mermaid';
import { ownChart, ownChartNames } from '#kernel/dashboard/chart/own-charts';
import { svgFile } from '#kernel/dashboard/chart/svg';
import type { Chart, ChartNode } from '#kernel/dashboard/wire';
import { exampleMachines } from '../kit/example-machines.ts';

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function contains(outer: Box, inner: Box): boolean {
  const isAcross = outer.x <= inner.x && inner.x + inner.width <= outer.x + outer.width;
  return isAcross && outer.y <= inner.y && inner.y + inner.height <= outer.y + outer.height;
}

/** What is wrong with the places of a chart; empty when it can be read. */
function faultsOf({ nodes, edges, width, height }: Chart): string[] {
  const faults: string[] = [];
  const whole = { x: 0, y: 0, width, height };
  const isBox = ({ kind }: ChartNode) => kind === 'compound' || kind === 'parallel';
  for (const node of nodes) {
    const outer = nodes.find(({ id }) => id === node.parent) ?? whole;
    if (!contains(outer, node)) faults.push(`${node.id} is not inside of ${node.parent ?? 'the chart'}`);
    const others = nodes.filter(({ id, parent }) => id !== node.id && parent === node.parent);
    faults.push(...others.filter((other) => overlap(node, other)).map(({ id }) => `${node.id} overlaps ${id}`));
  }
  const labels = edges.flatMap(({ labelBox, label }) => (labelBox === undefined ? [] : [{ ...labelBox, label }]));
  labels.forEach((box, index) => {
    if (!contains(whole, box)) faults.push(`the label ${box.label} is not inside of the chart`);
    const hidden = nodes.filter((node) => !isBox(node) && overlap(node, box)).map(({ id }) => id);
    const twice = labels
      .slice(index + 1)
      .filter((other) => overlap(other, box))
      .map(({ label }) => label);
    faults.push(...[...hidden, ...twice].map((other) => `the label ${box.label} overlaps ${other}`));
  });
  for (const { from, to, points } of edges) {
    if (points.length < 2) faults.push(`${from} -> ${to} has no line`);
    if (points.some(([x, y]) => !contains(whole, { x, y, width: 0, height: 0 })))
      faults.push(`${from} -> ${to} leaves`);
  }
  return faults;
}

test.each(ownChartNames)('in the chart of the %s nothing overlaps', async (name) => {
  const chart = await ownChart(name);

  expect(faultsOf(chart)).toEqual([]);
  expect(chart.width).toBeLessThan(900);
});

test('a label stands on the ground of the box around it: the lines of a box that is active are told on its colour', async () => {
  const chart = await ownChart('processor');
  const groundsOf = (active: readonly string[]) => {
    const [, , shapes] = drawing(chart, { active });
    const edges = shapes.filter((shape): shape is Shape => typeof shape !== 'string' && shape[0] === 'g');
    const classOf = (from: string, to: string) =>
      edges.find(([, attributes]) => attributes['data-from'] === from && attributes['data-to'] === to)?.[1].class;
    return [classOf('live.waiting', 'live.working'), classOf('loading', 'live')];
  };

  const [inside, outside] = groundsOf(['live', 'live.waiting']);
  expect(inside).toContain('on-inside');
  expect(outside).not.toMatch(/on-/);
  expect(groundsOf(['retrying'])[0]).toContain('on-box');
});

test('in the charts of machines of all kinds nothing overlaps', async () => {
  const states = Object.fromEntries(exampleMachines.map(({ machine }, index) => [`m${index}`, machine.config]));
  const all = createMachine({ id: 'all', initial: 'm1', states: withoutIds(states) } as never);

  expect(faultsOf(await layoutChart(definedGraph(all)))).toEqual([]);
});

/** So that targets which name a state by its id are left out: the ids are others here. */
function withoutIds(config: unknown): unknown {
  return JSON.parse(
    JSON.stringify(config, (key, value) => {
      if (key === 'id') return undefined;
      return typeof value === 'string' && value.startsWith('#') ? undefined : value;
    }),
  );
}

/** Every shape of a picture with its class. */
function* shapesIn(shape: Shape): Generator<Shape> {
  yield shape;
  for (const child of shape[2]) if (typeof child !== 'string') yield* shapesIn(child);
}

function marked(chart: Chart, state: Parameters<typeof drawing>[1], mark: string): unknown[] {
  const shapes = [...shapesIn(drawing(chart, state))];
  const found = shapes.filter(([, attributes]) => String(attributes.class).split(' ').includes(mark));
  return found.flatMap(
    ([, attributes]) =>
      attributes['data-node'] ??
      (attributes['data-from'] ? `${attributes['data-from']} -> ${attributes['data-to']}` : []),
  );
}

test('active states are filled, the boxes around them marked, and the edges that leave them', async () => {
  const chart = await ownChart('processor');
  const state = { active: ['live', 'live.working', 'live.working.handling', 'no.such'] };

  expect(marked(chart, state, 'active')).toEqual(['live.working']);
  expect(marked(chart, state, 'inside')).toEqual(['live']);
  const open = marked(chart, state, 'open');
  expect(open).toContain('live.working -> live.waiting');
  expect(open).toContain('live -> retrying');
  expect(open).not.toContain('live.waiting -> live.working');
  expect(drawing(chart, state)[1]['aria-label']).toBe('Statechart: processor. Now: live, working');
});

test('only the edge just taken is lit, and what leads to an unhealthy state looks different', async () => {
  const chart = await ownChart('processor');

  expect(marked(chart, { lit: [{ from: 'live', to: 'retrying' }] }, 'lit')).toEqual(['live -> retrying']);
  expect(marked(chart, {}, 'lit')).toEqual([]);
  const failing = new Set(marked(chart, {}, 'failing').map((line) => String(line).split(' -> ')[1]));
  expect([...failing].sort()).toEqual(['failed', 'poisoned', 'retrying']);
});

/** The elements and attributes of an SVG file; throws unless it is well-formed XML of the simplest kind. */
function markupOf(svg: string): { readonly tags: string[]; readonly attributes: string[] } {
  const open: string[] = [];
  const tags = new Set<string>();
  const attributes = new Set<string>();
  const text = svg.replaceAll(/<(\/?)([a-z]+)((?: [a-zA-Z:-]+="[^"<>]*")*)>/g, (_, slash, tag, given) => {
    if (slash === '') open.push(tag);
    else if (open.pop() !== tag) throw new Error(`</${tag}> closes something else`);
    tags.add(tag);
    for (const [, name = ''] of given.matchAll(/ ([a-zA-Z:-]+)="/g)) attributes.add(name);
    return '';
  });
  if (open.length > 0 || /[<>]/.test(text) || /&(?!amp;|lt;|gt;|quot;)/.test(svg)) throw new Error('not well-formed');
  return { tags: [...tags].sort(), attributes: [...attributes].sort() };
}

const tags = ['circle', 'g', 'path', 'rect', 'style', 'svg', 'text', 'title'];
const attributes =
  'aria-label class cx cy d data-from data-node data-to height r role rx text-anchor viewBox width x xmlns y';

test('no name becomes markup, in an SVG file or in Mermaid', async () => {
  const names = [
    '</text><script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    ']]>&amp;\u0000\ud800',
    '__proto__x',
  ];
  const [first = '', second = '', third = '', fourth = ''] = names;
  const machine = createMachine({
    id: '<svg/onload=alert(1)>',
    initial: first,
    states: {
      [first]: { tags: ['" onload="alert(1)'], on: { '</title><script>': { target: second } } },
      [second]: { on: { 'x -->\n  y': { target: third }, ['long'.repeat(10_000)]: { target: fourth } } },
      [third]: {},
      [fourth]: { type: 'final' },
    },
  } as never);

  const svg = await toSvg(machine, { active: [first], colors: 'dark' });

  expect(markupOf(svg)).toEqual({ tags, attributes: attributes.split(' ') });
  expect(svg).toContain('&lt;/text&gt;&lt;script&gt;');
  expect(svg.length).toBeLessThan(100_000);
  const lines = toMermaid(machine).trimEnd().split('\n');
  expect(lines).toHaveLength(2 + names.length + 1 + 1 + 3);
  for (const line of lines.slice(2))
    expect(line).toMatch(/^ {2}(state "[^"<>]*" as s\d|\[\*\] --> s\d|s\d --> (\[\*\]|s\d)( : [^<>"]*)?)$/);
});

test('in Mermaid a line stands in the box of both its ends, or outside of all', () => {
  const { machine } = exampleMachines[1] as (typeof exampleMachines)[number];

  expect(toMermaid(machine).split('\n')).toEqual([
    'stateDiagram-v2',
    '  direction TB',
    '  state "cart" as s1',
    '  [*] --> s1',
    '  state "paying" as s2 {',
    '    state "asking" as s4',
    '    [*] --> s4',
    '    state "checking" as s5',
    '    state "paid" as s6',
    '    s6 --> [*]',
    '    s4 --> s5 : CARD',
    '    s5 --> s6 : OK',
    '    s5 --> s4 : BACK',
    '  }',
    '  state "sent" as s3',
    '  s3 --> [*]',
    '  s1 --> s2 : BUY',
    '  s2 --> s1 : CANCEL',
    '  s2 --> s4 : AGAIN',
    '  s2 --> s3 : paying done',
    '',
  ]);
});

test('a picture of any names is well-formed', () => {
  const text = fc.string({ unit: 'binary' });
  const place = { x: 0, y: 0, width: 9, height: 9 };

  fc.assert(
    fc.property(text, text, (name, event) => {
      const node: ChartNode = { id: name, label: name, kind: 'final', isInitial: true, tags: [event], ...place };
      const points = [[0, 0] as const, [9, 9] as const];
      const edge = { from: name, to: name, events: [event], label: event, points, labelBox: place };
      const graph = { id: name, title: name, nodes: [node], edges: [edge], orders: [], nodeByPath: {} };
      markupOf(svgFile({ ...graph, width: 9, height: 9 }, { active: [name] }));
      expect(mermaidText(graph).split('\n')).toHaveLength(7);
    }),
  );
});

test('an unknown option of toSvg, or a wrong one, is refused', async () => {
  const { machine } = exampleMachines[0] as (typeof exampleMachines)[number];

  await expect(toSvg(machine, { colours: 'dark' } as never)).rejects.toThrow(/colours/);
  await expect(toSvg(machine, { colors: 'blue' as never })).rejects.toThrow(
    /^colors must be 'auto', 'light' or 'dark'/,
  );
  await expect(toSvg(machine, { active: 'open' as never })).rejects.toThrow(/^active must be an array of paths/);
  await expect(toSvg({} as never)).rejects.toThrow(/^machine must be a state machine of XState 5/);
});

test('a layout ends when its time is over, or when nobody wants it any more', async () => {
  const states = Array.from({ length: 60 }, (_, from) => {
    const targets = Array.from({ length: 30 }, (_, index) => [`E${index}`, `s${(from * 7 + index * index + 1) % 60}`]);
    return [`s${from}`, { on: Object.fromEntries(targets) }] as const;
  });
  const graph = definedGraph(
    createMachine({ id: 'dense', initial: 's0', states: Object.fromEntries(states) } as never),
  );
  const reason = new Error('not wanted');

  await expect(layoutChart(graph, { msMax: 20 })).rejects.toMatchObject({
    code: 'CHART_TOO_LARGE',
    detail: { max: 20 },
  });
  await expect(layoutChart(graph, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const abort = new AbortController();
  const aborted = layoutChart(graph, { signal: abort.signal });
  abort.abort(reason);
  await expect(aborted).rejects.toBe(reason);
});
