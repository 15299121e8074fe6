/**
 * The thread that a chart gets its places in: ELK works for as long as it takes, and this thread can be ended meanwhile.
 *
 * Tries each set of options that it is given and answers with the best of what comes out. The only importer of elkjs, an optional
 * dependency.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { ELK, ElkNode, LayoutOptions } from 'elkjs';
import { costOf } from './layout-cost.ts';

export interface LayoutTask {
  readonly graph: ElkNode;
  /** Options of the whole, beside those in `graph`; one layout for each. */
  readonly tries: readonly LayoutOptions[];
}

/** `missing`: elkjs is not installed. `failed`: what ELK said of the last try, where none worked. */
export type LayoutAnswer = { readonly placed: ElkNode } | { readonly missing: unknown } | { readonly failed: unknown };

parentPort?.postMessage(await bestLayout(workerData as LayoutTask));

async function bestLayout({ graph, tries }: LayoutTask): Promise<LayoutAnswer> {
  let elk: ELK;
  try {
    elk = await newElk();
  } catch (error) {
    return { missing: String(error) };
  }
  let best: { readonly placed: ElkNode; readonly cost: number } | undefined;
  let failed: unknown;
  for (const options of tries) {
    try {
      const placed = await elk.layout({
        ...structuredClone(graph),
        layoutOptions: { ...graph.layoutOptions, ...options },
      });
      const cost = costOf(placed);
      if (best === undefined || cost < best.cost) best = { placed, cost };
    } catch (error) {
      failed = error instanceof Error ? error.message : String(error);
    }
  }
  return best === undefined ? { failed } : { placed: best.placed };
}

async function newElk(): Promise<ELK> {
  // What a CommonJS module exports is its default, whatever its declarations say.
  const { default: Elk } = (await import('elkjs')) as unknown as { readonly default: new () => ELK };
  return new Elk();
}
