/**
 * The statechart of a processor: when it loads, works, saves, waits, retries, rests and ends.
 *
 * States: `idle` (not started), `loading` (the cursor), `catching-up`, `live` (caught up; waits for new events), `retrying`
 * (waits after a failure), `poisoned` (puts away events it gave up), `paused`, `resetting` (moves the cursor), `failed` (gave
 * up), `stopped` (final). `routing` is the one safe point: everything passes through it between two steps, and orders are
 * obeyed nowhere else. One event per round of work, never one per stored event. Does nothing itself: see processor-ports.ts for what it invokes, processor-context.ts
 * for what it remembers, and processor-decisions.ts for its guards.
 */
import { assign, sendTo, setup } from 'xstate';
import {
  begun,
  loaded,
  ordered,
  replayed,
  replaysOrdered,
  retryPlanned,
  saved,
  skippedOver,
  troubled,
  untroubled,
  wasReset,
  worked,
} from './processor-changes.ts';
import { initialContext, type ProcessorContext, type ProcessorPolicy, type ResetOrder } from './processor-context.ts';
import {
  hasReachedUntil,
  isBehind,
  isHopeless,
  isPoisoned,
  isSkippable,
  isToPause,
  isToReplay,
  isToSave,
  roundEventsMax,
} from './processor-decisions.ts';
import type { HeadEvent, LifelineEvent, ProcessorPorts } from './processor-ports.ts';
import type { WorkInput } from './processor-work.ts';

/** What a processor may be told. `REPLAY`: to look for dead letters that are to be tried again. */
export type ProcessorEvent =
  | { readonly type: 'START' | 'STOP' | 'PAUSE' | 'RESUME' | 'RETRY_NOW' | 'SKIP' | 'REPLAY' }
  | { readonly type: 'RESET'; readonly to: number; readonly until?: number | undefined };

/** How a run of a processor begins. All of it is optional. */
export interface ProcessorInput {
  /** `false`: waits in `idle` for START. @default true */
  readonly isStarted?: boolean;
}

/** What a processor leaves behind when it stops. */
export interface ProcessorOutput {
  readonly name: string;
  /** The durable position. */
  readonly cursor: number;
  readonly handled: number;
}

export type ProcessorMachine = ReturnType<typeof processorMachine>;

/** How long a live processor without work waits before it saves what it has handled. */
const idleSaveMs = 50;

/** The machine of one processor; any number of actors may run it. */
export function processorMachine(policy: ProcessorPolicy, ports: ProcessorPorts) {
  const chart = setup({
    types: {
      context: {} as ProcessorContext,
      events: {} as ProcessorEvent | HeadEvent,
      input: {} as ProcessorInput | undefined,
      output: {} as ProcessorOutput,
      tags: {} as 'resting' | 'running' | 'unhealthy',
      children: {} as { [Port in keyof ProcessorPorts]: Port },
    },
    actors: ports,
    guards: {
      isToSave: ({ context }) => isToSave(context),
      isToSaveLive: ({ context }) => isToSave(context) && context.isLive,
      isPoisoned: ({ context }) => isPoisoned(context),
      isSkippable: ({ context }) => isSkippable(context),
      isToReplay: ({ context }) => isToReplay(context),
      isToReplayLive: ({ context }) => isToReplay(context) && context.isLive,
      isToStop: ({ context }) => context.order === 'stop',
      isToReset: ({ context }) => context.reset !== undefined && context.trouble?.phase !== 'reset',
      isToPause: ({ context }) => isToPause(context),
      isToIdle: ({ context }) => context.order === 'idle' && context.trouble === undefined,
      isHopeless: ({ context }) => isHopeless(context, policy),
      isInTrouble: ({ context }) => context.trouble !== undefined,
      isUnloaded: ({ context }) => !context.isLoaded,
      isBehind: ({ context }) => isBehind(context),
      isBehindLive: ({ context }) => isBehind(context) && context.isLive,
      isNews: ({ context, event }) => event.type === 'HEAD' && event.position > context.position,
      isResetValid: ({ event }) => event.type === 'RESET' && isPosition(event.to) && isPosition(event.until ?? 0),
      isPauseOnly: ({ context }) => context.order === 'pause' && context.reset === undefined,
      hasHandledUnsaved: ({ context }) => (context.unsaved?.events ?? 0) > 0,
    },
    delays: {
      backoff: ({ context }) => context.retryInMs,
      drain: () => policy.drainMs,
      idleSave: () => Math.min(idleSaveMs, policy.checkpoint.ms),
    },
    actions: {
      begin: assign(() => begun()),
      orderStop: assign(({ context }) => ordered(context, 'stop')),
      orderPause: assign(({ context }) => ordered(context, 'pause')),
      orderIdle: assign(({ context }) => ordered(context, 'idle')),
      cancelOrder: assign(({ context }) => ordered(context, undefined)),
      orderReset: assign(({ event }) => (event.type === 'RESET' ? { reset: resetOf(event), ...untroubled } : {})),
      forgetTrouble: assign(untroubled),
      forgetReset: assign({ reset: undefined }),
      forgetUntil: assign(({ context }) => (hasReachedUntil(context) ? { until: undefined } : {})),
      planRetry: assign(({ context }) => retryPlanned(context, policy)),
      noteHead: assign(({ event }) => (event.type === 'HEAD' ? { head: event.position } : {})),
      skipFailing: assign(({ context }) => skippedOver(context, policy)),
      noteReplays: assign(({ context }) => replaysOrdered(context)),
      makeSaveDue: assign(({ context: { unsaved } }) => ({ unsaved: unsaved && { ...unsaved, isDue: true } })),
      holdProcess: sendTo('lifeline', { type: 'RUN' } satisfies LifelineEvent),
      releaseProcess: sendTo('lifeline', { type: 'REST' } satisfies LifelineEvent),
    },
  });

  /** Orders where nothing is under way that has to end first. */
  const obeyAtOnce = {
    STOP: { target: '#routing', actions: 'orderStop' },
    PAUSE: { target: '#routing', actions: 'orderPause' },
    RESET: { target: '#routing', guard: 'isResetValid', actions: 'orderReset' },
  } as const;
  /** Orders where something is. */
  const noteOrders = {
    STOP: { actions: 'orderStop' },
    PAUSE: { actions: 'orderPause' },
    RESET: { guard: 'isResetValid', actions: 'orderReset' },
    START: { actions: 'cancelOrder' },
    RESUME: { actions: 'cancelOrder' },
  } as const;
  /** Orders where the machine rests. */
  const beginAnew = { target: 'loading', actions: 'begin' } as const;
  const stopAtOnce = { target: 'stopped' } as const;

  /** While a handler may run: an order waits for it, but not for ever. */
  const draining = {
    initial: 'handling',
    states: {
      handling: {
        on: {
          STOP: { target: 'draining', actions: 'orderStop' },
          PAUSE: { target: 'draining', actions: 'orderPause' },
          RESET: { target: 'draining', guard: 'isResetValid', actions: 'orderReset' },
        },
      },
      draining: {
        on: {
          ...noteOrders,
          START: [{ target: 'handling', guard: 'isPauseOnly', actions: 'cancelOrder' }, noteOrders.START],
          RESUME: [{ target: 'handling', guard: 'isPauseOnly', actions: 'cancelOrder' }, noteOrders.RESUME],
        },
        after: { drain: '#routing' },
      },
    },
  } as const;

  /** Handles events of the log. */
  const working = chart.createStateConfig({
    invoke: {
      id: 'work',
      src: 'work',
      input: ({ context }) => workInput(context, policy),
      onDone: { target: '#routing', actions: assign(({ context, event }) => worked(context, event.output, policy)) },
      onError: { target: '#routing', actions: assign(({ context, event }) => troubled(context, 'work', event.error)) },
    },
    ...draining,
  });

  /** Moving the cursor is never left half-way, but a stop does not wait for ever. */
  const moving = {
    initial: 'writing',
    states: {
      writing: { always: { target: 'ending', guard: 'isToStop' } },
      ending: { after: { drain: '#stopped' } },
    },
  } as const;

  const saving = chart.createStateConfig({
    invoke: {
      id: 'saveCursor',
      src: 'saveCursor',
      input: ({ context: { cursor, position, unsaved } }) => ({ cursor, position, unsaved }),
      onDone: { target: '#routing', actions: assign(({ context, event }) => saved(context, event.output)) },
      onError: { target: '#routing', actions: assign(({ context, event }) => troubled(context, 'save', event.error)) },
    },
    on: noteOrders,
    ...moving,
  });

  const replaying = chart.createStateConfig({
    invoke: {
      id: 'replay',
      src: 'replay',
      input: ({ context: { cursor, replayOrders } }) => ({ cursor, orders: replayOrders }),
      onDone: { target: '#routing', actions: assign(({ context, event }) => replayed(context, event.output)) },
      onError: {
        target: '#routing',
        actions: assign(({ context, event }) => troubled(context, 'replay', event.error)),
      },
    },
    ...draining,
  });

  const waiting = chart.createStateConfig({
    invoke: {
      id: 'watchHead',
      src: 'watchHead',
      onDone: { target: '#routing', actions: 'orderStop' },
      onError: { target: '#routing', actions: assign(({ context, event }) => troubled(context, 'watch', event.error)) },
    },
    on: {
      ...obeyAtOnce,
      HEAD: { target: '#routing', guard: 'isNews', actions: 'noteHead' },
      REPLAY: { target: '#routing', actions: 'noteReplays' },
    },
    after: { idleSave: { target: '#routing', guard: 'hasHandledUnsaved', actions: 'makeSaveDue' } },
  });

  return chart.createMachine({
    id: 'processor',
    context: ({ input }) => initialContext(input?.isStarted ?? true),
    output: ({ context }) => ({
      name: policy.name,
      cursor: context.cursor?.position ?? 0,
      handled: context.handled,
    }),
    invoke: { id: 'lifeline', src: 'lifeline', input: ({ context }) => ({ holder: context.holder }) },
    on: { REPLAY: { actions: 'noteReplays' } },
    initial: 'routing',
    states: {
      routing: {
        id: 'routing',
        always: [
          { target: 'poisoned', guard: 'isPoisoned' },
          { target: 'live.saving', guard: 'isToSaveLive' },
          { target: 'catching-up.saving', guard: 'isToSave' },
          { target: 'stopped', guard: 'isToStop' },
          { target: 'resetting', guard: 'isToReset' },
          { target: 'paused', guard: 'isToPause' },
          { target: 'idle', guard: 'isToIdle' },
          { target: 'failed', guard: 'isHopeless' },
          { target: 'retrying', guard: 'isInTrouble', actions: 'planRetry' },
          { target: 'loading', guard: 'isUnloaded' },
          { target: 'live.replaying', guard: 'isToReplayLive' },
          { target: 'catching-up.replaying', guard: 'isToReplay' },
          { target: 'live.working', guard: 'isBehindLive' },
          { target: 'catching-up', guard: 'isBehind' },
          { target: 'live' },
        ],
      },
      idle: {
        tags: 'resting',
        entry: 'releaseProcess',
        on: {
          START: beginAnew,
          STOP: stopAtOnce,
          RESET: { target: 'resetting', guard: 'isResetValid', actions: ['orderReset', 'orderIdle'] },
        },
      },
      loading: {
        tags: 'running',
        entry: 'holdProcess',
        invoke: {
          id: 'loadCursor',
          src: 'loadCursor',
          input: ({ context }) => ({ holder: context.holder }),
          onDone: { target: 'routing', actions: assign(({ context, event }) => loaded(context, event.output)) },
          onError: {
            target: 'routing',
            actions: assign(({ context, event }) => troubled(context, 'load', event.error)),
          },
        },
        on: obeyAtOnce,
      },
      'catching-up': { tags: 'running', initial: 'working', states: { working, saving, replaying } },
      live: { tags: 'running', initial: 'waiting', states: { waiting, working, saving, replaying } },
      poisoned: { tags: ['running', 'unhealthy'], ...saving },
      retrying: {
        tags: ['running', 'unhealthy'],
        after: { backoff: { target: 'routing', actions: 'forgetTrouble' } },
        on: {
          ...obeyAtOnce,
          START: { actions: 'cancelOrder' },
          RESUME: { actions: 'cancelOrder' },
          RETRY_NOW: { target: 'routing', actions: 'forgetTrouble' },
          SKIP: { target: 'routing', guard: 'isSkippable', actions: 'skipFailing' },
        },
      },
      paused: {
        tags: 'resting',
        entry: ['releaseProcess', 'forgetUntil', 'forgetTrouble'],
        on: {
          START: beginAnew,
          RESUME: beginAnew,
          STOP: stopAtOnce,
          RESET: { target: 'resetting', guard: 'isResetValid', actions: ['orderReset', 'orderPause'] },
        },
      },
      resetting: {
        tags: 'running',
        entry: 'holdProcess',
        invoke: {
          id: 'resetCursor',
          src: 'resetCursor',
          input: ({ context: { holder, reset } }) => ({ holder, reset: reset as ResetOrder }),
          onDone: {
            target: 'routing',
            actions: assign(({ context, event: { output } }) => wasReset(context, output)),
          },
          onError: {
            target: 'routing',
            actions: assign(({ context, event }) => troubled(context, 'reset', event.error)),
          },
        },
        on: {
          ...noteOrders,
          RESET: { target: 'resetting', reenter: true, guard: 'isResetValid', actions: 'orderReset' },
        },
        ...moving,
      },
      failed: {
        tags: ['resting', 'unhealthy'],
        entry: ['releaseProcess', 'forgetReset'],
        invoke: { id: 'reportFailure', src: 'reportFailure', input: ({ context }) => context },
        on: {
          START: beginAnew,
          RESUME: beginAnew,
          RETRY_NOW: beginAnew,
          SKIP: { target: 'routing', guard: 'isSkippable', actions: ['holdProcess', 'cancelOrder', 'skipFailing'] },
          STOP: stopAtOnce,
          RESET: { target: 'resetting', guard: 'isResetValid', actions: ['orderReset', 'begin'] },
        },
      },
      stopped: { id: 'stopped', type: 'final', tags: 'resting' },
    },
  });
}

function workInput(context: ProcessorContext, policy: ProcessorPolicy): WorkInput {
  const { position, cursor, until, unsaved, attempts, failing, givenUpInRow } = context;
  return {
    position,
    generation: cursor?.generation ?? 1,
    until,
    eventsMax: roundEventsMax(context, policy),
    attempt: attempts + 1,
    failingSinceMs: failing?.sinceMs,
    giveUpMax: policy.circuit.failures,
    givenUpInRow,
    effects: unsaved?.effects,
  };
}

function isPosition(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function resetOf({ to, until }: { readonly to: number; readonly until?: number | undefined }): ResetOrder {
  return { to, until };
}
