/**
 * What is drawn of our own machines, without places: the processor's by the rule of exploration.ts, those of bus and supervisor by that of
 * definition.ts.
 */
import { fromPromise } from 'xstate';
import { busMachine } from '../actors/bus.machine.ts';
import { processorMachine } from '../actors/processor.machine.ts';
import { supervise } from '../actors/supervise.ts';
import { definedGraph } from '../src/dashboard/chart/definition.ts';
import { type ExplorationOptions, exploredGraph } from '../src/dashboard/chart/exploration.ts';
import type { OwnChartName } from '../src/dashboard/chart/own-charts.ts';
import type { StateGraph } from '../src/dashboard/chart/state-graph.ts';
import { FakePorts, fakePolicy } from '../test/kit/processor-ports-fake.ts';
import { chartWorlds, processorSteps } from '../test/kit/processor-steps.ts';

const processorOptions: ExplorationOptions = {
  id: 'processor',
  title: 'processor',
  depth: 2,
  // With and without START.
  beginsIn: ['loading', 'idle'],
  words: {
    loadCursor: 'load',
    saveCursor: 'save',
    resetCursor: 'reset',
    watchHead: 'watch',
    HEAD: 'new events',
  },
};

/** @param worlds that the machine is walked through */
export function processorGraph(worlds = chartWorlds): StateGraph {
  const machine = processorMachine(fakePolicy, new FakePorts().ports);
  return exploredGraph(
    machine,
    worlds.flatMap((world) => [...processorSteps(world)]),
    processorOptions,
  );
}

const nothing = () => Promise.resolve();
const steps = {
  stopTimers: nothing,
  stopProcessors: nothing,
  stopReaders: nothing,
  stopAppends: nothing,
  release: nothing,
};

/** Each is made when it is asked for. */
export const ownGraphs: Readonly<Record<OwnChartName, () => StateGraph>> = {
  processor: () => processorGraph(),
  bus: () => definedGraph(busMachine(steps)),
  supervisor: () => definedGraph(supervise(fromPromise(nothing), { maxRestarts: 1, withinMs: 1 })),
};
