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
/** Of the built store, for each of the two. */
const eventsMax = 5000;

/** The 99th percentile of the delay in milliseconds; beside it `inline`, and what the rates are. */
export const handlerThreadsTask: MakeTask = onVarvebus((store) => ({
  async warmUp() {
    await pass(store, { handler: module });
    return nothingRead;
  },
  async run() {
    const threads = await pass(store, { handler: module });
    const inline = await pass(store, { handle });
    process.stderr.write(
      `handler-threads-2: ${threads.rate.toFixed(0)} events/s in threads, ${inline.rate.toFixed(0)} inline\n`,
    );
    return { events: 4 * eventsMax, value: threads.delayMs, beside: { inline: inline.delayMs } };
  },
}));

type How = { readonly handler: URL } | { readonly handle: typeof handle };

async function pass({ bus }: VarvebusStore, how: How): Promise<{ readonly rate: number; readonly delayMs: number }> {
  const from = bus.head - eventsMax + 1;
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
    if (handled !== eventsMax) throw new Error(`a handler was called for ${handled} events instead of ${eventsMax}`);
    await processor.close();
  }
  return { rate: (2 * eventsMax * 1000) / ms, delayMs: delays.percentile(99) / nsPerMs };
}
