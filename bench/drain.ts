/**
 * The task of `drain` and `drain-decoded`: a processor that has never run works off the whole built store.
 *
 * Measured from `start()` until `caughtUp()`, cursors saved as they are by default. That it saw everything in order, once,
 * and that its last cursor was saved, is checked after each pass. A turn is at least one pass.
 */
import { randomUUID } from 'node:crypto';
import type { StoredEvent } from '#store';
import type { ReadSum } from './store.ts';
import { assertSum, type MakeTask, never, nothingRead } from './task.ts';
import { onVarvebus, type VarvebusStore } from './varvebus-store.ts';
import type { OrderEvent } from './workload.ts';

export interface DrainRequest {
  /** Looks at the data of every event. */
  readonly touchesData: boolean;
}

/** Events a second, of the time in which it drained. */
export function drainTask(request: DrainRequest): MakeTask {
  return onVarvebus((store) => {
    let expected = nothingRead;
    return {
      async warmUp() {
        expected = await store.scan({ ...request, isDone: never });
        await drain(store, request, expected);
        return expected;
      },
      async run({ isDone }) {
        let events = 0;
        let drainMs = 0;
        while (!isDone()) {
          drainMs += await drain(store, request, expected);
          events += expected.events;
        }
        return { events, value: (events / drainMs) * 1000 };
      },
    };
  });
}

/** The milliseconds that one pass took. */
async function drain({ bus }: VarvebusStore, { touchesData }: DrainRequest, expected: ReadSum): Promise<number> {
  const sum = { ...nothingRead };
  let last = 0;
  let misplaced = 0;
  const seen = (event: StoredEvent<OrderEvent>) => {
    if (event.position !== last + 1) misplaced++;
    last = event.position;
    sum.events++;
  };
  const handle = touchesData
    ? (event: StoredEvent<OrderEvent>) => {
        seen(event);
        sum.checksum += event.data.totalCents;
      }
    : (event: StoredEvent<OrderEvent>) => {
        seen(event);
        sum.checksum += event.version;
      };
  // The cursors of earlier passes stay in the store.
  const processor = bus.processor({ name: `drain-${randomUUID()}`, handle });
  const startMs = performance.now();
  processor.start();
  await processor.caughtUp();
  const drainMs = performance.now() - startMs;
  await processor.close();
  const { cursor } = processor.status.context;
  assertSum('the processor', sum, expected);
  if (misplaced > 0) throw new Error(`${misplaced} events were handled out of order`);
  if (cursor !== bus.head) throw new Error(`the last cursor saved is ${cursor} instead of ${bus.head}`);
  return drainMs;
}
