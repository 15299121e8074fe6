/**
 * Gives a statechart its places: boxes, lines at right angles, and room for their labels.
 *
 * Lays it out in a few ways, in a thread of its own, the quickest first, and keeps the best of what is there when its time is
 * over: the thread is ended then.
 */
import { Worker } from 'node:worker_threads';
import type { ElkNode, LayoutOptions } from 'elkjs';
import { inheritedArguments, workerFile } from '../../../actors/worker-file.ts';
import { BusError } from '../../errors.ts';
import { chartLayoutMsMax } from '../../limits.ts';
import type { Chart } from '../wire.ts';
import { elkGraph, placedChart } from './elk-graph.ts';
import type { LayoutNews, LayoutTask } from './layout.worker.ts';
import type { StateGraph } from './state-graph.ts';

export interface LayoutChartOptions {
  /** How long better layouts are looked for once there is one. Milliseconds. @default 2500 */
  readonly patienceMs?: number;
  /** How long there may be none. Milliseconds. @default 20_000 */
  readonly msMax?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Charts of more edges are laid out in the quickest way only: others take seconds. */
const largeEdges = 100;

/**
 * @throws {BusError} CHART_TOO_LARGE it takes longer than `msMax`; UNSUPPORTED elkjs is not installed, or can't lay this out
 */
export async function layoutChart(graph: StateGraph, options: LayoutChartOptions = {}): Promise<Chart> {
  const tries = graph.edges.length > largeEdges ? [quickest] : [quickest, ...goodWays];
  return placedChart(graph, await inThread({ graph: elkGraph(graph), tries }, options));
}

/** Also the one that never failed. */
const quickest: LayoutOptions = {
  'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF',
  'elk.layered.thoroughness': '1',
};

/**
 * ELK's strategies for which lines go up, and the seeds of its dice: what comes out differs much. These were best for our own
 * machines and a few others.
 */
const goodWays: readonly LayoutOptions[] = [
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

async function inThread(task: LayoutTask, options: LayoutChartOptions): Promise<ElkNode> {
  const { patienceMs = 2500, msMax = chartLayoutMsMax, signal } = options;
  signal?.throwIfAborted();
  const worker = new Worker(workerFile('layout', import.meta.url), {
    workerData: task,
    name: 'varvebus chart',
    ...inheritedArguments(),
  });
  const end = () => void worker.terminate();
  let best: ElkNode | undefined;
  let refusal = tooSlow(msMax);
  let timer = setTimeout(end, msMax);
  worker.on('message', (news: LayoutNews) => {
    if ('missing' in news) refusal = missing(news.missing);
    else if ('failed' in news) refusal = failed(news.failed);
    else {
      if (best === undefined) {
        clearTimeout(timer);
        timer = setTimeout(end, patienceMs);
      }
      best = news.placed;
    }
  });
  worker.on('error', (error) => {
    refusal = failed(error);
  });
  signal?.addEventListener('abort', end, { once: true });
  await new Promise((resolve) => worker.once('exit', resolve));
  clearTimeout(timer);
  signal?.removeEventListener('abort', end);
  signal?.throwIfAborted();
  if (best === undefined) throw refusal;
  return best;
}

function tooSlow(msMax: number): BusError {
  const message = `the layout of the chart takes longer than ${msMax} ms`;
  return new BusError('CHART_TOO_LARGE', message, { limit: 'chartLayoutMsMax', max: msMax });
}

function missing(cause: unknown): BusError {
  const advice = 'the layout of charts needs the package elkjs: npm install elkjs';
  return new BusError('UNSUPPORTED', advice, { feature: 'chart layout' }, { cause });
}

function failed(cause: unknown): BusError {
  return new BusError(
    'UNSUPPORTED',
    `ELK can't lay out this chart: ${String(cause)}`,
    { feature: 'chart layout' },
    { cause },
  );
}
