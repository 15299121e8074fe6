/**
 * The task of `project-1000`: a projection that has never run counts the events of each stream of the built store.
 *
 * Measured from `start()` until `caughtUp()`, which is when everything can be read and is on disk. That each count is that of
 * the stream is checked after each pass. A turn is at least one pass.
 */
import { randomUUID } from 'node:crypto';
import type { StoredEvent } from '#store';
import { assertSum, never } from './task.ts';
import { onVarvebus, type VarvebusStore } from './varvebus-store.ts';
import { eventTypes, type OrderEvent } from './workload.ts';

/** Events a second, of the time in which it was built. */
export const projectTask = onVarvebus((store) => {
  let events = 0;
  return {
    async warmUp() {
      const sum = await store.scan({ touchesData: false, isDone: never });
      events = sum.events;
      await project(store, events);
      return sum;
    },
    async run({ isDone }) {
      let handled = 0;
      let projectMs = 0;
      while (!isDone()) {
        projectMs += await project(store, events);
        handled += events;
      }
      return { events: handled, value: (handled / projectMs) * 1000 };
    },
  };
});

/** The milliseconds that one pass took. */
async function project({ bus }: VarvebusStore, events: number): Promise<number> {
  const count = (
    view: { update(key: string, change: (count?: number) => number): void },
    event: StoredEvent<OrderEvent>,
  ) => view.update(event.stream, (before = 0) => before + 1);
  const on = Object.fromEntries(eventTypes.map((type) => [type, count]));
  const projection = bus.projection<number>({ name: `project-${randomUUID()}`, version: 1, on });
  const startMs = performance.now();
  projection.start();
  await projection.caughtUp();
  const projectMs = performance.now() - startMs;
  await projection.close();
  const sum = { events: 0, checksum: 0 };
  for await (const { key, value } of projection.range()) {
    sum.events += value;
    if (value !== (await bus.stream(key))?.version) throw new Error(`${key} has ${value} events by its count`);
  }
  assertSum('the projection', sum, { events, checksum: 0 });
  return projectMs;
}
