/**
 * The task of `append-threads-4`: callers in several threads, each thread connected to the bus of this one.
 *
 * This thread only sends the orders and adds up what the threads have appended: nothing of an append passes through it.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Bus } from '#store';
import type { CallersData, CallersOrder } from './append-callers.worker.ts';
import { assertHead, warmUpsOfCaller } from './append-tasks.ts';
import { type MakeTask, nothingRead } from './task.ts';
import { onVarvebus } from './varvebus-store.ts';
import type { OrderEvent } from './workload.ts';

/** `callers` callers in each of `count` threads. */
export function appendThreadsTask(count: number, callers: number): MakeTask {
  return onVarvebus((store) => {
    const threads = Array.from({ length: count }, (_, seed) => startThread(store.bus, { callers, seed }));
    const appended = async (order: CallersOrder) => {
      const before = store.head();
      const counts = await Promise.all(threads.map((thread) => obeyed(thread, order)));
      const events = counts.reduce((total, one) => total + one, 0);
      assertHead(store, before + events);
      return events;
    };
    return {
      warmUp: async () => ({ ...nothingRead, events: await appended({ kind: 'times', times: warmUpsOfCaller }) }),
      run: async ({ ms }) => ({ events: await appended({ kind: 'run', ms }) }),
      async end() {
        for (const thread of threads) {
          const exited = once(thread, 'exit');
          thread.postMessage({ kind: 'end' } satisfies CallersOrder);
          await exited;
        }
      },
    };
  });
}

function startThread(bus: Bus<OrderEvent>, data: Omit<CallersData, 'port'>): Worker {
  const port = bus.port();
  return new Worker(new URL('./append-callers.worker.ts', import.meta.url), {
    workerData: { ...data, port } satisfies CallersData,
    transferList: [port],
  });
}

/** How many events it has appended. @throws what the thread has thrown. */
async function obeyed(thread: Worker, order: CallersOrder): Promise<number> {
  const answered = once(thread, 'message');
  thread.postMessage(order);
  const [events] = (await answered) as [number];
  return events;
}
