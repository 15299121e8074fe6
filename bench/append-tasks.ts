/**
 * Tasks that append: call by call, or by many callers who each wait for their own.
 */
import { runCallers } from './callers.ts';
import type { Store } from './store.ts';
import { type MakeTask, nothingRead, type Task } from './task.ts';
import { onVarvebus } from './varvebus-store.ts';
import { streamCount, streamName, type Workload } from './workload.ts';

/** Calls of `appendOnce`, which appends `events` events, one after the other. */
export function appendTask(store: Store, warmUps: number, appendOnce: () => Promise<void>, events: number): Task {
  return {
    async warmUp() {
      for (let count = 0; count < warmUps; count++) await appendOnce();
      return { ...nothingRead, events: store.head() };
    },
    async run({ isDone }) {
      const before = store.head();
      let appended = 0;
      while (!isDone()) {
        await appendOnce();
        appended += events;
      }
      assertHead(store, before + appended);
      return { events: appended };
    },
  };
}

/** `task`, in a store that has had an event of each stream before: an encrypted one has all its keys. */
export function inKnownStreams(store: Store, workload: Workload, task: Task): Task {
  return {
    ...task,
    async warmUp() {
      const streams = Array.from({ length: streamCount }, (_, index) => streamName(index));
      await store.appendSingles(streams.map((stream) => ({ stream, event: workload.event() })));
      return task.warmUp();
    },
  };
}

/** Appends of each caller before the first turn. */
export const warmUpsOfCaller = 30;

/** `callers` callers in this thread. */
export function callersTask(callers: number): MakeTask {
  return onVarvebus((store, workload) => {
    const appendOnce = () => store.bus.append(workload.stream(), workload.event());
    return {
      async warmUp() {
        let left = callers * warmUpsOfCaller;
        await runCallers(callers, appendOnce, () => left-- <= 0);
        return { ...nothingRead, events: store.head() };
      },
      async run({ isDone }) {
        const before = store.head();
        const events = await runCallers(callers, appendOnce, isDone);
        assertHead(store, before + events);
        return { events };
      },
    };
  });
}

/** @throws when the store holds another number of events. */
export function assertHead(store: Store, expected: number): void {
  if (store.head() !== expected) throw new Error(`the head is ${store.head()} instead of ${expected}`);
}
