/**
 * Handlers in a reader thread: the rounds of processors whose handler is a module, and with them all of its code.
 *
 * The same rounds as in the main thread (processor-work.ts), over this thread's own view of the log. What they come to goes
 * back without any event: positions, counts, and packed errors. Knows nothing of time limits: handler-thread.ts watches.
 */
import type { MessagePort } from 'node:worker_threads';
import { assert } from '../src/assert.ts';
import { BusError } from '../src/errors.ts';
import type { LogReader } from '../src/log/log-reader.ts';
import { subscriptionWalks } from '../src/log/read-sources.ts';
import { isThenable } from '../src/thenable.ts';
import type { StoredEvent } from '../src/types.ts';
import { type CalledEvents, CallRecord } from './call-record.ts';
import { type PackedValue, packThrown } from './error-transfer.ts';
import type { Trouble } from './handler-call.ts';
import type { HandlerContext } from './handler-context.ts';
import { ThreadEnd } from './handler-port.ts';
import type { Parking } from './letterbox.ts';
import type { RoundFailure, WorkResult } from './processor-context.ts';
import type { LocalHandler } from './processor-options.ts';
import { type CallOnce, callOnce, type RoundOptions, type Worker, type WorkInput, workerOn } from './processor-work.ts';
import type { UserCode } from './query-task.ts';
import type { GivenUp } from './set-aside.ts';

/** What rounds and single calls have in common. */
interface HandlerTask extends UserCode {
  /** Tells the handlers of one processor from others: what a thread has learned of its walk is kept for it. */
  readonly run: string;
  readonly options: ThreadOptions;
  readonly generation: number;
  readonly head: number;
  /** The time of the bus. Milliseconds since 1970. */
  readonly nowMs: number;
  /** Of a {@link CallRecord}. */
  readonly record: SharedArrayBuffer;
  readonly port: MessagePort;
}

export type ThreadOptions = Omit<RoundOptions, 'handler'>;

export interface RoundTask extends HandlerTask {
  readonly input: Omit<WorkInput, 'effects'>;
  readonly parking: PackedParking;
}

export interface EventTask extends HandlerTask {
  readonly position: number;
  readonly attempt: number;
}

export interface PackedParking {
  readonly streams: readonly string[];
  readonly lettersLeft: number;
  readonly parkedLeft: number;
}

type Packed<With extends { readonly error: unknown }> = Omit<With, 'error'> & { readonly error: PackedValue };

/** A {@link WorkResult} that can be cloned. */
export interface PackedResult
  extends Pick<WorkResult, 'position' | 'handled' | 'erased' | 'batches' | 'givenUpInRow' | 'stopReason'> {
  readonly givenUp: readonly Packed<GivenUp>[];
  readonly parked: WorkResult['setAside']['parked'];
  readonly failure: Packed<RoundFailure> | undefined;
}

export type PackedTrouble = Packed<Trouble>;

/** Handlers that a thread keeps ready. */
const runsMax = 64;
/** How long a round goes on: no event loop waits for it, and a shorter one costs more trips between the threads. */
const threadRoundMs = 50;

/** The handlers that one thread runs. */
export class HandlerRuns {
  readonly #runs = new Map<string, HandlerRun>();

  /** @throws {HANDLER_INVALID} {STORE_CORRUPT} */
  async round(reader: LogReader, task: RoundTask): Promise<PackedResult> {
    return this.#visit(reader, task, async ({ work }, signal) => {
      return packedResult(await work({ ...task.input, effects: undefined }, parkingOf(task.parking), signal));
    });
  }

  /** Hands over one event, outside of any round. @throws as {@link HandlerRuns.round} */
  async event(reader: LogReader, task: EventTask): Promise<PackedTrouble | undefined> {
    return this.#visit(reader, task, async ({ call }, signal) => {
      const event = reader.event(task.position);
      assert(event !== undefined, 'an event that was handled once is in the log');
      const trouble = await call(event, task.generation, task.attempt, signal);
      return trouble && packed(trouble);
    });
  }

  async #visit<Result>(
    reader: LogReader,
    task: HandlerTask,
    use: (run: HandlerRun, signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const record = new CallRecord(task.record);
    const end = new ThreadEnd(task.port, record);
    try {
      const run = this.#runs.get(task.run) ?? new HandlerRun(reader, await loadHandler(task), task.options);
      this.#keep(task.run, run);
      run.visit = { task, record, end, begunMs: performance.now() };
      // Never aborted: a call that nobody waits for ends with its thread.
      return await use(run, new AbortController().signal);
    } finally {
      end.end();
    }
  }

  #keep(id: string, run: HandlerRun): void {
    this.#runs.delete(id);
    this.#runs.set(id, run);
    for (const oldest of this.#runs.keys()) {
      if (this.#runs.size <= runsMax) return;
      this.#runs.delete(oldest);
    }
  }
}

/** What a task brings along. */
interface Visit {
  readonly task: HandlerTask;
  readonly record: CallRecord;
  readonly end: ThreadEnd;
  readonly begunMs: number;
}

/** One processor's handler in this thread. A thread has one task at a time. */
class HandlerRun {
  readonly work: Worker;
  readonly call: CallOnce;
  #visit: Visit | undefined;

  constructor(reader: LogReader, handler: LocalHandler, options: ThreadOptions) {
    const isTimed = options.timeoutMs !== Number.POSITIVE_INFINITY;
    const untimed = { ...options, timeoutMs: Number.POSITIVE_INFINITY };
    const own = { ...untimed, handler: recorded(handler, () => this.visit.record, isTimed) };
    const world = {
      head: () => this.visit.task.head,
      walk: (after: number) => subscriptionWalks(reader.uncounted, after, options.filter)(),
      now: () => Math.round(this.visit.task.nowMs + performance.now() - this.visit.begunMs),
      scope: () => this.visit.end,
      limits: { ...untimed, abandonMs: 0, clock: { setTimeout, clearTimeout } },
      roundMs: threadRoundMs,
      endsWithGivenUp: true,
      onAbandoned: () => undefined,
    };
    this.work = workerOn(world, own);
    this.call = callOnce(world, own);
  }

  get visit(): Visit {
    assert(this.#visit !== undefined, 'a handler runs within a task');
    return this.#visit;
  }

  set visit(visit: Visit) {
    this.#visit = visit;
  }
}

/** `handler`, whose calls are noted. */
function recorded(handler: LocalHandler, record: () => CallRecord, isTimed: boolean): LocalHandler {
  const noted = (called: CalledEvents, call: () => unknown) => {
    const current = record();
    current.begin(called, isTimed);
    return whenEnded(call, () => current.end());
  };
  if (handler.kind === 'each') {
    const call = (event: StoredEvent, context: HandlerContext) => {
      const { position } = event;
      return noted({ first: position, last: position }, () => handler.call(event, context));
    };
    return { kind: 'each', call };
  }
  const call = (events: readonly StoredEvent[], context: HandlerContext) => {
    const [first, last] = [events[0], events.at(-1)] as readonly [StoredEvent, StoredEvent];
    return noted({ first: first.position, last: last.position }, () => handler.call(events, context));
  };
  return { kind: 'batch', call };
}

/** What `call` gives or throws; `ended` is called then, or when what it gives has settled. */
function whenEnded(call: () => unknown, ended: () => void): unknown {
  let isWaiting = false;
  try {
    const result = call();
    if (!isThenable(result)) return result;
    isWaiting = true;
    return Promise.resolve(result).finally(ended);
  } finally {
    if (!isWaiting) ended();
  }
}

async function loadHandler({ module, options }: HandlerTask): Promise<LocalHandler> {
  try {
    return handlerOf(await import(module));
  } catch (cause) {
    const reason = cause instanceof Error ? `: ${cause.message}` : '';
    throw new BusError(
      'HANDLER_INVALID',
      `the handler of ${JSON.stringify(options.name)} can't be used, ${module}${reason}`,
      { processor: options.name, module },
      { cause },
    );
  }
}

function handlerOf(exports: Readonly<Record<string, unknown>>): LocalHandler {
  const { handle, handleBatch } = exports;
  if ((handle === undefined) === (handleBatch === undefined)) {
    const names = Object.keys(exports).join(', ');
    throw new TypeError(
      `the module must export either handle or handleBatch; it exports ${names === '' ? 'nothing' : names}`,
    );
  }
  if (typeof (handle ?? handleBatch) !== 'function') {
    const name = handle === undefined ? 'handleBatch' : 'handle';
    throw new TypeError(`${name} must be a function, got ${typeof (handle ?? handleBatch)}`);
  }
  return handle === undefined
    ? { kind: 'batch', call: handleBatch as (LocalHandler & { kind: 'batch' })['call'] }
    : { kind: 'each', call: handle as (LocalHandler & { kind: 'each' })['call'] };
}

function parkingOf({ streams, lettersLeft, parkedLeft }: PackedParking): Parking {
  const parked = new Set(streams);
  return { isParked: (stream) => parked.has(stream), parkedStreams: streams, lettersLeft, parkedLeft };
}

function packedResult(result: WorkResult): PackedResult {
  const { setAside, failure, head: _, effects: __, ...plain } = result;
  const { parked } = setAside;
  const givenUp = setAside.givenUp.map(packed);
  return { ...plain, givenUp, parked, failure: failure && packed(failure) };
}

function packed<With extends GivenUp | RoundFailure | Trouble>(failed: With): Packed<With> {
  return { ...failed, error: packThrown(failed.error.thrown) };
}
