/**
 * What is measured: each case with its unit, who takes part, the store it needs, and the work of one measurement.
 *
 * A case of kind `'work'` runs in one process per contender, warmed up, for a given time in each round. Kind `'open'` takes a
 * fresh process per round, and kind `'size'` only looks at the files of a store that was built.
 */
import { appendTask, callersTask, inKnownStreams } from './append-tasks.ts';
import { appendThreadsTask } from './append-threads.ts';
import { type Contender, contenders, subject } from './contenders.ts';
import { appendWork, dashboardTask, drainWork } from './dashboard.ts';
import { drainTask } from './drain.ts';
import { deadLetterTask, parkedDrainTask } from './giving-up.ts';
import { handlerThreadsTask } from './handler-threads.ts';
import { idleTask } from './idle.ts';
import { liveTask } from './live-latency.ts';
import { loopDelayTask } from './loop-delay.ts';
import { projectTask } from './project.ts';
import { queryTask } from './query-tasks.ts';
import { randomTask, scanTask, streamTask } from './read-tasks.ts';
import { statusTask } from './status-lateness.ts';
import type { MakeTask } from './task.ts';
import { timersTask } from './timers.ts';
import { eventTypes } from './workload.ts';

export type CaseUnit = 'events/s' | 'ms' | 'us/s' | 'us/event' | 'bytes/event';

/** What takes part in a case, and what each does in it, the subject first. */
type Tasks = Readonly<Partial<Record<Contender, MakeTask>>>;

interface CaseBase {
  readonly id: string;
  readonly unit: CaseUnit;
  readonly about: string;
}

export interface WorkCase extends CaseBase {
  readonly kind: 'work';
  /** `'empty'`: a new directory. `'built'`: the large store, shared by all cases that read. */
  readonly store: 'empty' | 'built';
  readonly tasks: Tasks;
}

export interface ProbeCase extends CaseBase {
  readonly kind: 'open' | 'size';
}

export type BenchCase = WorkCase | ProbeCase;

/** Units in which less is better. */
export function isLessBetter(unit: CaseUnit): boolean {
  return unit !== 'events/s';
}

/** Who takes part, the subject first. */
export function contendersOf(one: BenchCase): readonly Contender[] {
  return one.kind === 'work' ? contenders.filter((contender) => contender in one.tasks) : againstPeers;
}

/** Whether the case needs the large store. */
export function needsBuilt(one: BenchCase): boolean {
  return one.kind !== 'work' || one.store === 'built';
}

/** All but who has cases of its own. */
const againstAll = contenders.filter((contender) => contender !== 'varvebus-sealed');
const againstPeers = [subject, 'lmdb-js', 'lmdb-js-shared'] as const;
/** Sealed stores beside plain ones. */
const againstPlain = ['varvebus-sealed', subject] as const;
const againstInline = [subject, 'varvebus-inline'] as const;

export const cases: readonly BenchCase[] = [
  {
    id: 'append-1',
    kind: 'work',
    unit: 'events/s',
    store: 'empty',
    about: 'one event per call, each awaited',
    tasks: ofEach(againstAll, (store, workload) =>
      appendTask(store, 50, () => store.append(workload.stream(), [workload.event()]), 1),
    ),
  },
  {
    id: 'append-batch-100',
    kind: 'work',
    unit: 'events/s',
    store: 'empty',
    about: '100 events to one stream per call, each awaited',
    tasks: ofEach(againstAll, (store, workload) =>
      appendTask(store, 20, () => store.append(workload.stream(), workload.events(100)), 100),
    ),
  },
  {
    id: 'append-1024',
    kind: 'work',
    unit: 'events/s',
    store: 'empty',
    about: '1024 calls of one event in flight; peer: 1024 events per transaction',
    tasks: ofEach(againstAll, (store, workload) =>
      appendTask(store, 10, () => store.appendSingles(workload.singles(1024)), 1024),
    ),
  },
  {
    id: 'sealed-append-batch-100',
    kind: 'work',
    unit: 'events/s',
    store: 'empty',
    about: 'append-batch-100 to an encrypted store, all 1000 streams with keys of their own',
    tasks: ofEach(againstPlain, (store, workload) => {
      const appendOnce = () => store.append(workload.stream(), workload.events(100));
      return inKnownStreams(store, workload, appendTask(store, 20, appendOnce, 100));
    }),
  },
  {
    id: 'sealed-append-1024',
    kind: 'work',
    unit: 'events/s',
    store: 'empty',
    about: 'append-1024 to an encrypted store, all 1000 streams with keys of their own',
    tasks: ofEach(againstPlain, (store, workload) => {
      const appendOnce = () => store.appendSingles(workload.singles(1024));
      return inKnownStreams(store, workload, appendTask(store, 10, appendOnce, 1024));
    }),
  },
  {
    id: 'append-threads-4',
    kind: 'work',
    unit: 'events/s',
    store: 'empty',
    about: '256 callers in each of 4 connected threads; peer: 1024 callers in one thread',
    tasks: { varvebus: appendThreadsTask(4, 256), 'varvebus-inline': callersTask(1024) },
  },
  {
    id: 'delay-1024',
    kind: 'work',
    unit: 'ms',
    store: 'empty',
    about: 'event-loop delay of the main thread, 99th percentile, while 1024 callers append',
    tasks: ofEach(againstInline, loopDelayTask(1024)),
  },
  {
    id: 'live-200',
    kind: 'work',
    unit: 'ms',
    store: 'empty',
    about: '200 appends a second, each until the handler of a live processor is called, median',
    tasks: { varvebus: liveTask(200) },
  },
  {
    id: 'idle',
    kind: 'work',
    unit: 'us/s',
    store: 'empty',
    about: 'CPU of a bus at rest with a live processor and a waiting subscription',
    tasks: { varvebus: idleTask },
  },
  {
    id: 'dashboard-append',
    kind: 'work',
    unit: 'us/event',
    store: 'empty',
    about:
      'CPU of append-1024 while a client follows the overview of the dashboard; beside it, without client, and without dashboard',
    tasks: { varvebus: dashboardTask(appendWork) },
  },
  {
    id: 'status-100',
    kind: 'work',
    unit: 'ms',
    store: 'empty',
    about: 'until another process can see that a processor is to be tried again, with 100 others at full speed',
    tasks: { varvebus: statusTask(100) },
  },
  {
    id: 'timers',
    kind: 'work',
    unit: 'events/s',
    store: 'empty',
    about: '100,000 timers that are due at once, until the last of them is in the log; beside it, making them',
    tasks: { varvebus: timersTask(100_000) },
  },
  {
    id: 'dead-letter',
    kind: 'work',
    unit: 'events/s',
    store: 'empty',
    about: 'events that a handler fails on, put to the dead letters with the cursor behind them',
    tasks: { varvebus: deadLetterTask(20_000) },
  },
  {
    id: 'scan-decoded',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about: 'everything in order, touching the data of each event',
    tasks: ofEach(againstPeers, (store) => scanTask(store, { touchesData: true })),
  },
  {
    id: 'scan-headers',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about: 'everything in order, not touching data',
    tasks: ofEach(againstPeers, (store) => scanTask(store, { touchesData: false })),
  },
  {
    id: 'scan-1of5',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about: 'one of five types, touching its data; counts the events given out',
    tasks: ofEach(againstPeers, (store) => scanTask(store, { touchesData: true, type: eventTypes[1] })),
  },
  {
    id: 'read-stream-scattered',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about: 'the newest 100 events of a random stream, scattered over the log',
    tasks: ofEach(againstPeers, streamTask),
  },
  {
    id: 'read-random',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about: 'one event at a random position',
    tasks: ofEach(againstPeers, randomTask),
  },
  {
    id: 'sealed-scan',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about: 'everything in order from an encrypted store, touching the data of each event',
    tasks: ofEach(againstPlain, (store) => scanTask(store, { touchesData: true })),
  },
  {
    id: 'sealed-query-2',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about: 'an encrypted store folded by a query in two threads; beside it, in one thread in the same turns',
    tasks: { 'varvebus-sealed': queryTask(2, 1), varvebus: queryTask(2) },
  },
  { id: 'open-1m', kind: 'open', unit: 'ms', about: 'a closed store of a million events, until it takes an append' },
  { id: 'disk-bytes', kind: 'size', unit: 'bytes/event', about: 'size of the files of that store' },
  // Last, since they leave cursors in the built store.
  {
    id: 'drain',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about: 'everything through the handler of a processor, not touching data',
    tasks: { varvebus: drainTask({ touchesData: false }) },
  },
  {
    id: 'drain-decoded',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about: 'everything through the handler of a processor, touching the data of each event',
    tasks: { varvebus: drainTask({ touchesData: true }) },
  },
  {
    id: 'dashboard-drain',
    kind: 'work',
    unit: 'us/event',
    store: 'built',
    about:
      'CPU of the last 200,000 events of drain while a client follows the overview of the dashboard; beside it, without client, and without dashboard',
    tasks: { varvebus: dashboardTask(drainWork) },
  },
  {
    id: 'handler-threads-2',
    kind: 'work',
    unit: 'ms',
    store: 'built',
    about:
      'event-loop delay of the main thread, 99th percentile, with two CPU-bound handlers in threads; beside it, inline',
    tasks: { varvebus: handlerThreadsTask(5000) },
  },
  {
    id: 'project-1000',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about: 'everything through a new projection that counts the events of each of 1000 streams',
    tasks: { varvebus: projectTask },
  },
  {
    id: 'drain-parked',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about:
      'a drain with about two streams of a thousand parked at their first event; beside it, in the same turns, without',
    tasks: { varvebus: parkedDrainTask(0.002) },
  },
  {
    id: 'query-1',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about: 'everything folded by a query in one thread, touching the data of each event',
    tasks: { varvebus: queryTask(1) },
  },
  {
    id: 'query-2',
    kind: 'work',
    unit: 'events/s',
    store: 'built',
    about: 'the same in two threads; beside it, in one thread in the same turns',
    tasks: { varvebus: queryTask(2, 1) },
  },
];

/** The same for all of them. */
function ofEach(those: readonly Contender[], task: MakeTask): Tasks {
  return Object.fromEntries(those.map((contender) => [contender, task]));
}
