/**
 * The task of `delay-1024`: how long the main thread's event loop is kept busy while a closed loop of callers appends.
 *
 * `monitorEventLoopDelay` records the time between two neighbouring firings of a timer of 1 ms, the millisecond itself
 * included: an idle loop shows a little over 1. A loop that is busy for 10 ms gives one sample of that length, not ten, so
 * the percentile is one of loop turns. Nothing is subtracted.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { callersTask } from './append-tasks.ts';
import type { MakeTask } from './task.ts';

const nsPerMs = 1e6;

/** The 99th percentile in milliseconds, with `callers` events in flight. */
export function loopDelayTask(callers: number): MakeTask {
  return (store, workload) => {
    const appends = callersTask(callers)(store, workload);
    return {
      warmUp: () => appends.warmUp(),
      async run(time) {
        const delays = monitorEventLoopDelay({ resolution: 1 });
        delays.enable();
        const { events } = await appends.run(time);
        delays.disable();
        if (delays.count === 0) throw new Error('the event loop had no turn to be measured');
        return { events, value: delays.percentile(99) / nsPerMs };
      },
    };
  };
}
