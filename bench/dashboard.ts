/**
 * The tasks of `dashboard-append` and `dashboard-drain`: what a dashboard adds to the work of a bus, in CPU of its process per event.
 *
 * A turn does the same work by turns with a dashboard that a client follows, with one that nobody looks at, and without one.
 * The client is a process of its own with the overview open (dashboard-client.ts), whose CPU is not counted. All of it in one
 * process, whose code is equally warm each time.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { dashboard } from '#dashboard';
import { turns } from './statistics.ts';
import { type MakeTask, nothingRead, type Turn } from './task.ts';
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

/** So that a turn switches between the surroundings several times a second, instead of every few seconds. */
const drainedAtOnce = 200_000;

/** Always the same processor: with one for each pass the dashboard would show more and more of them. */
export const drainWork: MakeWork =
  ({ bus }) =>
  async () => {
    let seen = 0;
    const processor = bus.processor({ name: 'drain', handle: () => void seen++ });
    const from = Math.max(0, bus.head - drainedAtOnce);
    await processor.reset({ to: from });
    processor.start();
    await processor.caughtUp();
    await processor.close();
    if (seen !== bus.head - from) throw new Error(`${seen} events were handled instead of ${bus.head - from}`);
    return seen;
  };

/** Switches between the surroundings in a turn: what disturbs the machine then disturbs all of them. */
const switchesPerTurn = 8;

/** Microseconds of CPU per event with one client; beside it, without a client, and without a dashboard. */
export function dashboardTask(makeWork: MakeWork): MakeTask {
  return onVarvebus((store, workload) => {
    const work = makeWork(store, workload);
    const client = new Client();
    let switches = 0;
    const turn = async (ms: number): Promise<Turn> => {
      const spent = surroundings.map((around) => ({ around, events: 0, cpuUs: 0 }));
      for (let count = 0; count < switchesPerTurn; count++) {
        for (const one of turns(spent, switches++)) {
          await within(one.around, store, client, async () => {
            const endMs = performance.now() + ms / switchesPerTurn;
            const cpu = process.cpuUsage();
            do one.events += await work();
            while (performance.now() < endMs);
            const { user, system } = process.cpuUsage(cpu);
            one.cpuUs += user + system;
          });
        }
      }
      const usPerEvent = spent.map(({ around, events, cpuUs }) => [around, cpuUs / events] as const);
      const { 'one-client': value = 0, ...beside } = Object.fromEntries(usPerEvent);
      return { events: spent.reduce((sum, { events }) => sum + events, 0), value, beside };
    };
    return {
      async warmUp() {
        await turn(0);
        return nothingRead;
      },
      run: ({ ms }) => turn(ms),
      end: async () => client.end(),
    };
  });
}

async function within(
  around: Surroundings,
  { bus }: VarvebusStore,
  client: Client,
  measure: () => Promise<void>,
): Promise<void> {
  if (around === 'no-dashboard') return await measure();
  const site = dashboard(bus);
  try {
    if (around === 'one-client') await client.follow((await site.listen()).url);
    await measure();
  } finally {
    await site.close();
  }
}

/** The other process, started with the first dashboard that it follows. */
class Client {
  #process: ChildProcess | undefined;

  /** Resolves when it is shown something. It follows until the dashboard is closed. */
  async follow(url: string): Promise<void> {
    this.#process ??= fork(new URL('./dashboard-client.ts', import.meta.url));
    const shown = once(this.#process, 'message');
    this.#process.send(url);
    await shown;
  }

  end(): void {
    this.#process?.kill();
  }
}
