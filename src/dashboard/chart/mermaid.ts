/**
 * Charts as text in Mermaid's language (`stateDiagram-v2`), for documents; Mermaid finds the places itself.
 *
 * Names are quoted letter by letter where Mermaid would take them for its own.
 */
import type { AnyStateMachine } from 'xstate';
import { definedGraph } from './definition.ts';
import type { StateEdge, StateGraph, StateNodeShape } from './state-graph.ts';

/**
 * The chart of a machine of XState 5.
 * @throws {TypeError} for what is no machine. @throws {BusError} CHART_TOO_LARGE
 */
export function toMermaid(machine: AnyStateMachine): string {
  return mermaidText(definedGraph(machine));
}

/** Ends with a newline. */
export function mermaidText(graph: StateGraph): string {
  const nodeById = new Map(graph.nodes.map((node) => [node.id, node]));
  const names = new Map(graph.nodes.map(({ id }, index) => [id, `s${index + 1}`]));
  const nameOf = (id: string) => names.get(id) as string;
  const childrenOf = groupedBy(graph.nodes, ({ parent }) => parent);
  const edgesIn = groupedBy(graph.edges, (edge) => commonBox(edge, nodeById));
  const lines = ['stateDiagram-v2', '  direction TB'];

  const writeInside = (box: string | undefined, indent: string, isParallel: boolean) => {
    (childrenOf.get(box) ?? []).forEach((node, index) => {
      if (isParallel && index > 0) lines.push(`${indent}--`);
      writeNode(node, indent);
    });
    for (const { from, to, label } of edgesIn.get(box) ?? []) {
      const text = label.split('\n').map(quoted).join('<br/>');
      lines.push(`${indent}${nameOf(from)} --> ${nameOf(to)}${text === '' ? '' : ` : ${text}`}`);
    }
  };
  const writeNode = ({ id, label, kind, isInitial }: StateNodeShape, indent: string) => {
    const isBox = childrenOf.has(id);
    lines.push(`${indent}state "${quoted(label)}" as ${nameOf(id)}${isBox ? ' {' : ''}`);
    if (isBox) {
      writeInside(id, `${indent}  `, kind === 'parallel');
      lines.push(`${indent}}`);
    }
    if (isInitial) lines.push(`${indent}[*] --> ${nameOf(id)}`);
    if (kind === 'final') lines.push(`${indent}${nameOf(id)} --> [*]`);
  };
  writeInside(undefined, '  ', false);
  const unhealthy = graph.nodes.filter(({ tags }) => tags.includes('unhealthy')).map(({ id }) => nameOf(id));
  if (unhealthy.length > 0) {
    lines.push('  classDef unhealthy stroke:#c02b2b,stroke-width:2px', `  class ${unhealthy.join(',')} unhealthy`);
  }
  return `${lines.join('\n')}\n`;
}

function groupedBy<Item>(items: readonly Item[], keyOf: (item: Item) => string | undefined) {
  const groups = new Map<string | undefined, Item[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/**
 * The box that both ends of an edge stand in. Others are written outside of all boxes: Mermaid moves a state into the box that
 * mentions it last.
 */
function commonBox({ from, to }: StateEdge, nodeById: ReadonlyMap<string, StateNodeShape>): string | undefined {
  const box = nodeById.get(from)?.parent;
  return box === nodeById.get(to)?.parent ? box : undefined;
}

/** Letters, digits and what means nothing to Mermaid stay; everything else is a number. */
function quoted(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} _.,+*=()[\]/-]/gu, (letter) => `#${letter.codePointAt(0)};`);
}
