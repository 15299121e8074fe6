/**
 * Options of an aggregate: what its user's code looks like, their defaults, and the one place where they are checked.
 */
import { executeRetries, executeRetriesMax } from '../src/limits.ts';
import { checkAggregateName } from '../src/names.ts';
import { refuseUnknownNames } from '../src/option-names.ts';
import type { AnyEvent, EventShape, Metadata, NewEvent, StoredEvent } from '../src/types.ts';
import { type ErasedEvents, resolveErased } from './erased-events.ts';
import { isWhole, wrong } from './option-checks.ts';

/** What `decide` answers: the events that are to happen, or nothing. */
export type Decision<Events extends EventShape = AnyEvent> =
  | NewEvent<Events>
  | readonly NewEvent<Events>[]
  | null
  | undefined
  // biome-ignore lint/suspicious/noConfusingVoidType: a decide without a return decides nothing
  | void;

/** What `decide` gets to know beside the state and the command. */
export interface DecideContext {
  readonly id: string;
  readonly stream: string;
  /** Version of the stream that the state is of; 0 before the first event. */
  readonly version: number;
  /** 1, and one more after each conflict. */
  readonly attempt: number;
  /** That of the call of `execute`. */
  readonly signal: AbortSignal | undefined;
}

export interface SnapshotOptions {
  /** Events to fold that are worth a snapshot. A whole number from 1 on. */
  readonly every: number;
  /** Version of the form of the state: raise it with each change of `evolve` or of the state. 1 to 4,294,967,295. @default 1 */
  readonly version?: number;
}

export interface AggregateOptions<Events extends EventShape, State, Command> {
  /** Names its snapshots and, by default, its streams. As the name of a stream. */
  readonly name: string;
  /** The state before the first event, or what makes it. A value is cloned for each load. */
  readonly initial: State | (() => State);
  /** The state with `event`: a new one, or `state` itself, changed in place. Synchronous, and without effects. */
  evolve(state: State, event: StoredEvent<Events>): State;
  /**
   * What is to happen. May be asynchronous. Is called again when somebody else has appended meanwhile, so effects are better
   * left to a processor of the events. What it throws refuses the command, and `execute` rejects with it.
   */
  decide(state: State, command: Command, context: DecideContext): Decision<Events> | PromiseLike<Decision<Events>>;
  /** The stream of an id. @default `${name}-${id}` */
  readonly stream?: (id: string) => string;
  /** Keeps states, so that loading folds fewer events. @default none are kept */
  readonly snapshot?: SnapshotOptions;
  /** How often `execute` decides anew after a conflict. 0 to 1000. @default 20 */
  readonly retries?: number;
  /** Whether `evolve` gets events whose key was erased: without data, with `erased: true`. @default 'skip' */
  readonly erased?: ErasedEvents;
}

export interface ExecuteOptions {
  /** Ends the wait. */
  readonly signal?: AbortSignal;
  /** For every event of the decision; an event's own goes over it. */
  readonly metadata?: Metadata;
  /**
   * A second `execute` with the same key decides nothing and gives the result of the first, whatever its command. Remembered
   * at least as long as for `append`; one whose decision was to do nothing is not remembered. 1 to 512 bytes.
   */
  readonly idempotencyKey?: string;
}

export interface ResolvedAggregate<State, Command> {
  readonly name: string;
  readonly initial: () => State;
  readonly evolve: (state: State, event: StoredEvent) => State;
  readonly decide: (state: State, command: Command, context: DecideContext) => Decision | PromiseLike<Decision>;
  readonly streamOf: (id: string) => string;
  readonly snapshot: Required<SnapshotOptions> | undefined;
  readonly retries: number;
  readonly erased: ErasedEvents;
}

const aggregateNames: readonly (keyof AggregateOptions<EventShape, unknown, unknown>)[] = [
  'name',
  'initial',
  'evolve',
  'decide',
  'stream',
  'snapshot',
  'retries',
  'erased',
];
const executeNames: readonly (keyof ExecuteOptions)[] = ['signal', 'metadata', 'idempotencyKey'];

const snapshotVersionMax = 2 ** 32 - 1;

/** @throws {TypeError} naming the option, its range and what was given. */
export function resolveAggregate<Events extends EventShape, State, Command>(
  options: AggregateOptions<Events, State, Command>,
): ResolvedAggregate<State, Command> {
  refuseUnknownNames('aggregate', options, aggregateNames);
  const { name, initial, stream, snapshot, retries = executeRetries } = options;
  checkAggregateName(name);
  for (const method of ['evolve', 'decide'] as const) requireFunction(method, options[method]);
  if (stream !== undefined) requireFunction('stream', stream);
  if (initial === undefined)
    throw new TypeError('initial must be a state, or a function that makes one, got undefined');
  requireWhole('retries', retries, 0, executeRetriesMax);
  return {
    name,
    initial: typeof initial === 'function' ? (initial as () => State) : cloning(initial),
    // Called as methods of the options: they may be an instance of a class.
    evolve: (state, event) => options.evolve(state, event as StoredEvent<Events>),
    decide: (state, command, context) => options.decide(state, command, context) as Decision | PromiseLike<Decision>,
    streamOf: stream ?? ((id) => `${name}-${id}`),
    snapshot: snapshot && resolveSnapshot(snapshot),
    retries,
    erased: resolveErased(options.erased),
  };
}

/** @throws {TypeError} */
export function checkExecuteOptions(options: ExecuteOptions): void {
  refuseUnknownNames('execute', options, executeNames);
}

function resolveSnapshot(options: SnapshotOptions): Required<SnapshotOptions> {
  refuseUnknownNames('snapshot', options, ['every', 'version']);
  const { every, version = 1 } = options;
  requireWhole('snapshot.every', every, 1, Number.MAX_SAFE_INTEGER);
  requireWhole('snapshot.version', version, 1, snapshotVersionMax);
  return { every, version };
}

function cloning<State>(initial: State): () => State {
  const make = () => structuredClone(initial);
  try {
    make();
  } catch (cause) {
    throw new TypeError('initial must be something structured clone takes, or a function', { cause });
  }
  return make;
}

function requireFunction(option: string, value: unknown): void {
  if (typeof value !== 'function') throw wrong(option, 'a function', value);
}

function requireWhole(option: string, value: number, least: number, most: number): void {
  if (!isWhole(value, least, most)) throw wrong(option, `a whole number from ${least} to ${most}`, value);
}
