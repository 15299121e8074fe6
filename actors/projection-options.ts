/**
 * Options of a projection, checked: what is its own here, what it has in common with processors there.
 */
import { inspect, types as nodeTypes } from 'node:util';
import { checkTypeName } from '../src/names.ts';
import type { AnyEvent, EventFilter, EventShape, EventsOfType, StoredEvent } from '../src/types.ts';
import {
  type ProcessorCommonOptions,
  type ResolvedProcessorOptions,
  resolveProcessorOptions,
} from './processor-options.ts';
import type { ErasedCall, ProjectionCall } from './projection-recorder.ts';
import type { ProjectionView } from './projection-view.ts';

/**
 * Handles one event, synchronously: what it sets in the view is saved together with its position, or not at all. The type
 * refuses a function that returns a promise.
 */
export type ProjectionHandler<Value, Event> = (
  view: ProjectionView<Value>,
  event: Event,
  // biome-ignore lint/suspicious/noConfusingVoidType: void alone would let in functions that return a promise
) => void | undefined;

/** A handler for each type of events that the projection is made of; events of other types are passed over. */
export type ProjectionHandlers<Events extends EventShape, Value> = {
  readonly [Type in Events['type']]?: ProjectionHandler<Value, StoredEvent<EventsOfType<Events, Type>>>;
};

/** A read model: its name, the version of its handlers, and what processors have too. */
export interface ProjectionOptions<Events extends EventShape = AnyEvent, Value = unknown>
  extends Omit<ProcessorCommonOptions<string>, 'types' | 'from' | 'partitions' | 'timeoutMs' | 'abandonMs'>,
    Omit<EventFilter, 'types'> {
  /**
   * To be raised whenever the handlers, or the events they get, change: another version than the one in the store is built
   * anew beside it, and read as soon as it is as far. 1 to 4,294,967,295.
   */
  readonly version: number;
  readonly on: ProjectionHandlers<Events, Value>;
  /**
   * In a store with encryption, values are sealed with a key of their build. `false` where they hold nothing of the events that
   * must stay secret, also when the events are erased: counts, say. They are readable in the file then, and stay as they are
   * when something is erased. (Keys of entries are always readable.) A change of it is a new build. @default true
   */
  readonly sealed?: boolean;
  /**
   * Corrects the entries after {@link Bus.erase} has erased events that may be in them; called once for each erasure, synchronously.
   * All that it sets is saved in one transaction. Without it, the projection is built anew beside what is read.
   */
  readonly onErased?: ErasedHandler<Value>;
}

/** What was erased: its events can't be read any more. */
export interface ErasedPart {
  /** The stream, where one was erased; not there where it was a subject, whose name the store does not keep. */
  readonly stream?: string;
  /** Of the first event that was erased. */
  readonly firstPosition: number;
  /** How many were, also such that the projection has not wanted. */
  readonly events: number;
}

/** Corrects entries, synchronously. */
export type ErasedHandler<Value> = (
  view: ProjectionView<Value>,
  erased: ErasedPart,
  // biome-ignore lint/suspicious/noConfusingVoidType: void alone would let in functions that return a promise
) => void | undefined;

export interface ResolvedProjection {
  readonly version: number;
  readonly isSealed: boolean;
  readonly calls: ReadonlyMap<string, ProjectionCall>;
  readonly onErased: ErasedCall | undefined;
  /** Without a recorder. */
  readonly processor: ResolvedProcessorOptions;
}

const versionMax = 2 ** 32 - 1;
/** Options of processors that make no sense here. */
const refusedNames = [
  'types',
  'from',
  'handle',
  'handleBatch',
  'handler',
  'partitions',
  'timeoutMs',
  'abandonMs',
] as const;
/**
 * Between two commits a projection may do more than a processor, since nothing of it is done twice: what is longer between
 * commits costs less.
 */
const checkpointDefaults = { events: 65_536, ms: 50 } as const;

/** @throws {TypeError} naming the option, its range and what was given. */
export function resolveProjection<Events extends EventShape, Value>(
  options: ProjectionOptions<Events, Value>,
): ResolvedProjection {
  const { version, on, sealed = true, onErased, ...common } = options;
  for (const name of refusedNames) {
    if (name in options) throw new TypeError(`a projection has no option ${JSON.stringify(name)}`);
  }
  if (!Number.isSafeInteger(version) || version < 1 || version > versionMax) {
    throw new TypeError(`version must be 1 to ${versionMax}, got ${inspect(version)}`);
  }
  if (typeof sealed !== 'boolean') throw new TypeError(`sealed must be true or false, got ${inspect(sealed)}`);
  if (onErased !== undefined) requireSynchronous('onErased', onErased);
  const calls = resolveHandlers(on);
  const handle = () => undefined;
  const checkpoint = { ...checkpointDefaults, ...common.checkpoint };
  return {
    version,
    isSealed: sealed,
    calls,
    onErased: onErased?.bind(options) as ErasedCall | undefined,
    processor: resolveProcessorOptions({ ...common, checkpoint, types: [...calls.keys()], handle }),
  };
}

function resolveHandlers(on: unknown): ReadonlyMap<string, ProjectionCall> {
  if (typeof on !== 'object' || on === null)
    throw new TypeError(`on must be an object of handlers, got ${inspect(on)}`);
  const calls = new Map<string, ProjectionCall>();
  for (const [type, handler] of Object.entries(on)) {
    if (handler === undefined) continue;
    checkTypeName(type, 0);
    requireSynchronous(`on.${type}`, handler);
    calls.set(type, handler.bind(on));
  }
  if (calls.size === 0) throw new TypeError('on must have a handler for one type of events at least');
  return calls;
}

function requireSynchronous(option: string, handler: unknown): void {
  if (typeof handler !== 'function') throw new TypeError(`${option} must be a function, got ${inspect(handler)}`);
  if (nodeTypes.isAsyncFunction(handler) || nodeTypes.isGeneratorFunction(handler)) {
    throw new TypeError(`${option} must be a synchronous function: handlers of projections can't wait for anything`);
  }
}
