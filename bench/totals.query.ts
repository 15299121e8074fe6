/**
 * The query that query-tasks.ts runs: sums up all orders.
 */
import type { QueryDefinition } from '#store';
import type { ReadSum } from './store.ts';
import type { OrderEvent } from './workload.ts';

export const query = {
  init: () => ({ events: 0, checksum: 0 }),
  step: (sum, event) => {
    sum.events++;
    sum.checksum += event.data.totalCents;
    return sum;
  },
  merge: (first, second) => ({
    events: first.events + second.events,
    checksum: first.checksum + second.checksum,
  }),
} satisfies QueryDefinition<ReadSum, undefined, ReadSum, OrderEvent>;
