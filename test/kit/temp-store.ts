/**
 * Stores for tests: each test has its own, on either engine, closed and removed when the test ends.
 *
 * A TempStore outlives the buses and engines opened on it, so that a test can close it, or let it crash, and open it again.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Bus } from '#actors/bus';
import { keyedReader } from '#actors/keyed-reader';
import { busOn } from '#actors/open-bus';
import { storeOn } from '#actors/open-store';
import { type OpenOptions, resolveOptions } from '#actors/options';
import { openSecrets, unlockKeys } from '#actors/store-keys';
import type { KeyStorage } from '#kernel/crypto/key-storage';
import { initialMetaRows } from '#kernel/log/store-meta';
import type { Engine } from '#kernel/storage/engine';
import { KeyFileStorage } from '#kernel/storage/key-storage';
import { openLmdbEngine } from '#kernel/storage/lmdb-engine';
import { MemoryStorage, openMemoryEngine } from '#kernel/storage/memory-engine';
import type { AnyEvent, EventShape } from '#store';
import { withTestKey } from './test-key.ts';

export type EngineKind = 'memory' | 'lmdb';
export const engineKinds: readonly EngineKind[] = ['memory', 'lmdb'];

export type BusOptions = Omit<OpenOptions, 'path'>;

/** A new directory, removed when the test ends. */
export function tempDirectory(): string {
  const directory = makeDirectory();
  onTestFinished(() => removeDirectory(directory));
  return directory;
}

/** A bus in a store of its own; closed and removed when the test ends. */
export async function tempBus<Events extends EventShape = AnyEvent>(
  options: BusOptions = {},
  kind: EngineKind = 'memory',
): Promise<Bus<Events>> {
  return tempStore(kind).openBus<Events>(options);
}

/** A store that is closed and removed when the test ends. */
export function tempStore(kind: EngineKind = 'memory'): TempStore {
  const store = new TempStore(kind);
  onTestFinished(() => store.close());
  return store;
}

/** A store that can be opened again and again. Property tests make one for each case and close it themselves. */
export class TempStore implements AsyncDisposable {
  readonly kind: EngineKind;
  /** The data of a store in memory: what a test looks at, damages, or lets fail. */
  readonly storage = new MemoryStorage();
  /** The directory of a store on LMDB; it does not exist for one in memory. */
  readonly directory: string;
  readonly #open = new Set<{ close(): unknown }>();
  readonly #engineOf = new Map<object, Engine>();

  constructor(kind: EngineKind) {
    this.kind = kind;
    this.directory = kind === 'lmdb' ? makeDirectory() : ':memory:';
  }

  /** What is stored; for reading, with what opens it. */
  async openEngine(options: BusOptions = {}): Promise<Engine> {
    const engine = await this.#openStored(options);
    const resolved = resolveOptions({ ...withTestKey(options), path: this.directory });
    const keys = resolved.readOnly
      ? await unlockKeys(this.#keyStorage(), resolved.encryption, resolved.signal)
      : undefined;
    return keys !== undefined && openSecrets(keys.storage, keys.key, keys.secrets) ? keyedReader(engine, keys) : engine;
  }

  async #openStored(options: BusOptions): Promise<Engine> {
    const resolved = resolveOptions({ ...options, path: this.directory });
    const initialRows = initialMetaRows(resolved.durability, 0);
    const engine =
      this.kind === 'memory'
        ? openMemoryEngine(this.storage, { readOnly: resolved.readOnly, initialRows })
        : await openLmdbEngine({ ...resolved, directory: this.directory, initialRows });
    this.#open.add(engine);
    return engine;
  }

  /** A bus on this store, with its writer inline; `wrap` may put something between it and its engine. */
  async openBus<Events extends EventShape = AnyEvent>(
    options: BusOptions = {},
    wrap: (engine: Engine) => Engine = (engine) => engine,
  ): Promise<Bus<Events>> {
    const resolved = resolveOptions({ ...withTestKey(options), path: this.directory, inline: true });
    const keys = await unlockKeys(this.#keyStorage(), resolved.encryption, resolved.signal);
    const engine = await this.#openStored(options);
    try {
      const bus = await busOn<Events>(async (events) => storeOn(wrap(engine), resolved, events, keys), resolved);
      this.#open.add(bus);
      this.#engineOf.set(bus, engine);
      return bus;
    } catch (error) {
      engine.close();
      throw error;
    }
  }

  #keyStorage(): KeyStorage {
    return this.kind === 'memory' ? this.storage.keys : new KeyFileStorage({ directory: this.directory });
  }

  /** Takes the store away from `bus`, as the end of its process would: it writes nothing any more. */
  crash(bus: { close(): unknown }): void {
    this.#engineOf.get(bus)?.close();
    this.#open.delete(bus);
  }

  /** Closes what is open, in whatever state the test left it, and removes the directory. */
  async close(): Promise<void> {
    for (const resource of [...this.#open].reverse()) await Promise.allSettled([closed(resource)]);
    if (this.kind === 'lmdb') removeDirectory(this.directory);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function closed(resource: { close(): unknown }): Promise<void> {
  await resource.close();
}

function makeDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'varvebus-'));
}

function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}
