/**
 * The parts of a query that run in a reader thread, and with them all code of the user's module.
 *
 * Accumulators go from thread to thread through message ports: what they hold is never decoded on the main thread, and one
 * that can't be cloned fails here, where it can be told whose it is. Knows nothing of how a range is split (query.ts).
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { BusError, type ErrorDetails } from '../src/errors.ts';
import { foldRange } from '../src/log/fold.ts';
import type { LogReader } from '../src/log/log-reader.ts';
import { isThenable } from '../src/thenable.ts';
import type { EventFilter, StoredEvent } from '../src/types.ts';
import { type ErasedEvents, isPassed } from './erased-events.ts';
import type { Accumulator, QueryDefinition } from './query.ts';

/** Whose code a task runs: URL of the module and name of its export. */
export type UserCode = ErrorDetails['QUERY_FAILED'];

/** Folds positions `low` to `high` and sends the accumulator to `output`. */
export interface FoldTask extends UserCode {
  readonly args: unknown;
  readonly low: number;
  readonly high: number;
  readonly filter: EventFilter;
  readonly erased: ErasedEvents;
  readonly output: MessagePort;
}

/** Merges the accumulators that wait in `inputs`, in that order, finishes, and sends the result to `output`. */
export interface MergeTask extends UserCode {
  readonly args: unknown;
  /** Without any, the result is that of no events. */
  readonly inputs: readonly MessagePort[];
  readonly output: MessagePort;
}

type Definition = QueryDefinition<Accumulator, unknown, unknown>;

/** @throws {QUERY_FAILED}, and as {@link foldRange}. */
export async function foldPart(reader: LogReader, task: FoldTask): Promise<void> {
  const query = await loadQuery(task);
  const initial = await initialOf(query, task);
  const accumulator = await foldRange(reader, task, initial, (current, event) =>
    isPassed(event, task.erased) ? current : step(query, task, current, event),
  );
  send(task, 'the accumulator', accumulator);
}

/** @throws {QUERY_FAILED} */
export async function mergeParts(task: MergeTask): Promise<void> {
  const query = await loadQuery(task);
  const [first, ...rest] = task.inputs.map(receive);
  let accumulator = first === undefined ? await initialOf(query, task) : first;
  for (const next of rest) {
    const current = accumulator;
    accumulator = await blame(task, 'merge', async () => given('merge', await query.merge(current, next)));
  }
  const result =
    query.finish === undefined ? accumulator : await blame(task, 'finish', () => query.finish?.(accumulator));
  send(task, 'the result', result);
}

async function loadQuery(task: UserCode): Promise<Definition> {
  const exports: Record<string, unknown> = await blame(task, 'loading the module', () => import(task.module));
  return await blame(task, 'the export', () => checkedDefinition(exports, task.export));
}

function checkedDefinition(exports: Record<string, unknown>, name: string): Definition {
  if (!Object.hasOwn(exports, name)) {
    const names = Object.keys(exports).join(', ');
    throw new TypeError(`the module has no export ${JSON.stringify(name)}; it has ${names === '' ? 'none' : names}`);
  }
  const definition = exports[name] as Definition | null | undefined;
  for (const method of ['init', 'step', 'merge', 'finish'] as const) {
    const type = typeof definition?.[method];
    if (type === 'function' || (method === 'finish' && type === 'undefined')) continue;
    throw new TypeError(`${name}.${method} must be a function, got ${type}`);
  }
  return definition as Definition;
}

function initialOf(query: Definition, task: FoldTask | MergeTask): Promise<Accumulator> {
  return blame(task, 'init', async () => given('init', await query.init(task.args)));
}

function step(
  query: Definition,
  task: FoldTask,
  current: Accumulator,
  event: StoredEvent,
): Accumulator | Promise<Accumulator> {
  try {
    const next = query.step(current, event, task.args);
    if (next === current) return next;
    if (!isThenable<Accumulator>(next)) return given('step', next);
    return blame(task, stepAt(event), async () => given('step', await next));
  } catch (error) {
    throw failure(task, stepAt(event), error);
  }
}

function stepAt(event: StoredEvent): string {
  return `step at position ${event.position}`;
}

/** An accumulator that is undefined is a forgotten `return`. */
function given(method: string, accumulator: Accumulator | undefined): Accumulator {
  if (accumulator !== undefined) return accumulator;
  throw new TypeError(`${method} returned undefined: return the accumulator, also when it was changed in place`);
}

function send(task: FoldTask | MergeTask, what: string, value: unknown): void {
  try {
    task.output.postMessage(value);
  } catch (error) {
    throw failure(task, `cloning ${what} (it goes to another thread)`, error);
  } finally {
    task.output.close();
  }
}

function receive(input: MessagePort): Accumulator {
  const received = receiveMessageOnPort(input);
  input.close();
  return received?.message;
}

async function blame<T>(task: UserCode, what: string, use: () => T | PromiseLike<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw failure(task, what, error);
  }
}

function failure(task: UserCode, what: string, cause: unknown): BusError<'QUERY_FAILED'> {
  return queryFailed(task, `${what} failed`, cause);
}

/** A failed query, told by what failed in it. */
export function queryFailed(code: UserCode, what: string, cause: unknown): BusError<'QUERY_FAILED'> {
  const { module, export: name } = code;
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return new BusError(
    'QUERY_FAILED',
    `query ${name} of ${module}: ${what}${reason}`,
    { module, export: name },
    { cause },
  );
}
