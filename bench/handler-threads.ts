/**
 * The task of `handler-threads-2`: how long the main thread's event loop is kept busy while two processors with CPU-bound
 * handlers work off a log, each in a reader thread. Beside it, the same two in the main thread.
 *
 * The delay is measured as in loop-delay.ts. Events a second of both ways go to stderr: what the threads bring depends on the
 * processors of the machine. A turn is one pass of each way.
 */
import { randomUUID } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { handle } from './busy.handler.ts';
import { type MakeTask, nothingRead } from './task.ts';
import { onVarvebus, type VarvebusStore } from './varvebus-store.ts';

const nsPerMs = 1e6;
const module = new URL('./busy.handler.ts', import.meta.url);
/** The 99th percentile of the delay in milliseconds, with so many of the newest events for each of the two; beside it, `inline`. */
export function handlerThreadsTask(eventsMax: number): MakeTask {
  return onVarvebus((store) => ({
    async warmUp() {
      await pass(store, eventsMax, { handler: module });
      return nothingRead;
    },
    async run() {
      const threads = await pass(store, eventsMax, { handler: module });
      const inline = await pass(store, eventsMax, { handle });
      process.stderr.write(
        `handler-threads-2: ${threads.rate.toFixed(0)} events/s in threads, ${inline.rate.toFixed(0)} inline\n`,
      );
      return { events: threads.events + inline.events, value: threads.delayMs, beside: { inline: inline.delayMs } };
    },
  }));
}

interface Pass {
  readonly events: number;
  readonly rate: number;
  readonly delayMs: number;
}

type How = { readonly handler: URL } | { readonly handle: typeof handle };

async function pass({ bus }: VarvebusStore, eventsMax: number, how: How): Promise<Pass> {
  const events = Math.min(eventsMax, bus.head);
  const from = bus.head - events + 1;
  const processors = ['a', 'b'].map((name) =>
    bus.processor({ name: `busy-${name}-${randomUUID()}`, from, ...how, checkpoint: { events: 1000 } }),
  );
  const delays = monitorEventLoopDelay({ resolution: 1 });
  const startMs = performance.now();
  delays.enable();
  for (const processor of processors) processor.start();
  await Promise.all(processors.map((processor) => processor.caughtUp()));
  delays.disable();
  const ms = performance.now() - startMs;
  for (const processor of processors) {
    const { handled } = processor.status.context;
    if (handled !== events) throw new Error(`a handler was called for ${handled} events instead of ${events}`);
    await processor.close();
  }
  return { events: 2 * events, rate: (2 * events * 1000) / ms, delayMs: delays.percentile(99) / nsPerMs };
}
