/**
 * The main thread's side of a handler in a reader thread: sends its rounds there, watches over them, and keeps the books of
 * one that was lost with its thread.
 *
 * A call that takes longer than `timeoutMs` is ended with its thread, and so is one that nobody waits for any more. Whatever
 * ends a thread is a failure of the event whose call was at hand; what was handled before it counts.
 */
import { randomUUID } from 'node:crypto';
import { MessageChannel } from 'node:worker_threads';
import { BusError, isBusError } from '../src/errors.ts';
import { throwIfAborted } from '../src/log/pages.ts';
import { type CalledEvents, CallRecord } from './call-record.ts';
import { CaughtError } from './caught-error.ts';
import { type PackedValue, unpackThrown } from './error-transfer.ts';
import { type CallLimits, handlerTimeout } from './handler-call.ts';
import { MainEnd } from './handler-port.ts';
import type { EventTask, PackedResult, PackedTrouble, RoundTask, ThreadOptions } from './handler-task.ts';
import type { Parking } from './letterbox.ts';
import type { WorkResult } from './processor-context.ts';
import type { ResolvedProcessorOptions } from './processor-options.ts';
import type { ProcessorStore } from './processor-store.ts';
import { type CallOnce, type RoundWorld, type Worker, type WorkInput, workerOn } from './processor-work.ts';
import type { ReaderPool } from './reader-pool.ts';
import { SetAside } from './set-aside.ts';
import { withinMs } from './within-ms.ts';

/** How long the end of a thread is waited for, before a call that follows may overlap with its last one. Milliseconds. */
const threadEndMsMax = 5000;

/** What is said of a task, beside what it is about. */
type Common = 'run' | 'module' | 'export' | 'options' | 'generation' | 'head' | 'nowMs' | 'record' | 'port';

/** What a task answered, or what became of its thread. */
type Outcome<Answer> = { readonly answer: Answer } | { readonly lost: BusError; readonly atHand: CalledEvents };

/** The part of the store that handlers in threads use. */
type ThreadStore = Pick<ProcessorStore, 'readers' | 'report'>;

/** @throws {UNSUPPORTED} when `options` ask for a thread and there are none. */
export function checkHandlerThreads({ readers }: ThreadStore, { name, handler }: ResolvedProcessorOptions): void {
  if (handler.kind !== 'module' || readers !== undefined) return;
  throw new BusError(
    'UNSUPPORTED',
    `there are no reader threads here for the handler of ${JSON.stringify(name)}: the store is in memory`,
    { feature: 'handlers in threads' },
  );
}

export class ThreadHandler {
  readonly #world: RoundWorld;
  readonly #store: ThreadStore;
  readonly #module: string;
  readonly #options: ThreadOptions;
  readonly #run = randomUUID();

  constructor(world: RoundWorld, store: ThreadStore, options: ResolvedProcessorOptions, module: string) {
    const { name, filter, batch, retry, onFailure, timeoutMs, keepMax, erased } = options;
    this.#world = world;
    this.#store = store;
    this.#module = module;
    this.#options = { name, filter, batch, retry, onFailure, timeoutMs, keepMax, erased };
    checkHandlerThreads(store, options);
  }

  /** @throws {HANDLER_INVALID}; {HANDLER_FAILED} when a thread ended before it called the handler; {ABORTED} {STORE_CLOSED} */
  readonly work: Worker = async (input, parking, signal) => {
    const { effects: _, ...plain } = input;
    const { parkedStreams: streams, lettersLeft, parkedLeft } = parking;
    const outcome = await this.#visit(input.generation, signal, (pool, common, how) =>
      pool.run(
        'handleRound',
        { ...common, input: plain, parking: { streams, lettersLeft, parkedLeft } } satisfies RoundTask,
        how,
      ),
    );
    if ('lost' in outcome) return this.#account(input, parking, signal, outcome.atHand, outcome.lost);
    return unpackedResult(outcome.answer, this.#world.head());
  };

  /** @throws as `work` */
  readonly call: CallOnce = async ({ position }, generation, attempt, signal) => {
    const outcome = await this.#visit(generation, signal, (pool, common, how) =>
      pool.run('handleEvent', { ...common, position, attempt } satisfies EventTask, how),
    );
    if ('lost' in outcome) return { kind: 'failed', error: CaughtError.of(outcome.lost) };
    return outcome.answer && unpackedTrouble(outcome.answer);
  };

  /** Runs a task in a thread, until it answers, takes too long, or nobody waits for it. */
  async #visit<Answer>(
    generation: number,
    signal: AbortSignal,
    run: (
      pool: ReaderPool,
      common: Pick<RoundTask, Common>,
      how: NonNullable<Parameters<ReaderPool['run']>[2]>,
    ) => Promise<Answer>,
  ): Promise<Outcome<Answer>> {
    const pool = await (this.#store.readers as NonNullable<ThreadStore['readers']>)();
    throwIfAborted(signal);
    const record = new CallRecord();
    const { port1, port2: port } = new MessageChannel();
    const end = new MainEnd(port1, record, this.#world.scope(generation), this.#store.report);
    const stop = new AbortController();
    const leave = () => {
      record.halt();
      stop.abort(signal.reason);
    };
    signal.addEventListener('abort', leave);
    const watch = watchCalls(record, this.#world.limits, (error) => stop.abort(error));
    try {
      const common = { ...this.#common(generation), record: record.memory, port };
      const answer = await run(pool, common, { signal: stop.signal, transfer: [port] });
      // Its own messages may still be under way.
      end.drain();
      return { answer };
    } catch (error) {
      end.drain();
      port.close();
      await withinMs(threadEndMsMax, end.closed);
      end.close();
      if (signal.aborted) throw error;
      const lost = watch.late ?? this.#lostBy(error);
      const { atHand } = record;
      if (lost === undefined || atHand === undefined) throw lost ?? error;
      return { lost, atHand };
    } finally {
      watch.leave();
      signal.removeEventListener('abort', leave);
    }
  }

  #common(generation: number): Omit<Pick<RoundTask, Common>, 'record' | 'port'> {
    return {
      run: this.#run,
      module: this.#module,
      export: 'handle',
      options: this.#options,
      generation,
      head: this.#world.head(),
      nowMs: this.#world.now(),
    };
  }

  /** What the pool says of a task that did not come to its end. */
  #lostBy(error: unknown): BusError<'HANDLER_FAILED'> | undefined {
    if (!isBusError(error, 'QUERY_FAILED')) return undefined;
    const { name: processor } = this.#options;
    const cause = error.cause ?? error;
    const reason = cause instanceof Error ? `: ${cause.message}` : '';
    return new BusError(
      'HANDLER_FAILED',
      `the thread of the handler of ${JSON.stringify(processor)} ended${reason}`,
      { processor, module: this.#module },
      { cause },
    );
  }

  /**
   * What a round came to that was lost in the call of `atHand`: a round as ever, of a handler that did all before that call,
   * and then failed.
   */
  async #account(
    input: WorkInput,
    parking: Parking,
    signal: AbortSignal,
    { first, last }: CalledEvents,
    error: BusError,
  ): Promise<WorkResult> {
    const done = await this.#books(() => undefined)({ ...input, until: first - 1 }, parking, signal);
    const failing = this.#books(() => {
      throw error;
    });
    const { position, handled, givenUpInRow } = done;
    const passed = handled + done.setAside.count;
    const attempt = handled > 0 ? 1 : input.attempt;
    const rest = { ...input, position, until: last, eventsMax: input.eventsMax - passed, attempt, givenUpInRow };
    const failed = await failing(rest, parking, signal);
    return {
      ...failed,
      handled,
      erased: done.erased + failed.erased,
      batches: done.batches + failed.batches,
      setAside: done.setAside.with(failed.setAside),
    };
  }

  #books(call: () => unknown): Worker {
    const limits = { ...this.#world.limits, timeoutMs: Number.POSITIVE_INFINITY };
    const world = { ...this.#world, limits, roundMs: Number.POSITIVE_INFINITY };
    return workerOn(world, { ...this.#options, ...limits, handler: { kind: 'batch', call } });
  }
}

/** Looks after the calls that `record` tells of: the first one that takes too long is halted, and `onLate` told. */
function watchCalls(record: CallRecord, limits: CallLimits, onLate: (error: BusError) => void) {
  const { timeoutMs, clock } = limits;
  const watch = { late: undefined as BusError | undefined, leave: () => clock.clearTimeout(timer) };
  const look = () => {
    const leftMs = record.haltLate(timeoutMs);
    if (leftMs > 0) {
      timer = clock.setTimeout(look, Math.ceil(leftMs));
      return;
    }
    watch.late = handlerTimeout(limits);
    onLate(watch.late);
  };
  let timer = timeoutMs === Number.POSITIVE_INFINITY ? undefined : clock.setTimeout(look, timeoutMs);
  return watch;
}

function unpackedResult({ givenUp, parked, failure, ...result }: PackedResult, head: number): WorkResult {
  return {
    ...result,
    head: Math.max(head, result.position),
    effects: undefined,
    setAside: new SetAside(givenUp.map(unpacked), parked),
    failure: failure && unpacked(failure),
  };
}

function unpackedTrouble(trouble: PackedTrouble) {
  return unpacked(trouble);
}

function unpacked<With extends { readonly error: PackedValue }>(packed: With) {
  return { ...packed, error: CaughtError.of(unpackThrown(packed.error)) };
}
