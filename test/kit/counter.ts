/** An aggregate that counts, with snapshots. Each event says what the count is now: an update that is lost shows. */
import type { Aggregate, Bus } from '#store';

export interface Count {
  readonly count: number;
  /** The versions that were counted, as their sum: one missed or counted twice shows. */
  readonly sum: number;
}

export function counterOf(bus: Bus, { every = 3 } = {}): Aggregate<Count, 'count'> {
  return bus.aggregate<Count, 'count'>({
    name: 'counter',
    initial: { count: 0, sum: 0 },
    evolve: ({ sum }, { data, version }) => ({ count: data.count, sum: sum + version }),
    decide: ({ count }) => ({ type: 'counted', data: { count: count + 1 } }),
    snapshot: { every },
    retries: 1000,
  });
}

/** What `version` counts come to. */
export function countOf(version: number): Count {
  return { count: version, sum: (version * (version + 1)) / 2 };
}
