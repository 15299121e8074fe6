/**
 * Tasks that read the built store: all of it, the streams, single events.
 */
import type { ReadSum, ScanRequest, Store } from './store.ts';
import { never, nothingRead, type Task } from './task.ts';
import { streamCount, streamName, type Workload } from './workload.ts';

export function scanTask(store: Store, request: Omit<ScanRequest, 'isDone'>): Task {
  return {
    warmUp: () => store.scan({ ...request, isDone: never }),
    async run({ isDone }) {
      let events = 0;
      while (!isDone()) events += (await store.scan({ ...request, isDone })).events;
      return { events };
    },
  };
}

export function streamTask(store: Store, workload: Workload): Task {
  const newest = 100;
  return {
    async warmUp() {
      const sum = { ...nothingRead };
      for (let index = 0; index < streamCount; index++) add(sum, await store.readNewest(streamName(index), newest));
      return sum;
    },
    async run({ isDone }) {
      let events = 0;
      while (!isDone()) events += (await store.readNewest(workload.stream(), newest)).events;
      return { events };
    },
  };
}

export function randomTask(store: Store, workload: Workload): Task {
  const step = 128;
  const head = store.head();
  const positions = () => Array.from({ length: step }, () => 1 + Math.floor(workload.random() * head));
  return {
    async warmUp() {
      const sum = { ...nothingRead };
      for (let count = 0; count < 200; count++) add(sum, await store.readAt(positions()));
      return sum;
    },
    async run({ isDone }) {
      let events = 0;
      while (!isDone()) events += (await store.readAt(positions())).events;
      return { events };
    },
  };
}

function add(sum: ReadSum, more: ReadSum): void {
  sum.events += more.events;
  sum.checksum += more.checksum;
}
