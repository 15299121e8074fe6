/**
 * The thread that a chart gets its places in: ELK works for as long as it takes, and this thread can be ended meanwhile.
 *
 * Tries each set of options that it is given and tells whenever a layout is better than those before; ends by itself. The only
 * importer of elkjs, an optional dependency.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { ELK, ElkNode, LayoutOptions } from 'elkjs';
import { costOf } from './layout-cost.ts';

export interface LayoutTask {
  readonly graph: ElkNode;
  /** Options of the whole, beside those in `graph`; one layout for each. */
  readonly tries: readonly LayoutOptions[];
}

/** `missing`: elkjs is not installed. `failed`: what ELK said of a try. */
export type LayoutNews = { readonly placed: ElkNode } | { readonly missing: string } | { readonly failed: string };

await tryAll(workerData as LayoutTask);

async function tryAll({ graph, tries }: LayoutTask): Promise<void> {
  let elk: ELK;
  try {
    elk = await newElk();
  } catch (error) {
    tell({ missing: String(error) });
    return;
  }
  let leastCost = Number.POSITIVE_INFINITY;
  for (const options of tries) {
    try {
      const layoutOptions = { ...graph.layoutOptions, ...options };
      const placed = await elk.layout({ ...structuredClone(graph), layoutOptions });
      const cost = costOf(placed);
      if (cost < leastCost) tell({ placed });
      leastCost = Math.min(leastCost, cost);
    } catch (error) {
      // Some of its strategies break on some graphs.
      tell({ failed: error instanceof Error ? error.message : String(error) });
    }
  }
}

function tell(news: LayoutNews): void {
  parentPort?.postMessage(news);
}

async function newElk(): Promise<ELK> {
  // What a CommonJS module exports is its default, whatever its declarations say.
  const { default: Elk } = (await import('elkjs')) as unknown as { readonly default: new () => ELK };
  return new Elk();
}
