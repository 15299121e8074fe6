/**
 * A reader thread: its own read-only view of the store, and the tasks that use it. Tasks answer, they do not throw: of an
 * error thrown here Piscina would keep the message only.
 *
 * The store is opened by the first task that reads it, and released when the thread ends.
 */
import { workerData } from 'node:worker_threads';
import { LogReader } from '../src/log/log-reader.ts';
import { TailFollower } from '../src/log/tail.ts';
import { type LmdbEngineOptions, openLmdbEngine } from '../src/storage/lmdb-engine.ts';
import { type PackedError, packError } from './error-transfer.ts';
import { type FoldTask, foldPart as fold, type MergeTask, mergeParts as merge } from './query-task.ts';

/** What the pool tells each of its threads when it starts. */
export interface ReaderThreadData {
  readonly path: string;
  readonly force: LmdbEngineOptions['force'];
}

/** How a task ended. */
export type Answer<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: PackedError };

let reader: LogReader | undefined;

export function foldPart(task: FoldTask): Promise<Answer<void>> {
  return answer(async () => fold(await openReader(), task));
}

export function mergeParts(task: MergeTask): Promise<Answer<void>> {
  return answer(() => merge(task));
}

async function answer<Value>(run: () => Promise<Value>): Promise<Answer<Value>> {
  try {
    return { ok: true, value: await run() };
  } catch (error) {
    return { ok: false, error: packError(error) };
  }
}

/** A thread has one task at a time, so nobody else opens meanwhile. */
async function openReader(): Promise<LogReader> {
  if (reader !== undefined) return reader;
  const { path, force }: ReaderThreadData = workerData;
  // Only the writer makes rows, waits for the lock, and decides on durability.
  const writing = { durability: 'sync', lockWaitMs: 0, initialRows: [] } as const;
  const engine = await openLmdbEngine({ directory: path, readOnly: true, force, ...writing });
  reader = new LogReader(engine, new TailFollower());
  return reader;
}
