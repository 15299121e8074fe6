/**
 * The tasks of `dashboard-append` and `dashboard-drain`: what a dashboard adds to the work of a bus, in CPU of its process per event.
 *
 * A turn does the same work three times: with a dashboard that a client follows, with one that nobody looks at, and without one.
 * The client is a process of its own with the overview open (dashboard-client.ts), whose CPU is not counted. All of it in one
 * process, whose code is equally warm each time.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { dashboard } from '#dashboard';
import { drainPass } from './drain.ts';
import { turns } from './statistics.ts';
import type { ReadSum } from './store.ts';
import { type MakeTask, never, nothingRead } from './task.ts';
import { onVarvebus, type VarvebusStore } from './varvebus-store.ts';
import type { Workload } from './workload.ts';

type Surroundings = 'one-client' | 'no-client' | 'no-dashboard';
const surroundings: readonly Surroundings[] = ['one-client', 'no-client', 'no-dashboard'];

/** Makes what does some of the work and gives the number of its events. */
type MakeWork = (store: VarvebusStore, workload: Workload) => () => Promise<number>;

export const appendWork: MakeWork = (store, workload) => async () => {
  await store.appendSingles(workload.singles(1024));
  return 1024;
};

export const drainWork: MakeWork = (store) => {
  const request = { touchesData: false };
  let expected: ReadSum | undefined;
  return async () => {
    // Once, in the warm-up.
    expected ??= await store.scan({ ...request, isDone: never });
    await drainPass(store, request, expected);
    return expected.events;
  };
};

/** Microseconds of CPU per event with one client; beside it, without a client, and without a dashboard. */
export function dashboardTask(makeWork: MakeWork): MakeTask {
  return onVarvebus((store, workload) => {
    const work = makeWork(store, workload);
    let round = 0;
    const measure = (around: Surroundings, ms: number) =>
      within(around, store, async () => {
        const endMs = performance.now() + ms;
        const cpu = process.cpuUsage();
        let events = 0;
        do events += await work();
        while (performance.now() < endMs);
        const { user, system } = process.cpuUsage(cpu);
        return { events, cpuUs: user + system };
      });
    return {
      async warmUp() {
        for (const around of surroundings) await measure(around, 0);
        return nothingRead;
      },
      async run({ ms }) {
        const usPerEvent: Partial<Record<Surroundings, number>> = {};
        let total = 0;
        for (const around of turns(surroundings, round++)) {
          const { events, cpuUs } = await measure(around, ms);
          usPerEvent[around] = cpuUs / events;
          total += events;
        }
        const { 'one-client': value = 0, ...beside } = usPerEvent;
        return { events: total, value, beside };
      },
    };
  });
}

async function within<Result>(
  around: Surroundings,
  { bus }: VarvebusStore,
  measure: () => Promise<Result>,
): Promise<Result> {
  if (around === 'no-dashboard') return await measure();
  const site = dashboard(bus);
  const { url } = await site.listen();
  const client = around === 'one-client' ? await startClient(url) : undefined;
  try {
    return await measure();
  } finally {
    client?.kill();
    await site.close();
  }
}

/** Resolves when the client is shown something. */
async function startClient(url: string): Promise<ChildProcess> {
  const client = fork(new URL('./dashboard-client.ts', import.meta.url), [url]);
  await once(client, 'message');
  return client;
}
