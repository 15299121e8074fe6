/**
 * What is measured: each case with its unit, the store it needs, and the work of one measurement.
 *
 * A case of kind `'work'` runs in one process per contender, warmed up, for a given time in each round. Kind `'open'` takes a
 * fresh process per round, and kind `'size'` only looks at the files of a store that was built.
 */

import type { ReadSum, ScanRequest, Store } from './store.ts';
import { eventTypes, streamCount, streamName, type Workload } from './workload.ts';

/** Work that goes on until it is done and then tells how many events it has handled. */
export interface Task {
  /** Brings the code up to speed. What it returns is the same for every contender that works correctly. */
  warmUp(): Promise<ReadSum>;
  run(isDone: () => boolean): Promise<number>;
}

export type CaseUnit = 'events/s' | 'ms' | 'bytes/event';

interface CaseBase {
  readonly id: string;
  readonly unit: CaseUnit;
  readonly about: string;
}

export interface WorkCase extends CaseBase {
  readonly kind: 'work';
  readonly unit: 'events/s';
  /** `'empty'`: a new directory. `'built'`: the large store, shared by all cases that read. */
  readonly store: 'empty' | 'built';
  readonly task: (store: Store, workload: Workload) => Task;
}

export interface ProbeCase extends CaseBase {
  readonly kind: 'open' | 'size';
}

export type BenchCase = WorkCase | ProbeCase;

/** Units in which less is better. */
export function isLessBetter(unit: CaseUnit): boolean {
  return unit !== 'events/s';
}

export const cases: readonly BenchCase[] = [
  {
    id: 'append-1',
    kind: 'work',
    unit: 'events/s',
    store: 'empty',
    about: 'one event per call, each awaited',
    task: (store, workload) => appendTask(store, 50, () => store.append(workload.stream(), [workload.event()]), 1),
  },
  {
    id: 'append-batch-100',
    kind: 'work',
    unit: 'events/s',
    store: 'empty',
    about: '100 events to one stream per call, each awaited',
    task: (store, workload) => appendTask(store, 20, () => store.append(workload.stream(), workload.events(100)), 100),
  },
  {
    id: 'append-1024',
    kind: 'work',
    unit: 'events/s',
    store: 'empty',
    about: '1024 calls of one event in flight; peer: 1024 events per transaction',
    task: (store, workload) => appendTask(store, 10, () => store.appendSingles(workload.singles(1024)), 1024),
  },
  {
    id: 'scan-decoded',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about: 'everything in order, touching the data of each event',
    task: (store) => scanTask(store, { touchesData: true }),
  },
  {
    id: 'scan-headers',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about: 'everything in order, not touching data',
    task: (store) => scanTask(store, { touchesData: false }),
  },
  {
    id: 'scan-1of5',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about: 'one of five types, touching its data; counts the events given out',
    task: (store) => scanTask(store, { touchesData: true, type: eventTypes[1] }),
  },
  {
    id: 'read-stream-scattered',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about: 'the newest 100 events of a random stream, scattered over the log',
    task: streamTask,
  },
  {
    id: 'read-random',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about: 'one event at a random position',
    task: randomTask,
  },
  { id: 'open-1m', kind: 'open', unit: 'ms', about: 'a closed store of a million events, until it takes an append' },
  { id: 'disk-bytes', kind: 'size', unit: 'bytes/event', about: 'size of the files of that store' },
];

const never = () => false;
const nothingRead: ReadSum = { events: 0, checksum: 0 };

/** `appendOnce` appends `events` events. */
function appendTask(store: Store, warmUps: number, appendOnce: () => Promise<void>, events: number): Task {
  return {
    async warmUp() {
      for (let count = 0; count < warmUps; count++) await appendOnce();
      return { ...nothingRead, events: store.head() };
    },
    async run(isDone) {
      const before = store.head();
      let appended = 0;
      while (!isDone()) {
        await appendOnce();
        appended += events;
      }
      if (store.head() !== before + appended) throw new Error(`${appended} events appended, head says otherwise`);
      return appended;
    },
  };
}

function scanTask(store: Store, request: Omit<ScanRequest, 'isDone'>): Task {
  return {
    warmUp: () => store.scan({ ...request, isDone: never }),
    async run(isDone) {
      let events = 0;
      while (!isDone()) events += (await store.scan({ ...request, isDone })).events;
      return events;
    },
  };
}

function streamTask(store: Store, workload: Workload): Task {
  const newest = 100;
  return {
    async warmUp() {
      const sum = { ...nothingRead };
      for (let index = 0; index < streamCount; index++) add(sum, await store.readNewest(streamName(index), newest));
      return sum;
    },
    async run(isDone) {
      let events = 0;
      while (!isDone()) events += (await store.readNewest(workload.stream(), newest)).events;
      return events;
    },
  };
}

function randomTask(store: Store, workload: Workload): Task {
  const step = 128;
  const head = store.head();
  const positions = () => Array.from({ length: step }, () => 1 + Math.floor(workload.random() * head));
  return {
    async warmUp() {
      const sum = { ...nothingRead };
      for (let count = 0; count < 200; count++) add(sum, await store.readAt(positions()));
      return sum;
    },
    async run(isDone) {
      let events = 0;
      while (!isDone()) events += (await store.readAt(positions())).events;
      return events;
    },
  };
}

function add(sum: ReadSum, more: ReadSum): void {
  sum.events += more.events;
  sum.checksum += more.checksum;
}
