/**
 * Rounds of work: each reads pages of what is wanted and calls the handler, for about 10 ms.
 *
 * The handler is called at once, in the caller's stack. What a handler does is part of the result, with everything handled
 * before it; a failure of the store is thrown. An event whose tries are used up is set aside here, where the policy says so,
 * and its neighbours go ahead in the same round. All rounds of a thread share its event loop, which has a turn after so long.
 */
import { BusError } from '../src/errors.ts';
import { abortError } from '../src/log/pages.ts';
import type { SubscriptionWalk } from '../src/log/read-sources.ts';
import type { StoredEvent } from '../src/types.ts';
import { CaughtError } from './caught-error.ts';
import type { Effects } from './effects.ts';
import { isPassed } from './erased-events.ts';
import { type Call, type CallLimits, callHandler, type Trouble } from './handler-call.ts';
import { CallContext, type CallScope } from './handler-context.ts';
import type { Parking } from './letterbox.ts';
import { LoopTurns } from './loop-turns.ts';
import type { RoundFailure, WorkResult } from './processor-context.ts';
import type { LocalHandler, ResolvedProcessorOptions } from './processor-options.ts';
import type { ProcessorStore } from './processor-store.ts';
import { type EventPlace, type GivenUp, type GiveUp, placeOf, SetAside } from './set-aside.ts';

/** Where a round begins, and what ends it. */
export interface WorkInput {
  /** Begins behind here. */
  readonly position: number;
  readonly generation: number;
  /** Goes no further than this position, if there is one. */
  readonly until: number | undefined;
  /** Events to handle or set aside, at most. */
  readonly eventsMax: number;
  /** Which try of the first event this is, and when the first one failed. */
  readonly attempt: number;
  readonly failingSinceMs: number | undefined;
  /** Events in a row that may be given up by the policy; how many were already. */
  readonly giveUpMax: number;
  readonly givenUpInRow: number;
  /** Of earlier rounds, as far as they are not saved. */
  readonly effects: Effects | undefined;
}

/** What a round needs of the world around it. */
export interface RoundWorld extends Pick<ProcessorStore, 'head' | 'walk' | 'now'> {
  /** What calls of a generation share, but for the signal. */
  scope(generation: number): Omit<CallScope, 'signal'>;
  readonly limits: CallLimits;
  /** After this no other page is begun. Milliseconds. */
  readonly roundMs: number;
  /** A round ends with the first event it gives up: it might be lost with the thread. */
  readonly endsWithGivenUp: boolean;
  /** Told of a call that was left behind, while it still runs. */
  onAbandoned(settled: Promise<unknown>): void;
}

/** A round where the event loop waits for its turn meanwhile. */
export const loopRoundMs = 10;
/** For all rounds of this thread. */
const loopTurns = new LoopTurns(loopRoundMs);
/**
 * After so many times as long a page is left in the middle, and read again from there. With less than a round of others before
 * it, that is how long an event loop waits for its turn at most, as far as it is up to us: one call of the handler may take longer.
 */
const pageFactor = 1.5;

/** What a round has to know of a processor. */
export interface RoundOptions
  extends Pick<
    ResolvedProcessorOptions,
    'name' | 'filter' | 'batch' | 'retry' | 'onFailure' | 'timeoutMs' | 'keepMax' | 'erased'
  > {
  readonly handler: LocalHandler;
}

/** A round of work behind a position; aborted, it ends between two calls of the handler. */
export type Worker = (input: WorkInput, parking: Parking, signal: AbortSignal) => Promise<WorkResult>;

/** Hands one event to the handler, outside of any round. */
export type CallOnce = (
  event: StoredEvent,
  generation: number,
  attempt: number,
  signal: AbortSignal,
) => Promise<Trouble | undefined>;

/**
 * Rounds that follow each other share their walk along the log: it has learned whether the handler asks for the data of
 * events, and then decodes them ahead.
 */
export function workerOn(world: RoundWorld, options: RoundOptions): Worker {
  let walk: SubscriptionWalk | undefined;
  return async (input, parking, signal) => {
    const turn = loopTurns.begin();
    if (turn !== undefined) {
      await turn;
      if (signal.aborted) throw abortError(signal, 'nothing-written');
    }
    if (walk?.position() !== input.position) walk = world.walk(input.position, options.filter);
    return new Round(world, options, walk, input, parking, signal).run();
  };
}

export function callOnce(world: RoundWorld, { handler, timeoutMs, erased }: RoundOptions): CallOnce {
  return async (event, generation, attempt, signal) => {
    if (isPassed(event, erased)) return undefined;
    const { scope, call } = callsOf(world, timeoutMs, generation, signal);
    const isEach = handler.kind === 'each';
    const context = new CallContext(scope, attempt, event.position, isEach ? event : undefined);
    return callHandler(
      () => (isEach ? handler.call(event, context) : handler.call([event], context)),
      world.limits,
      call,
    );
  };
}

/** What calls share that may be told to end together. */
function callsOf(world: RoundWorld, timeoutMs: number, generation: number, signal: AbortSignal) {
  const timeout = new AbortController();
  const call: Call = {
    abort: (reason) => timeout.abort(reason),
    onAbandoned: (settled) => world.onAbandoned(settled),
  };
  const both = timeoutMs === Number.POSITIVE_INFINITY ? signal : AbortSignal.any([signal, timeout.signal]);
  const scope: CallScope = { signal: both, ...world.scope(generation) };
  return { scope, call };
}

class Round {
  readonly #world: RoundWorld;
  readonly #options: RoundOptions;
  readonly #walk: SubscriptionWalk;
  readonly #input: WorkInput;
  readonly #parking: Parking;
  readonly #signal: AbortSignal;
  readonly #scope: CallScope;
  readonly #call: Call;
  readonly #begunMs = performance.now();
  #position: number;
  #handled = 0;
  #erased = 0;
  #batches = 0;
  #givenUpInRow: number;
  readonly #givenUp: GivenUp[] = [];
  readonly #parked: EventPlace[] = [];
  /** Streams parked in this round. */
  readonly #parkedStreams = new Set<string>();
  #isFirstCall = true;
  #failure: RoundFailure | undefined;
  #stopReason: string | undefined;

  constructor(
    world: RoundWorld,
    options: RoundOptions,
    walk: SubscriptionWalk,
    input: WorkInput,
    parking: Parking,
    signal: AbortSignal,
  ) {
    this.#world = world;
    this.#options = options;
    this.#walk = walk;
    this.#input = input;
    this.#parking = parking;
    this.#signal = signal;
    this.#position = input.position;
    this.#givenUpInRow = input.givenUpInRow;
    const { scope, call } = callsOf(world, options.timeoutMs, input.generation, signal);
    this.#scope = scope;
    this.#call = call;
  }

  async run(): Promise<WorkResult> {
    const { handler, batch } = this.#options;
    const { effects, eventsMax, until = Number.POSITIVE_INFINITY } = this.#input;
    const recorder = handler.kind === 'each' ? handler.recorder : undefined;
    let head = this.#world.head();
    recorder?.begin(this.#position, effects);
    while (this.#position < Math.min(head, until)) {
      const events = this.#walk.next(Math.min(head, until), Math.min(batch, eventsMax - this.#passed));
      this.#batches++;
      if (handler.kind === 'each') await this.#handleEach(handler.call, events);
      else await this.#handleBatch(handler.call, events);
      const isWholePage = !this.#isBlocked && this.#position >= (events.at(-1)?.position ?? 0);
      // What follows the last event of a page is not wanted.
      if (isWholePage) this.#position = this.#walk.position();
      if (this.#position >= head) head = this.#world.head();
      if (this.#isBlocked || this.#passed >= eventsMax || this.#isOver(1)) break;
    }
    return {
      position: this.#position,
      handled: this.#handled,
      erased: this.#erased,
      batches: this.#batches,
      head,
      effects: recorder?.end(this.#position),
      setAside: new SetAside(this.#givenUp, this.#parked),
      givenUpInRow: this.#givenUpInRow,
      failure: this.#failure,
      stopReason: this.#stopReason,
    };
  }

  get #passed(): number {
    return this.#handled + this.#givenUp.length + this.#parked.length;
  }

  /** Whether the next event can't be handled now. */
  get #isBlocked(): boolean {
    return this.#failure !== undefined || this.#stopReason !== undefined;
  }

  /** Whether `factor` times its time is up, or nothing may follow what it has done. */
  #isOver(factor: number): boolean {
    if (this.#scope.signal.aborted || (this.#world.endsWithGivenUp && this.#givenUp.length > 0)) return true;
    return performance.now() >= this.#begunMs + factor * this.#world.roundMs;
  }

  /** Calls `handle` for one event after the other, and waits only where it returns something to wait for. */
  async #handleEach(
    handle: (event: StoredEvent, context: CallContext) => unknown,
    events: readonly StoredEvent[],
  ): Promise<void> {
    for (const event of events) {
      // An earlier call took all the time, or the processor goes on without it.
      if (this.#isOver(pageFactor) && this.#position > this.#input.position) return;
      if (isPassed(event, this.#options.erased)) {
        this.#pass(event);
        continue;
      }
      if (this.#isParked(event)) {
        if (!this.#park(event)) return;
        continue;
      }
      const context = this.#nextCall(event, event);
      const outcome = callHandler(() => handle(event, context), this.#world.limits, this.#call);
      const trouble = outcome instanceof Promise ? await outcome : outcome;
      if (trouble === undefined) this.#succeed(event, 1);
      else if (!this.#passInTrouble(event, context.attempt, trouble)) return;
    }
  }

  /** Calls `handleBatch` for those of `page` that are neither erased nor parked. */
  async #handleBatch(
    handle: (events: readonly StoredEvent[], context: CallContext) => unknown,
    page: readonly StoredEvent[],
  ): Promise<void> {
    const isErased = page.map((event) => isPassed(event, this.#options.erased));
    if (!isErased.includes(true)) return this.#handleKept(handle, page);
    const events = page.filter((_, index) => !isErased[index]);
    // What is erased in front is passed whatever becomes of the rest.
    for (let index = 0; isErased[index] === true; index++) this.#pass(page[index] as StoredEvent);
    const begun = this.#position;
    await this.#handleKept(handle, events);
    if (this.#isBlocked) return;
    const isWhole = this.#position >= (events.at(-1)?.position ?? 0);
    const end = isWhole ? (page.at(-1)?.position ?? 0) : this.#position;
    this.#erased += page.filter(({ position }, index) => isErased[index] && position > begun && position <= end).length;
    this.#position = Math.max(this.#position, end);
  }

  async #handleKept(
    handle: (events: readonly StoredEvent[], context: CallContext) => unknown,
    events: readonly StoredEvent[],
  ): Promise<void> {
    // What is parked in front goes first, so that what fails is always the next event; behind it, as much as there is room for.
    const firstAt = events.findIndex((event) => !this.#isParked(event));
    const before = firstAt < 0 ? events : events.slice(0, firstAt);
    for (const event of before) if (!this.#park(event)) return;
    const rest = events.slice(before.length);
    const inRest = rest.filter((event) => this.#isParked(event));
    const room = Math.max(0, this.#parkedLeft);
    const unfit = inRest[room];
    const passed = unfit === undefined ? rest : rest.slice(0, rest.indexOf(unfit));
    const parked = inRest.slice(0, room);
    const free = passed.filter((event) => !this.#isParked(event));
    const [first] = free;
    if (first !== undefined) {
      const context = this.#nextCall(first, undefined);
      const outcome = callHandler(() => handle(free, context), this.#world.limits, this.#call);
      const trouble = outcome instanceof Promise ? await outcome : outcome;
      if (trouble === undefined) this.#succeed(first, free.length);
      else if (free.length > 1) return this.#failBatch(first, free.length, context.attempt, trouble);
      else if (!this.#passInTrouble(first, context.attempt, trouble)) return;
    }
    this.#parked.push(...parked.map(placeOf));
    this.#position = passed.at(-1)?.position ?? this.#position;
    if (unfit !== undefined) this.#hasRoom(unfit, 0);
  }

  #nextCall(first: StoredEvent, event: StoredEvent | undefined): CallContext {
    const attempt = this.#isFirstCall ? this.#input.attempt : 1;
    this.#isFirstCall = false;
    return new CallContext(this.#scope, attempt, first.position, event);
  }

  #succeed({ position }: StoredEvent, count: number): void {
    this.#position = position;
    this.#handled += count;
    this.#givenUpInRow = 0;
  }

  /** Which event of a batch is to blame is not known: it comes again in halves, until the event is alone. */
  #failBatch(first: StoredEvent, count: number, attempt: number, trouble: Trouble): void {
    if (trouble.kind === 'stop') {
      this.#stopReason = trouble.error.message;
      return;
    }
    const { error } = trouble;
    const { inMs = undefined, isFinal = false } = trouble.kind === 'failed' ? trouble : {};
    const waitsAsked = inMs !== undefined && attempt <= this.#options.retry.attempts;
    this.#failure = { error, event: placeOf(first), count, inMs, isFinal, isToSplit: !waitsAsked && !isFinal };
  }

  /** It is erased: nobody wants it. */
  #pass({ position }: StoredEvent): void {
    this.#position = position;
    this.#erased++;
    this.#isFirstCall = false;
  }

  /** What becomes of an event that was not handled. False: it stays the next one. */
  #passInTrouble(event: StoredEvent, attempt: number, trouble: Trouble): boolean {
    if (trouble.kind === 'stop') {
      this.#stopReason = trouble.error.message;
      return false;
    }
    if (trouble.kind !== 'failed') return this.#giveUp(event, trouble.kind, attempt, trouble.error);
    const { error, inMs, isFinal = false } = trouble;
    const { onFailure, retry } = this.#options;
    const isSpent = !isFinal && attempt > retry.attempts && this.#givenUpInRow < this.#input.giveUpMax;
    if (isSpent && onFailure !== 'fail') {
      this.#givenUpInRow++;
      return this.#giveUp(event, onFailure, attempt, error);
    }
    this.#failure = { error, event: placeOf(event), count: 1, inMs, isFinal, isToSplit: false };
    return false;
  }

  #giveUp(event: StoredEvent, how: GiveUp, attempts: number, error: CaughtError): boolean {
    if (how !== 'skip' && !this.#hasRoom(event, this.#parking.lettersLeft - this.#givenUp.length)) return false;
    if (how === 'park-stream') this.#parkedStreams.add(event.stream);
    const lastMs = this.#world.now();
    const firstMs = attempts > 1 ? (this.#input.failingSinceMs ?? lastMs) : lastMs;
    this.#givenUp.push({ event: placeOf(event), how, error, attempts, firstMs, lastMs });
    this.#position = event.position;
    return true;
  }

  #isParked({ stream }: StoredEvent): boolean {
    return this.#parking.isParked(stream) || this.#parkedStreams.has(stream);
  }

  get #parkedLeft(): number {
    return this.#parking.parkedLeft - this.#parked.length;
  }

  #park(event: StoredEvent): boolean {
    if (!this.#hasRoom(event, this.#parkedLeft)) return false;
    this.#parked.push(placeOf(event));
    this.#position = event.position;
    return true;
  }

  /** Without room nothing is set aside, and nothing passed. */
  #hasRoom(event: StoredEvent, left: number): boolean {
    if (left > 0) return true;
    const { name, keepMax } = this.#options;
    const error = new BusError(
      'DEAD_LETTERS_FULL',
      `${JSON.stringify(name)} keeps ${keepMax} events that it gave up, or parked: retry or discard some`,
      {
        processor: name,
        max: keepMax,
      },
    );
    const failed = { error: CaughtError.of(error), event: placeOf(event), count: 1 };
    this.#failure = { ...failed, inMs: undefined, isFinal: true, isToSplit: false };
    return false;
  }
}
