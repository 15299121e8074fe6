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
import { BusError } from '../src/errors.ts';
import type { CursorPlace } from '../src/log/cursor.ts';
import { abortError } from '../src/log/pages.ts';
import type { CaughtError } from './caught-error.ts';
import type { Effects } from './effects.ts';
import { keepAlive } from './keep-alive.ts';
import type { ResetOrder, WorkResult } from './processor-context.ts';
import type { ProcessorHost, ProcessorNames } from './processor-names.ts';
import type { ResolvedProcessorOptions } from './processor-options.ts';
import { type WorkInput, workerOn } from './processor-work.ts';

/** The cursor, and the head of that moment. */
export interface Place {
  readonly cursor: CursorPlace | undefined;
  readonly head: number;
}

export interface SaveInput {
  readonly cursor: CursorPlace | undefined;
  readonly position: number;
  readonly effects: Effects | undefined;
}

export interface FailureInput {
  readonly position: number;
  readonly attempts: number;
  readonly lastError: CaughtError | undefined;
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

export function processorPorts(
  { store, names }: ProcessorHost,
  options: ResolvedProcessorOptions,
  nameClaim: NameClaim,
): ProcessorPorts {
  const { name } = options;
  const work = workerOn(store, options);
  const move = async (expected: CursorPlace | undefined, to: CursorPlace, effects?: Effects): Promise<CursorPlace> => {
    assert(effects === undefined || effects.position === to.position, 'effects are saved with the cursor they are of');
    await store.moveCursor({ name, expected, to, rows: effects?.rows() ?? [] });
    return to;
  };
  const inTurn = <Result>(turns: ProcessorNames['moves'], signal: AbortSignal, task: () => Promise<Result>) =>
    turns.take(name, async () => {
      if (signal.aborted) throw abortError(signal, 'nothing-written');
      return task();
    });
  return {
    loadCursor: fromPromise(({ input, signal }) =>
      inTurn(names.moves, signal, async () => {
        nameClaim.take(input.holder);
        const head = store.head();
        const cursor = store.cursor(name);
        if (cursor !== undefined || options.from === 1) return { cursor, head };
        const position = options.from === 'now' ? head : Math.min(options.from - 1, head);
        return { cursor: await move(undefined, { position, generation: 1 }), head };
      }),
    ),
    work: fromPromise(({ input, signal }) => inTurn(names.handlers, signal, () => work(input, signal))),
    saveCursor: fromPromise(({ input: { cursor, position, effects }, signal }) =>
      inTurn(names.moves, signal, () => move(cursor, { position, generation: cursor?.generation ?? 1 }, effects)),
    ),
    resetCursor: fromPromise(({ input: { holder, reset }, signal }) =>
      inTurn(names.moves, signal, async () => {
        nameClaim.take(holder);
        const head = store.head();
        const expected = store.cursor(name);
        const to = { position: Math.min(reset.to, head), generation: (expected?.generation ?? 1) + 1 };
        return { cursor: await move(expected, to), head };
      }),
    ),
    watchHead: fromEventObservable(() => headEvents(store.head$)),
    reportFailure: fromCallback(({ input }) => store.report(processorFailed(name, input))),
    lifeline: fromCallback(({ input, receive, sendBack }) => {
      let letGo: (() => void) | undefined;
      const leave = names.enter(() => sendBack({ type: 'STOP' }));
      receive(({ type }) => {
        letGo?.();
        letGo = type === 'RUN' ? keepAlive() : undefined;
      });
      return () => {
        letGo?.();
        nameClaim.release(input.holder);
        leave();
      };
    }),
  };
}

/** What a processor gave up with. */
export function processorFailed(name: string, { position, attempts, lastError }: FailureInput): BusError {
  const reason = lastError === undefined ? '' : `: ${lastError.message}`;
  return new BusError(
    'PROCESSOR_FAILED',
    `the processor ${JSON.stringify(name)} gave up behind position ${position} after ${attempts} tries${reason}`,
    { processor: name, position, attempts },
    { cause: lastError?.thrown },
  );
}

function headEvents(head$: Observable<number>): Observable<HeadEvent> {
  return head$.pipe(map((position) => ({ type: 'HEAD', position }) as const));
}
