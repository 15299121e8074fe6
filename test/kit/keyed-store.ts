/**
 * Stores with encryption, in memory, whose keys are in the test's hand: a writer by itself, or a bus.
 */
import { busOn } from '#actors/open-bus';
import { storeOn } from '#actors/open-store';
import { resolveOptions } from '#actors/options';
import { KeyedEngine } from '#kernel/log/keyed-engine';
import { metaNumberRow } from '#kernel/log/store-meta';
import type { Engine } from '#kernel/storage/engine';
import type { Bus } from '#store';
import { KeysInMemory } from './keys-in-memory.ts';
import { type BusOptions, type TempStore, tempStore } from './temp-store.ts';

/** The engine of a new store, with what meta says of keys. */
export async function keyedEngine(store: TempStore, keys: KeysInMemory): Promise<Engine> {
  const engine = await store.openEngine();
  const rows = (['keyGeneration', 'lastKeyId', 'plainEvents'] as const).map((name) => metaNumberRow(name, 0));
  engine.commit({ blocks: [], rows });
  return new KeyedEngine(engine, keys);
}

export interface KeyedBus {
  readonly bus: Bus;
  readonly keys: KeysInMemory;
  readonly store: TempStore;
  readonly engine: Engine;
  /** What `errors$` has told. */
  readonly reported: unknown[];
}

/** A bus with its writer inline; the streams that {@link KeysInMemory} knows no key for are plain. */
export async function keyedBus(options: BusOptions = {}): Promise<KeyedBus> {
  const store = tempStore();
  const keys = new KeysInMemory();
  const engine = await keyedEngine(store, keys);
  const resolved = { ...resolveOptions({ ...options, path: ':memory:', inline: true }), keys };
  const bus = await busOn(async (events) => storeOn(engine, resolved, events), resolved);
  store.closeLater(bus);
  const reported: unknown[] = [];
  bus.errors$.subscribe((error) => reported.push(error));
  return { bus, keys, store, engine, reported };
}
