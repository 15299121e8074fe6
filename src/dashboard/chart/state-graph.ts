/**
 * A statechart as what is drawn of it, without places: made by a rule (definition.ts, exploration.ts), given places by layout.ts.
 */
import type { Chart, ChartEdge, ChartNode } from '../wire.ts';

export type StateNodeShape = Omit<ChartNode, 'x' | 'y' | 'width' | 'height'>;
export type StateEdge = Pick<ChartEdge, 'from' | 'to' | 'events' | 'label'>;

/** Parents come before their children. Of each pair of nodes there is one edge at most in each direction. */
export interface StateGraph {
  readonly id: string;
  readonly title: string;
  readonly nodes: readonly StateNodeShape[];
  readonly edges: readonly StateEdge[];
  readonly orders: Chart['orders'];
  readonly nodeByPath: Chart['nodeByPath'];
}
