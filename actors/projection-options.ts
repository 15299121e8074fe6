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
import type { ProjectionCall } from './projection-recorder.ts';
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
}

export interface ResolvedProjection {
  readonly version: number;
  readonly calls: ReadonlyMap<string, ProjectionCall>;
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
  const { version, on, ...common } = options;
  for (const name of refusedNames) {
    if (name in options) throw new TypeError(`a projection has no option ${JSON.stringify(name)}`);
  }
  if (!Number.isSafeInteger(version) || version < 1 || version > versionMax) {
    throw new TypeError(`version must be 1 to ${versionMax}, got ${inspect(version)}`);
  }
  const calls = resolveHandlers(on);
  const handle = () => undefined;
  const checkpoint = { ...checkpointDefaults, ...common.checkpoint };
  return {
    version,
    calls,
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
    if (typeof handler !== 'function') throw new TypeError(`on.${type} must be a function, got ${inspect(handler)}`);
    if (nodeTypes.isAsyncFunction(handler) || nodeTypes.isGeneratorFunction(handler)) {
      throw new TypeError(`on.${type} must be a synchronous function: handlers of projections can't wait for anything`);
    }
    calls.set(type, handler.bind(on));
  }
  if (calls.size === 0) throw new TypeError('on must have a handler for one type of events at least');
  return calls;
}
