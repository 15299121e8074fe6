/**
 * A query: a fold over a range of the log that runs in the reader threads.
 *
 * Splits the range into contiguous parts, has each folded in a thread, and their accumulators merged in order of position in
 * a thread again: no code of the user's runs here, and nothing is decoded here but the result. What runs there: query-task.ts.
 */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { compileFilter } from '../src/log/event-filter.ts';
import type { FoldRange } from '../src/log/fold.ts';
import { refuseUnknownNames } from '../src/option-names.ts';
import type { AnyEvent, EventFilter, EventShape, StoredEvent } from '../src/types.ts';
import { type ErasedEvents, resolveErased } from './erased-events.ts';
import { fileUrl } from './option-checks.ts';
import type { UserCode } from './query-task.ts';
import type { ReaderPool } from './reader-pool.ts';
import type { Run } from './reader-tasks.ts';

/** A part with fewer positions is not worth a task of its own. */
const partEventsMin = 1024;
/** More parts than threads even out that some take longer: a thread that is done takes the next one. */
const partsPerThread = 4;

/** What a fold carries along: anything structured clone takes, but undefined, which is a forgotten `return`. */
export type Accumulator = NonNullable<unknown> | null;

/**
 * What a query module exports. It is loaded once per thread, and runs in several threads at a time: between two calls only
 * the accumulator may carry anything. Each function may be asynchronous. `Events` is the union of what the query's filter
 * lets through.
 *
 * @example
 * export const query = {
 *   init: () => new Map<string, number>(),
 *   step: (totals, event) => totals.set(event.stream, (totals.get(event.stream) ?? 0) + event.data.amount),
 *   merge: (first, second) => new Map([...first, ...second].map(([key]) => [key, (first.get(key) ?? 0) + (second.get(key) ?? 0)])),
 *   finish: (totals) => [...totals].sort((a, b) => b[1] - a[1]).slice(0, 10),
 * } satisfies QueryDefinition<Map<string, number>, undefined, [string, number][], Paid>;
 */
export interface QueryDefinition<
  Acc extends Accumulator,
  Args = unknown,
  Result = Acc,
  Events extends EventShape = AnyEvent,
> {
  /** The accumulator of no events. Called for each part of the range. */
  init(args: Args): Acc | PromiseLike<Acc>;
  /** The accumulator with `event`: a new one, or `acc` itself, changed in place. It has to be returned either way. */
  step(acc: Acc, event: StoredEvent<Events>, args: Args): Acc | PromiseLike<Acc>;
  /**
   * The accumulator of two neighbouring parts; all events of `first` are before those of `second`. How a range is split is
   * not promised: it must not matter in which groups neighbours are merged. Either may be changed and returned.
   */
  merge(first: Acc, second: Acc): Acc | PromiseLike<Acc>;
  /** Makes the result of the accumulator of the whole range. @default the accumulator is the result */
  finish?(acc: Acc): Result | PromiseLike<Result>;
}

/**
 * What `bus.query` resolves to for a definition: `bus.query<QueryResult<typeof query>>(…)`. Without a `finish` that is what
 * `init` returns: state its type where an empty object would say too little.
 */
export type QueryResult<Definition> = Definition extends { finish(acc: never): infer Result }
  ? Awaited<Result>
  : Definition extends { init(args: never): infer Acc }
    ? Awaited<Acc>
    : never;

export interface QueryOptions<Type extends string = string> extends EventFilter<Type> {
  /** Name of the module's export. @default 'query' */
  readonly export?: string;
  /** Given to `init` and `step`: anything structured clone takes. Copied at the call. @default undefined */
  readonly args?: unknown;
  /** First position, inclusive. @default 1 */
  readonly from?: number;
  /** Last position, inclusive. @default the head at the call, beyond which nothing is looked at anyway */
  readonly to?: number;
  /** Most threads that work on the query at a time, from 1 on; there are no more than the bus has. @default all of them */
  readonly parallel?: number;
  /** Whether `step` gets events whose key was erased, too. @default 'skip' */
  readonly erased?: ErasedEvents;
  /** Ends the query, whatever it does. */
  readonly signal?: AbortSignal;
}

const queryNames: readonly (keyof QueryOptions)[] = [
  'export',
  'args',
  'from',
  'to',
  'types',
  'streams',
  'prefix',
  'parallel',
  'erased',
  'signal',
];

/**
 * Folds the events up to `head` that `options` ask for with the definition that `module` exports; the result is a structured
 * clone of what `finish` gave. `module` is a file: URL; with another search part (`?v=2`) the same file is loaded anew.
 * @throws {TypeError} for options out of range. @throws {QUERY_FAILED} loading, a function of the module, or cloning failed
 * (`cause` is the error, its own code and stack kept), or the thread ended. @throws {ABORTED} {STORE_CLOSED} {STORE_CORRUPT}
 */
export async function runQuery<Result>(
  pool: ReaderPool,
  head: number,
  module: string | URL,
  options: QueryOptions = {},
): Promise<Result> {
  const query = resolveQuery(pool.threads, head, module, options);
  return await pool.job(async (run) => {
    const { signal } = options;
    const stop = new AbortController();
    const relay = () => stop.abort(signal?.reason);
    if (signal?.aborted) relay();
    signal?.addEventListener('abort', relay);
    try {
      return (await foldAndMerge(query, run, stop.signal)) as Result;
    } finally {
      signal?.removeEventListener('abort', relay);
      // After a failure, of what use is the rest.
      stop.abort();
    }
  });
}

interface ResolvedQuery {
  readonly code: UserCode;
  readonly args: unknown;
  readonly parts: readonly FoldRange[];
  readonly erased: ErasedEvents;
  /** Parts folded at a time. */
  readonly lanes: number;
}

async function foldAndMerge(
  { code, args, parts, erased, lanes }: ResolvedQuery,
  run: Run,
  signal: AbortSignal,
): Promise<unknown> {
  const channels = parts.map(() => new MessageChannel());
  const result = new MessageChannel();
  let next = 0;
  const foldNext = async (): Promise<void> => {
    while (next < parts.length) {
      const part = next++;
      const output = (channels[part] as MessageChannel).port1;
      const task = { ...code, ...(parts[part] as FoldRange), args, erased, output };
      await run('foldPart', task, { signal, transfer: [output] });
    }
  };
  try {
    await Promise.all(Array.from({ length: lanes }, foldNext));
    const inputs = channels.map((channel) => channel.port2);
    const output = result.port1;
    await run('mergeParts', { ...code, args, inputs, output }, { signal, transfer: [output, ...inputs] });
    return receiveMessageOnPort(result.port2)?.message;
  } finally {
    for (const { port1, port2 } of [...channels, result]) {
      port1.close();
      port2.close();
    }
  }
}

function resolveQuery(threads: number, head: number, module: string | URL, options: QueryOptions): ResolvedQuery {
  refuseUnknownNames('query', options, queryNames);
  const { export: name = 'query', from = 1, to = head, parallel = threads, types, streams, prefix } = options;
  if (typeof name !== 'string') throw new TypeError(`export must be the name of an export, got ${String(name)}`);
  requireWhole('from', from, 0);
  requireWhole('to', to, 0);
  requireWhole('parallel', parallel, 1);
  const erased = resolveErased(options.erased);
  compileFilter(options);
  const filter: EventFilter = {
    ...(types === undefined ? {} : { types }),
    ...(streams === undefined ? {} : { streams }),
    ...(prefix === undefined ? {} : { prefix }),
  };
  const lanes = Math.min(parallel, threads);
  const parts = splitRange(Math.max(1, from), Math.min(to, head), lanes).map((part) => ({ ...part, filter }));
  return {
    code: { module: fileUrl('module', module), export: name },
    args: cloneArgs(options.args),
    parts,
    erased,
    lanes,
  };
}

/** Contiguous parts of nearly one length; none for an empty range. */
function splitRange(low: number, high: number, lanes: number): { readonly low: number; readonly high: number }[] {
  const total = Math.max(0, high - low + 1);
  const count = Math.min(lanes === 1 ? 1 : lanes * partsPerThread, Math.ceil(total / partEventsMin));
  const startOf = (part: number) => low + Math.floor((total * part) / count);
  return Array.from({ length: count }, (_, part) => ({ low: startOf(part), high: startOf(part + 1) - 1 }));
}

function cloneArgs(args: unknown): unknown {
  try {
    return structuredClone(args);
  } catch (error) {
    throw new TypeError('args must be something structured clone takes: it goes to other threads', { cause: error });
  }
}

function requireWhole(option: string, value: number, least: number): void {
  if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value >= least)) return;
  throw new TypeError(`${option} must be a whole number from ${least} on, got ${String(value)}`);
}
