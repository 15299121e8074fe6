/**
 * The tasks of reader threads, by the names under which reader.worker.ts exports them, and how one is run.
 */
import type { TransferListItem } from 'node:worker_threads';
import type { UserCode } from './query-task.ts';
import type * as ReaderThread from './reader.worker.ts';
import type { Answer } from './reader.worker.ts';

export type TaskName = keyof typeof ReaderThread;
export type TaskArgument<Name extends TaskName> = Parameters<(typeof ReaderThread)[Name]>[0]['task'] & UserCode;
export type TaskValue<Name extends TaskName> =
  Awaited<ReturnType<(typeof ReaderThread)[Name]>> extends Answer<infer Value> ? Value : never;

export interface RunOptions {
  /** Ends the task, whatever it does: its thread is terminated. */
  readonly signal?: AbortSignal | undefined;
  /** Handed over to the thread with the argument. */
  readonly transfer?: readonly TransferListItem[];
}

/**
 * Runs one task in a thread.
 * @throws {QUERY_FAILED} the thread died or could not start (`cause`), or too many tasks wait. @throws {ABORTED}
 * {STORE_CLOSED}, and what the task throws.
 */
export type Run = <Name extends TaskName>(
  name: Name,
  argument: TaskArgument<Name>,
  options?: RunOptions,
) => Promise<TaskValue<Name>>;
