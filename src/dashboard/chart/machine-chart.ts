/**
 * The charts of machines that the user's actors run: each is derived and laid out once, when it is asked for first.
 */
import type { AnyStateMachine } from 'xstate';
import type { Chart } from '../wire.ts';
import { definedGraph } from './definition.ts';
import { layoutChart } from './layout.ts';

const charts = new WeakMap<AnyStateMachine, Promise<Chart>>();

/**
 * The chart of a machine of XState 5. One that failed is tried again when it is asked for again.
 * @throws {TypeError} for what is no machine
 * @throws {BusError} CHART_TOO_LARGE; UNSUPPORTED when elkjs is not installed, or can't lay it out
 */
export async function machineChart(machine: AnyStateMachine): Promise<Chart> {
  const chart = charts.get(machine) ?? layoutChart(definedGraph(machine));
  charts.set(machine, chart);
  try {
    return await chart;
  } catch (error) {
    charts.delete(machine);
    throw error;
  }
}
