/**
 * What a processor's machine asks of the world, by name: each port is an actor that the machine invokes.
 *
 * Binds one store and the user's handler. All I/O and all user code of a processor happen here. What a port's actor was
 * stopped for it does not begin; a move of the cursor it has begun is finished.
 */
import { map, type Observable } from 'rxjs';
import {
  type CallbackActorLogic,
  fromCallback,
  fromEventObservable,
  fromPromise,
  type PromiseActorLogic,
} from 'xstate';
import { assert } from '../src/assert.ts';
import type { CursorPlace } from '../src/log/cursor.ts';
import { lettersBehind } from '../src/log/letters.ts';
import { abortError } from '../src/log/pages.ts';
import { belongsTo } from '../src/log/partitions.ts';
import type { RowDraft } from '../src/log/row-draft.ts';
import type { CursorLayout } from './cursor-layout.ts';
import { appendOnce } from './handler-append.ts';
import { ThreadHandler } from './handler-thread.ts';
import { keepAlive } from './keep-alive.ts';
import { leaveAll } from './leave-all.ts';
import { Letterbox } from './letterbox.ts';
import { loggerWith } from './logger.ts';
import type { Phase, ResetOrder, Unsaved, WorkResult } from './processor-context.ts';
import { eventsGivenUp, type FailureInput, processorFailed } from './processor-errors.ts';
import type { ProcessorHost, ProcessorNames } from './processor-names.ts';
import type { ResolvedProcessorOptions } from './processor-options.ts';
import { callOnce, loopRoundMs, type RoundWorld, type WorkInput, workerOn } from './processor-work.ts';
import type { ProgressMonitor } from './progress-monitor.ts';
import { type ReplayInput, type ReplayResult, type ReplayWorld, replay } from './replay.ts';
import { type GivenUp, SetAside } from './set-aside.ts';

/** The cursor, and what goes with it at that moment. */
export interface Place {
  readonly cursor: CursorPlace | undefined;
  readonly head: number;
  /** Whether dead letters wait to be tried again. */
  readonly hasReplays: boolean;
}

export interface SaveInput {
  readonly cursor: CursorPlace | undefined;
  readonly position: number;
  readonly unsaved: Unsaved | undefined;
}

export interface HeadEvent {
  readonly type: 'HEAD';
  readonly position: number;
}

/** `RUN`: keep the process alive; `REST`: no longer. */
export interface LifelineEvent {
  readonly type: 'RUN' | 'REST';
}

// `type`: XState's setup takes records, and an interface is none.
export type ProcessorPorts = {
  /** The durable cursor; makes the first one durable unless it is the beginning. */
  readonly loadCursor: PromiseActorLogic<Place, { readonly holder: string }>;
  /** Reads and handles for a while. A handler's failure is a value, not a rejection. */
  readonly work: PromiseActorLogic<WorkResult, WorkInput>;
  readonly saveCursor: PromiseActorLogic<CursorPlace, SaveInput>;
  /** Tries dead letters again, for a while. */
  readonly replay: PromiseActorLogic<ReplayResult, ReplayInput>;
  /** Moves the cursor to where the order says, in a new generation. */
  readonly resetCursor: PromiseActorLogic<Place & { readonly cursor: CursorPlace }, ResetInput>;
  /** The head, then newer ones. Done when the bus closes. */
  readonly watchHead: ReturnType<typeof fromEventObservable<HeadEvent, undefined>>;
  /** Tells those who look after the bus that the processor has failed. */
  readonly reportFailure: CallbackActorLogic<{ readonly type: 'none' }, FailureInput>;
  /** What an actor holds as long as it lives: its name, and while it runs the process. */
  readonly lifeline: CallbackActorLogic<LifelineEvent, { readonly holder: string }>;
};

export interface ResetInput {
  readonly holder: string;
  readonly reset: ResetOrder;
}

/** How an actor comes by its name. */
export interface NameClaim {
  /** @throws {PROCESSOR_NAME_TAKEN} */
  readonly take: (holder: string) => void;
  readonly release: (holder: string) => void;
}

/** The name is an actor's from when it first needs its cursor until it ends. */
export function claimWhileAlive(names: ProcessorNames, name: string): NameClaim {
  return { take: (holder) => names.claim(name, holder), release: (holder) => names.release(name, holder) };
}

/** What the ports of one actor or several work with, beside the world and the options. */
export interface PortParts {
  readonly claim: NameClaim;
  readonly monitor: ProgressMonitor;
  readonly layout: CursorLayout;
  /** Told what was given up, durably. */
  readonly onGivenUp: (givenUp: readonly GivenUp[], phase: Phase) => void;
}

export function processorPorts(
  host: ProcessorHost,
  options: ResolvedProcessorOptions,
  { claim, monitor, layout, onGivenUp }: PortParts,
): ProcessorPorts {
  const { store, names } = host;
  const { name, cursorName, keepMax, handler } = options;
  const isMine = belongsTo(options.partition);
  const letterbox = new Letterbox(name, keepMax, isMine);
  const world = roundWorld(host, options);
  const { work, call } = handlerOn(world, store, options);
  const move = async (
    expected: CursorPlace | undefined,
    to: CursorPlace,
    rows: readonly RowDraft[] = [],
  ): Promise<CursorPlace> => {
    await store.moveCursor({ name: cursorName, expected, to, rows });
    return to;
  };
  const tellGivenUp = (givenUp: readonly GivenUp[], phase: Phase): void => {
    if (givenUp.length === 0) return;
    onGivenUp(givenUp, phase);
    store.report(eventsGivenUp(name, givenUp));
  };
  const placeAt = (cursor: CursorPlace | undefined, head: number): Place => {
    store.read((snapshot) => letterbox.load(snapshot));
    monitor.at(cursor?.position ?? 0, head);
    return { cursor, head, hasReplays: letterbox.hasReplays };
  };
  const inTurn = <Result>(turns: ProcessorNames['moves'], signal: AbortSignal, task: () => Promise<Result>) =>
    turns.take(cursorName, async () => {
      if (signal.aborted) throw abortError(signal, 'nothing-written');
      return task();
    });
  const replays: ReplayWorld = {
    name,
    store,
    letterbox,
    recorder: handler.kind === 'each' ? handler.recorder : undefined,
    call,
    write: (cursor, rows) =>
      names.letters.take(name, () =>
        names.moves.take(cursorName, async () => void (await move(cursor, cursor, rows()))),
      ),
  };
  return {
    loadCursor: fromPromise(async ({ input, signal }) => {
      await layout.othersEnded();
      return names.letters.take(name, () =>
        inTurn(names.moves, signal, async () => {
          claim.take(input.holder);
          const head = store.head();
          return placeAt(await layout.cursor(cursorName), head);
        }),
      );
    }),
    work: fromPromise(({ input, signal }) =>
      inTurn(names.handlers, signal, async () => {
        const result = await names.inContext(work, input, letterbox, signal);
        store.given?.(eventsGiven(result));
        if (!signal.aborted) {
          letterbox.add(result.setAside);
          monitor.at(result.position, result.head);
        }
        return result;
      }),
    ),
    saveCursor: fromPromise(({ input: { cursor, position, unsaved }, signal }) =>
      inTurn(names.moves, signal, async () => {
        const { effects, setAside = SetAside.nothing } = unsaved ?? {};
        assert(effects === undefined || effects.position <= position, 'effects are saved with the cursor they are of');
        const generation = cursor?.generation ?? 1;
        const rows = [...(effects?.rows() ?? []), ...setAside.rows(name, generation)];
        const to = await move(cursor, { position, generation }, rows);
        tellGivenUp(setAside.givenUp, 'work');
        return to;
      }),
    ),
    replay: fromPromise(({ input, signal }) =>
      inTurn(names.handlers, signal, async () => {
        const result = await names.inContext(replay, replays, input, signal);
        if (result.handled > 0) monitor.moved();
        onGivenUp(result.failedAgain, 'replay');
        tellGivenUp(result.givenUp, 'replay');
        // Who waits for it looks at the processor next: that takes the result first.
        setImmediate(() => names.tellLetters(name));
        return result;
      }),
    ),
    resetCursor: fromPromise(async ({ input: { holder, reset }, signal }) => {
      await layout.othersEnded();
      const resetInTurn = () =>
        inTurn(names.moves, signal, async () => {
          claim.take(holder);
          const head = store.head();
          const expected = await layout.cursor(cursorName);
          const to = { position: Math.min(reset.to, head), generation: (expected?.generation ?? 1) + 1 };
          const rows = store.read((snapshot) => lettersBehind(snapshot, name, to.position, isMine));
          return { ...placeAt(await move(expected, to, rows), head), cursor: to };
        });
      // Nobody marks a letter meanwhile that is about to go.
      return names.letters.take(name, resetInTurn);
    }),
    watchHead: fromEventObservable(() => headEvents(store.head$)),
    reportFailure: fromCallback(({ input }) => store.report(processorFailed(name, input))),
    lifeline: fromCallback(({ input, receive, sendBack }) => {
      let letGo: (() => void) | undefined;
      const hold = () => leaveAll([keepAlive(), monitor.run()]);
      const leave = names.enter({
        name,
        isMine,
        stop: () => sendBack({ type: 'STOP' }),
        replay: () => sendBack({ type: 'REPLAY' }),
        isRunning: () => letGo !== undefined,
      });
      receive(({ type }) => {
        const before = letGo;
        letGo = type === 'RUN' ? hold() : undefined;
        before?.();
        if (type === 'REST') names.tellLetters(name);
      });
      return () => {
        letGo?.();
        claim.release(input.holder);
        leave();
      };
    }),
  };
}

/** Runs the handler: in this thread, or in another. */
function handlerOn(world: RoundWorld, store: ProcessorHost['store'], options: ResolvedProcessorOptions) {
  const { handler } = options;
  if (handler.kind === 'module') return new ThreadHandler(world, store, options, handler.module);
  const local = { ...options, handler };
  return { work: workerOn(world, local), call: callOnce(world, local) };
}

function roundWorld({ store, names, clock }: ProcessorHost, options: ResolvedProcessorOptions): RoundWorld {
  const { name, cursorName, timeoutMs, abandonMs } = options;
  return {
    head: () => store.head(),
    walk: (after, filter) => store.walk(after, filter),
    now: () => store.now(),
    scope: (generation) => ({
      append: (append) => appendOnce(store, name, generation, append),
      logger: (position, attempt) => loggerWith(store.logger, { processor: name, position, attempt }),
    }),
    limits: { name, timeoutMs, abandonMs, clock },
    roundMs: loopRoundMs,
    endsWithGivenUp: false,
    onAbandoned: (settled) => names.handlers.hold(cursorName, settled),
  };
}

/** A batch that failed was given, too. */
function eventsGiven({ handled, erased, setAside, failure }: WorkResult): number {
  return handled + erased + setAside.givenUp.length + setAside.parked.length + (failure?.count ?? 0);
}

function headEvents(head$: Observable<number>): Observable<HeadEvent> {
  return head$.pipe(map((position) => ({ type: 'HEAD', position }) as const));
}
