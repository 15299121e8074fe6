/**
 * The task of `status-100`: how late another process can see that a processor is in another state, beside many at full speed.
 *
 * The others handle the same events over and over. This one, `target`, fails once at every event that comes and is tried again
 * soon: a turn is as many such changes as it has time for, and at least one.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type Bus, isBusError, type Processor } from '#store';
import { median } from './statistics.ts';
import { type MakeTask, nothingRead } from './task.ts';
import { onVarvebus } from './varvebus-store.ts';
import type { OrderEvent } from './workload.ts';

const storedEvents = 50_000;
const retry = { attempts: 1, minMs: 200, maxMs: 200 };

/** The median of a turn in milliseconds, beside so many busy processors: among these, each has its turn about once a second. */
export function statusTask(busy: number): MakeTask {
  return onVarvebus((store, workload) => {
    const { bus } = store;
    let target: Processor | undefined;
    let client: ChildProcess | undefined;
    const change = async (): Promise<number> => {
      const [[lateMs]] = await Promise.all([
        once(client as ChildProcess, 'message'),
        store.append(workload.stream(), [workload.event()]),
      ]);
      await target?.caughtUp();
      return lateMs as number;
    };
    return {
      async warmUp() {
        await store.appendSingles(workload.singles(storedEvents));
        for (let at = 0; at < busy; at++) keepBusy(bus, `busy-${at}`);
        let tried = bus.head;
        const handle = ({ position }: { readonly position: number }) => {
          if (position === tried) return;
          tried = position;
          throw new Error('to be tried again');
        };
        target = bus.processor({ name: 'target', from: 'now', handle, retry });
        target.start();
        await target.waitFor('live');
        client = fork(new URL('./status-client.ts', import.meta.url), [bus.info().path]);
        await once(client, 'message');
        return nothingRead;
      },
      async run({ isDone }) {
        const lateMs: number[] = [];
        do lateMs.push(await change());
        while (!isDone());
        return { events: lateMs.length, value: median(lateMs) };
      },
      async end() {
        client?.kill();
      },
    };
  });
}

/** Until the bus is closed. */
function keepBusy(bus: Bus<OrderEvent>, name: string): void {
  const processor = bus.processor({ name, handle: () => undefined });
  processor.start();
  beginAgain(processor).catch((error: unknown) => {
    if (!isBusError(error, 'PROCESSOR_STOPPED')) throw error;
  });
}

async function beginAgain(processor: Processor): Promise<never> {
  for (;;) {
    await processor.waitFor('live');
    await processor.reset({ to: 0 });
  }
}
