/**
 * Gives a statechart its places: boxes, lines at right angles, and room for their labels.
 *
 * Lays it out in a few ways, in a thread of its own, and keeps the best; the thread is ended when that takes too long. The same chart
 * always gets the same places.
 */
import { Worker } from 'node:worker_threads';
import type { LayoutOptions } from 'elkjs';
import { inheritedArguments, workerFile } from '../../../actors/worker-file.ts';
import { BusError } from '../../errors.ts';
import { chartLayoutMsMax } from '../../limits.ts';
import type { Chart } from '../wire.ts';
import { elkGraph, placedChart } from './elk-graph.ts';
import type { LayoutAnswer, LayoutTask } from './layout.worker.ts';
import type { StateGraph } from './state-graph.ts';

export interface LayoutChartOptions {
  /** Milliseconds. @default 10_000 */
  readonly msMax?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Charts of more edges are laid out in one way only, the quickest. */
const largeEdges = 150;

/**
 * @throws {BusError} CHART_TOO_LARGE it takes longer than `msMax`; UNSUPPORTED elkjs is not installed, or can't lay this out
 */
export async function layoutChart(graph: StateGraph, options: LayoutChartOptions = {}): Promise<Chart> {
  const { msMax = chartLayoutMsMax, signal } = options;
  const ways = graph.edges.length > largeEdges ? quickest : waysToTry;
  const answer = await inThread({ graph: elkGraph(graph), tries: ways }, msMax, signal);
  if ('placed' in answer) return placedChart(graph, answer.placed);
  if ('missing' in answer) {
    const advice = 'The layout of charts needs the package elkjs: npm install elkjs';
    throw new BusError('UNSUPPORTED', advice, { feature: 'chart layout' }, { cause: answer.missing });
  }
  const message = `ELK can't lay out the chart of ${graph.title}: ${String(answer.failed)}`;
  throw new BusError('UNSUPPORTED', message, { feature: 'chart layout' }, { cause: answer.failed });
}

/**
 * ELK's strategies for which lines go up, and the seeds of its dice: what comes out differs much. These were best for our own
 * machines and the examples of the tests.
 */
const waysToTry: readonly LayoutOptions[] = [
  way('GREEDY', '5'),
  way('DEPTH_FIRST', '2'),
  way('GREEDY', '4'),
  way('DEPTH_FIRST', '4'),
  way('GREEDY', '1'),
  way('DEPTH_FIRST', '7'),
];

function way(cycles: string, seed: string): LayoutOptions {
  return {
    'elk.layered.cycleBreaking.strategy': cycles,
    'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
    'elk.layered.compaction.postCompaction.strategy': 'EDGE_LENGTH',
    'elk.layered.thoroughness': '30',
    'elk.randomSeed': seed,
  };
}

const quickest: readonly LayoutOptions[] = [
  { 'elk.layered.cycleBreaking.strategy': 'DEPTH_FIRST', 'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF' },
];

async function inThread(task: LayoutTask, msMax: number, signal: AbortSignal | undefined): Promise<LayoutAnswer> {
  signal?.throwIfAborted();
  const worker = new Worker(workerFile('layout', import.meta.url), {
    workerData: task,
    name: 'varvebus chart',
    ...inheritedArguments(),
  });
  const answer = new Promise<LayoutAnswer>((resolve) => {
    worker.once('message', resolve);
    worker.once('error', (cause) => resolve({ failed: String(cause) }));
    worker.once('exit', () => resolve({ failed: 'its thread ended' }));
  });
  const timer = setTimeout(() => void worker.terminate(), msMax);
  const onAbort = () => void worker.terminate();
  signal?.addEventListener('abort', onAbort, { once: true });
  const startedMs = performance.now();
  try {
    const settled = await answer;
    signal?.throwIfAborted();
    if (!('failed' in settled) || performance.now() - startedMs < msMax) return settled;
    const message = `the layout of the chart takes longer than ${msMax} ms`;
    throw new BusError('CHART_TOO_LARGE', message, { limit: 'chartLayoutMsMax', max: msMax });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
}
