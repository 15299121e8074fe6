/**
 * A reader thread: its own read-only view of the store, and the tasks that use it. Tasks answer, they do not throw: of an
 * error thrown here Piscina would keep the message only.
 *
 * The store is opened by the first task that reads it, and released when the thread ends.
 */
import { threadId, workerData } from 'node:worker_threads';
import { StoreSecrets } from '../src/crypto/secrets.ts';
import { LogReader } from '../src/log/log-reader.ts';
import { TailFollower } from '../src/log/tail.ts';
import type { Engine } from '../src/storage/engine.ts';
import { KeyFileStorage } from '../src/storage/key-storage.ts';
import { type LmdbEngineOptions, openLmdbEngine } from '../src/storage/lmdb-engine.ts';
import { type PackedError, packError } from './error-transfer.ts';
import { type EventTask, HandlerRuns, type PackedResult, type PackedTrouble, type RoundTask } from './handler-task.ts';
import { keyedReader } from './keyed-reader.ts';
import { type FoldTask, foldPart as fold, type MergeTask, mergeParts as merge } from './query-task.ts';
import { SharedCounts } from './shared-counts.ts';
import { ThreadSections } from './thread-sections.ts';

/** What the pool tells each of its threads when it starts. */
export interface ReaderThreadData {
  readonly path: string;
  readonly force: LmdbEngineOptions['force'];
  /** Of the pool: its {@link ThreadSections}. */
  readonly sections: SharedArrayBuffer;
  /** Of the bus: its {@link SharedCounts}. */
  readonly counts: SharedArrayBuffer;
}

/**
 * A task, and the memory of the {@link StoreSecrets} of a store with encryption: they come on a port that only the pool's own
 * code has, with each task, since any may be the first one of a thread. Code of the user's gets the task alone.
 */
export interface Handed<Task> {
  readonly task: Task;
  readonly secrets: SharedArrayBuffer | undefined;
}

/** How a task ended, and in which thread. */
export type Answer<Value> = { readonly thread: number } & (
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: PackedError }
);

const { path, force, sections: memory, counts }: ReaderThreadData = workerData;
const sections = new ThreadSections(memory);
const handlers = new HandlerRuns();
let reader: LogReader | undefined;
// All is loaded by now.
sections.leave(threadId);

export function foldPart({ task, secrets }: Handed<FoldTask>): Promise<Answer<void>> {
  return answer(async () => fold(await openReader(secrets), task));
}

export function mergeParts({ task }: Handed<MergeTask>): Promise<Answer<void>> {
  return answer(() => merge(task));
}

export function handleRound({ task, secrets }: Handed<RoundTask>): Promise<Answer<PackedResult>> {
  return answer(async () => handlers.round(await openReader(secrets), task));
}

export function handleEvent({ task, secrets }: Handed<EventTask>): Promise<Answer<PackedTrouble | undefined>> {
  return answer(async () => handlers.event(await openReader(secrets), task));
}

async function answer<Value>(run: () => Promise<Value>): Promise<Answer<Value>> {
  try {
    return { thread: threadId, ok: true, value: await run() };
  } catch (error) {
    return { thread: threadId, ok: false, error: packError(error) };
  }
}

/** A thread has one task at a time, so nobody else opens meanwhile. */
async function openReader(secrets: SharedArrayBuffer | undefined): Promise<LogReader> {
  if (reader !== undefined) return reader;
  // Only the writer makes rows, waits for the lock, and decides on durability.
  const writing = { durability: 'sync', lockWaitMs: 0, initialRows: [] } as const;
  const plain = await inSection(() => openLmdbEngine({ directory: path, readOnly: true, force, ...writing }));
  const keys = secrets && { storage: new KeyFileStorage({ directory: path }), secrets: new StoreSecrets(secrets) };
  const engine = keyedReader(plain, keys);
  const read: Engine['read'] = (use) => {
    sections.enter(threadId);
    try {
      return engine.read(use);
    } finally {
      sections.leave(threadId);
    }
  };
  reader = new LogReader({ read }, new TailFollower(), new SharedCounts(counts).addRead);
  return reader;
}

async function inSection<Result>(run: () => Promise<Result>): Promise<Result> {
  sections.enter(threadId);
  try {
    return await run();
  } finally {
    sections.leave(threadId);
  }
}
