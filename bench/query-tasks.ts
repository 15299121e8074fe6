/**
 * The tasks of `query-1` and `query-2`: a fold over the whole built store in reader threads, which decodes every event.
 *
 * A turn is at least one query; with two threads, at least one with each number of threads, in turned order every other
 * turn. Every result is compared with what a plain read sees.
 */

import { turns } from './statistics.ts';
import type { ReadSum } from './store.ts';
import { assertSum, type MakeTask, never, nothingRead } from './task.ts';
import { onVarvebus, type VarvebusStore } from './varvebus-store.ts';

const totals = new URL('./totals.query.ts', import.meta.url);

/** Events a second with the first of the numbers of threads; beside it, those with the others, as `query-<number>`. */
export function queryTask(parallel: number, ...beside: readonly number[]): MakeTask {
  return onVarvebus((store) => {
    let expected = nothingRead;
    let round = 0;
    return {
      async warmUp() {
        expected = await store.scan({ touchesData: true, isDone: never });
        for (const threads of [parallel, ...beside]) await query(store, threads, expected);
        return expected;
      },
      async run({ isDone }) {
        const msByThreads = new Map<number, number>();
        let passes = 0;
        while (!isDone()) {
          for (const threads of turns([parallel, ...beside], round++)) {
            const ms = await query(store, threads, expected);
            msByThreads.set(threads, (msByThreads.get(threads) ?? 0) + ms);
          }
          passes++;
        }
        const rate = (threads: number) => (expected.events * passes * 1000) / (msByThreads.get(threads) as number);
        return {
          events: expected.events * passes * (1 + beside.length),
          value: rate(parallel),
          beside: Object.fromEntries(beside.map((threads) => [`query-${threads}`, rate(threads)])),
        };
      },
    };
  });
}

/** The milliseconds that it took. */
async function query({ bus }: VarvebusStore, parallel: number, expected: ReadSum): Promise<number> {
  const startMs = performance.now();
  const sum = await bus.query<ReadSum>(totals, { parallel });
  const ms = performance.now() - startMs;
  assertSum(`a query with ${parallel} threads`, sum, expected);
  return ms;
}
