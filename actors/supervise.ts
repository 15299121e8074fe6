/**
 * Restarts an actor that fails: a decorator that is itself actor logic, one-for-one.
 *
 * States: `up` (the child runs; whatever is sent to the supervisor goes to it), `backing-off` (waits to start it again),
 * `giving-up` (it failed too often: the supervisor fails with the child's error, which is its parent's `onError`), `done`
 * (the child ended, or STOP came while it was down). Each restart is a new child with the same input and systemId: look it
 * up by that rather than keep a reference. Meant for bugs and crashes; a processor retries its own failures.
 */
import { type AnyActorLogic, assign, emit, forwardTo, fromPromise, type InputFrom, setup } from 'xstate';

/** The wait before a restart: `minMs * factor ** (restarts within the window - 1)`, at most `maxMs`. */
export interface BackoffOptions {
  /** Milliseconds. @default 100 */
  readonly minMs?: number;
  /** Milliseconds. @default 30_000 */
  readonly maxMs?: number;
  /** @default 2 */
  readonly factor?: number;
  /** The share of a wait that is left to chance. 0 to 1. @default 0.5 */
  readonly jitter?: number;
}

export interface SuperviseOptions<Logic extends AnyActorLogic> {
  /** Restarts within `withinMs`; one more failure is one too many. A whole number from 0 on. */
  readonly maxRestarts: number;
  /** Milliseconds. */
  readonly withinMs: number;
  readonly backoff?: BackoffOptions;
  /** What each child gets. */
  readonly input?: InputFrom<Logic>;
  /** By which the child of the moment is found in its system. */
  readonly systemId?: string;
  /** A clock that does not go back, in milliseconds. @default performance.now */
  readonly now?: () => number;
  /** 0 to 1. @default Math.random */
  readonly random?: () => number;
}

/** Emitted by the supervisor when the child has failed and is to be started again. */
export interface RestartPlanned {
  readonly type: 'restartPlanned';
  readonly error: unknown;
  readonly delayMs: number;
}

interface SupervisorContext {
  /** When the child failed, within the window. */
  readonly failedAt: readonly number[];
  readonly delayMs: number;
  readonly error: unknown;
  /** The child's, once it is done. */
  readonly output: unknown;
}

const backoffDefaults = Object.freeze({ minMs: 100, maxMs: 30_000, factor: 2, jitter: 0.5 });
/** Keeps `factor ** failures` finite. */
const exponentMax = 100;

/** Logic that runs `logic`, again when it fails, until that happens more than `maxRestarts` times within `withinMs`. */
export function supervise<Logic extends AnyActorLogic>(logic: Logic, options: SuperviseOptions<Logic>) {
  const { maxRestarts, withinMs, input, systemId, now = () => performance.now(), random = Math.random } = options;
  requireNumber('maxRestarts', maxRestarts, 0, Number.POSITIVE_INFINITY);
  requireNumber('withinMs', withinMs, 0, Number.POSITIVE_INFINITY);
  const { minMs, maxMs, factor, jitter } = { ...backoffDefaults, ...options.backoff };
  requireNumber('backoff.minMs', minMs, 0, timerMaxMs);
  requireNumber('backoff.maxMs', maxMs, minMs, timerMaxMs);
  requireNumber('backoff.factor', factor, 1, Number.MAX_VALUE);
  requireNumber('backoff.jitter', jitter, 0, 1);

  const afterFailure = ({ failedAt }: SupervisorContext, error: unknown): Partial<SupervisorContext> => {
    const at = now();
    const recent = [...failedAt.filter((time) => at - time < withinMs), at];
    const growth = factor ** Math.min(recent.length - 1, exponentMax);
    const delayMs = Math.round(Math.min(maxMs, minMs * growth) * (1 - jitter * random()));
    return { failedAt: recent, delayMs, error };
  };

  return setup({
    types: {
      context: {} as SupervisorContext,
      emitted: {} as RestartPlanned,
      children: {} as { child: 'child'; escalation: 'escalate' },
    },
    actors: {
      child: logic as AnyActorLogic,
      escalate: fromPromise<never, { readonly error: unknown }>(({ input: { error } }) => Promise.reject(error)),
    },
    guards: { isTooOften: ({ context }) => context.failedAt.length > maxRestarts },
    delays: { backoff: ({ context }) => context.delayMs },
    actions: {
      tellRestart: emit(({ context: { error, delayMs } }) => ({ type: 'restartPlanned', error, delayMs })),
      forward: forwardTo('child'),
    },
  }).createMachine({
    id: 'supervisor',
    context: { failedAt: [], delayMs: 0, error: undefined, output: undefined },
    output: ({ context }) => context.output,
    initial: 'up',
    states: {
      up: {
        invoke: {
          id: 'child',
          src: 'child',
          ...(systemId !== undefined && { systemId }),
          input: () => input,
          onDone: { target: 'done', actions: assign(({ event }) => ({ output: event.output })) },
          onError: {
            target: 'judging',
            actions: assign(({ context, event }) => afterFailure(context, event.error)),
          },
        },
        on: { '*': { actions: 'forward' } },
      },
      judging: {
        always: [
          { target: 'giving-up', guard: 'isTooOften' },
          { target: 'backing-off', actions: 'tellRestart' },
        ],
      },
      'backing-off': { after: { backoff: 'up' }, on: { STOP: 'done' } },
      // Nobody handles this rejection here, so it fails the supervisor, with nothing left behind.
      'giving-up': { invoke: { id: 'escalation', src: 'escalate', input: ({ context: { error } }) => ({ error }) } },
      done: { type: 'final' },
    },
  });
}

/** Timers of Node take no more: 2 ** 31 - 1 milliseconds. */
const timerMaxMs = 2 ** 31 - 1;

function requireNumber(option: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw new TypeError(`${option} must be ${least} to ${most}, got ${String(value)}`);
}
