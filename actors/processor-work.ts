/**
 * Rounds of work: each reads pages of what is wanted and calls the handler, for about 10 ms.
 *
 * The handler is called at once, in the caller's stack. A failure of the handler is a value of the result, with everything
 * handled before it; a failure of the store is thrown. Gives the event loop a turn whenever there is more to do.
 */
import { setImmediate } from 'node:timers/promises';
import type { SubscriptionWalk } from '../src/log/read-sources.ts';
import { isThenable } from '../src/thenable.ts';
import type { StoredEvent } from '../src/types.ts';
import { CaughtError } from './caught-error.ts';
import type { Effects } from './effects.ts';
import type { WorkResult } from './processor-context.ts';
import type { HandlerContext, ResolvedProcessorOptions } from './processor-options.ts';
import type { ProcessorStore } from './processor-store.ts';

/** Where a round begins, and what ends it. */
export interface WorkInput {
  /** Begins behind here. */
  readonly position: number;
  /** Goes no further than this position, if there is one. */
  readonly until: number | undefined;
  /** Events to handle, at most. */
  readonly eventsMax: number;
  /** Which try of the first event this is. */
  readonly attempt: number;
  /** Of earlier rounds, as far as they are not saved. */
  readonly effects: Effects | undefined;
}

/** After this no other page is begun. */
const roundMs = 10;
/**
 * After this a page is left in the middle, and read again from there. It is how long the event loop waits for its turn at
 * most, as far as it is up to us: one call of the handler may take longer.
 */
const roundMsMax = 15;

/** A round of work behind a position; aborted, it ends between two calls of the handler. */
export type Worker = (input: WorkInput, signal: AbortSignal) => Promise<WorkResult>;

/**
 * Rounds that follow each other share their walk along the log: it has learned whether the handler asks for the data of
 * events, and then decodes them ahead.
 */
export function workerOn(store: ProcessorStore, options: ResolvedProcessorOptions): Worker {
  let walk: SubscriptionWalk | undefined;
  return (input, signal) => {
    if (walk?.position() !== input.position) walk = store.walk(input.position, options.filter);
    return work(store, options, walk, input, signal);
  };
}

async function work(
  store: ProcessorStore,
  { handler, batch }: ResolvedProcessorOptions,
  walk: SubscriptionWalk,
  input: WorkInput,
  signal: AbortSignal,
): Promise<WorkResult> {
  const begun = performance.now();
  const upTo = input.until ?? Number.POSITIVE_INFINITY;
  const progress: Progress = { position: input.position, handled: 0, failure: undefined };
  const context: HandlerContext = { signal, attempt: input.attempt };
  let head = store.head();
  let batches = 0;
  const isOver = () =>
    progress.failure !== undefined ||
    progress.handled >= input.eventsMax ||
    signal.aborted ||
    performance.now() >= begun + roundMs;
  const recorder = handler.kind === 'each' ? handler.recorder : undefined;
  recorder?.begin(input.position, input.effects);
  while (progress.position < Math.min(head, upTo)) {
    const events = walk.next(Math.min(head, upTo), Math.min(batch, input.eventsMax - progress.handled));
    batches++;
    if (handler.kind === 'each') await callForEach(handler.call, events, context, progress, begun + roundMsMax);
    else await callForAll(handler.call, events, context, progress);
    const isWholePage = progress.failure === undefined && progress.position >= (events.at(-1)?.position ?? 0);
    // What follows the last event of a page is not wanted.
    if (isWholePage) progress.position = walk.position();
    if (progress.position >= head) head = store.head();
    if (isOver()) break;
  }
  const isMore = progress.position < Math.min(head, upTo);
  if (isMore && progress.failure === undefined && !signal.aborted) await setImmediate();
  return { ...progress, batches, head, effects: recorder?.end(progress.position) };
}

/** How far a round has come. */
interface Progress {
  position: number;
  handled: number;
  failure: CaughtError | undefined;
}

type Call<Events> = (events: Events, context: HandlerContext) => unknown;

/** Calls `handle` for one event after the other, and waits only where it returns something to wait for. */
async function callForEach(
  handle: Call<StoredEvent>,
  events: readonly StoredEvent[],
  context: HandlerContext,
  progress: Progress,
  deadline: number,
): Promise<void> {
  const { position } = progress;
  try {
    for (const event of events) {
      // An earlier call took all the time, or the processor goes on without it.
      const isOver = context.signal.aborted || performance.now() >= deadline;
      if (isOver && progress.position > position) return;
      const result = handle(event, contextOf(context, progress));
      if (isThenable(result)) await result;
      progress.position = event.position;
      progress.handled++;
    }
  } catch (thrown) {
    progress.failure = CaughtError.of(thrown);
  }
}

async function callForAll(
  handleBatch: Call<readonly StoredEvent[]>,
  events: readonly StoredEvent[],
  context: HandlerContext,
  progress: Progress,
): Promise<void> {
  const last = events.at(-1);
  if (last === undefined) return;
  try {
    const result = handleBatch(events, contextOf(context, progress));
    if (isThenable(result)) await result;
    progress.position = last.position;
    progress.handled += events.length;
  } catch (thrown) {
    progress.failure = CaughtError.of(thrown);
  }
}

/** Only the first call of a round repeats an earlier one. */
function contextOf(context: HandlerContext, progress: Progress): HandlerContext {
  return progress.handled === 0 || context.attempt === 1 ? context : { signal: context.signal, attempt: 1 };
}
