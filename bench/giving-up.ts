/**
 * The tasks of `dead-letter` and `drain-parked`: processors whose handler fails.
 *
 * Each pass is a new processor over the whole store, measured from `start()` until `caughtUp()`. That everything was handled
 * or kept is checked after each pass.
 */
import { randomUUID } from 'node:crypto';
import type { OnFailure, StoredEvent } from '#store';
import { type MakeTask, nothingRead } from './task.ts';
import { onVarvebus, type VarvebusStore } from './varvebus-store.ts';
import type { OrderEvent } from './workload.ts';

/** Dead letters a second: a handler that fails on each of `count` events, none of which is tried again. */
export function deadLetterTask(count: number): MakeTask {
  return onVarvebus((store, workload) => ({
    async warmUp() {
      await store.appendSingles(workload.singles(count));
      await drain(store, 'dead-letter', () => true);
      return nothingRead;
    },
    async run({ isDone }) {
      let letters = 0;
      let ms = 0;
      while (!isDone()) {
        ms += await drain(store, 'dead-letter', () => true);
        letters += count;
      }
      return { events: letters, value: (letters / ms) * 1000 };
    },
  }));
}

/**
 * Events a second of a drain in which some streams are parked at their first event; beside it, in the same turns, of one
 * where none is.
 */
export function parkedDrainTask(parkedShare: number): MakeTask {
  return onVarvebus((store) => {
    const isParked = ({ stream }: StoredEvent) => hashOf(stream) < parkedShare * 2 ** 32;
    const isNone = () => false;
    let turns = 0;
    return {
      async warmUp() {
        await drain(store, 'park-stream', isParked);
        return nothingRead;
      },
      async run({ isDone }) {
        const ms = { parked: 0, plain: 0 };
        let passes = 0;
        while (!isDone() || passes === 0) {
          passes++;
          const isParkedFirst = turns++ % 2 === 0;
          if (isParkedFirst) ms.parked += await drain(store, 'park-stream', isParked);
          ms.plain += await drain(store, 'park-stream', isNone);
          if (!isParkedFirst) ms.parked += await drain(store, 'park-stream', isParked);
        }
        const events = passes * store.bus.head;
        return { events, value: (events / ms.parked) * 1000, beside: { 'drain-unparked': (events / ms.plain) * 1000 } };
      },
    };
  });
}

/** The milliseconds that one pass took. */
async function drain(
  { bus }: VarvebusStore,
  onFailure: OnFailure,
  isBroken: (event: StoredEvent<OrderEvent>) => boolean,
): Promise<number> {
  const error = new Error('no');
  const processor = bus.processor({
    name: `gives-up-${randomUUID()}`,
    onFailure,
    keepMax: 1_000_000,
    retry: { attempts: 0 },
    handle: (event) => {
      if (isBroken(event)) throw error;
    },
  });
  const ignored = bus.errors$.subscribe(() => undefined);
  const startMs = performance.now();
  processor.start();
  await processor.caughtUp();
  const ms = performance.now() - startMs;
  await processor.close();
  ignored.unsubscribe();
  const { handled, deadLettered, parked } = processor.status.context;
  if (handled + deadLettered + parked !== bus.head) throw new Error('an event was neither handled nor kept');
  return ms;
}

/** FNV-1a, 32 bits: some streams, always the same. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash;
}
