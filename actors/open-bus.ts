import type { EventsOf, SchemaSet, Schemas } from '../src/log/schemas.ts';
import type { AnyEvent, EventShape } from '../src/types.ts';
import { Bus } from './bus.ts';
import { BusCore, type BusSettings } from './bus-core.ts';
import { type OpenStore, openStore, type StoreEvents } from './open-store.ts';
import { type OpenOptions, resolveOptions } from './options.ts';

/**
 * Opens the store at `options.path`, creating it if need be, and returns its bus. With `schemas`, and no union named, its
 * events are those of the schemas.
 * @throws {TypeError} for options out of range. @throws {STORE_LOCKED} {STORE_NOT_FOUND} {STORE_FORMAT} {STORE_CORRUPT}
 * {STORE_READ_ONLY} {STORE_FULL} {UNSUPPORTED} {ABORTED}
 */
export function openBus<const Given extends Schemas>(
  options: OpenOptions & { readonly schemas: Given },
): Promise<Bus<EventsOf<Given>>>;
export function openBus<Events extends EventShape = AnyEvent>(options: OpenOptions): Promise<Bus<Events>>;
export async function openBus(options: OpenOptions): Promise<Bus> {
  const resolved = resolveOptions(options);
  return busOn((events) => openStore(resolved, events), resolved);
}

/** Waits for the store, and tells the bus on it what was told in the meantime. */
export async function busOn<Events extends EventShape>(
  open: (events: StoreEvents) => Promise<OpenStore>,
  settings: BusSettings,
  schemas: SchemaSet | undefined = settings?.schemas,
): Promise<Bus<Events>> {
  const told: unknown[] = [];
  let onFailed = (error: unknown): void => void told.push(error);
  const store = await open({ onFailed: (error) => onFailed(error) });
  const takeOver = (events: StoreEvents) => {
    onFailed = events.onFailed;
    return store;
  };
  const bus = new Bus<Events>(new BusCore(takeOver, settings, schemas));
  for (const error of told) onFailed(error);
  return bus;
}
