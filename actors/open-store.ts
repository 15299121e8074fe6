/**
 * The four ways in which a bus has a store: with its writer in this thread or in one of its own, connected to the bus of
 * another thread, or only reading what another process writes. All give the same parts.
 */
import { resolve } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { StoreSecrets } from '../src/crypto/secrets.ts';
import { disconnectMaxMs } from '../src/limits.ts';
import { openLogWriter, requirePlain } from '../src/log/key-setup.ts';
import { KeyedEngine } from '../src/log/keyed-engine.ts';
import { LogReader } from '../src/log/log-reader.ts';
import type { StoreIdentity } from '../src/log/store-meta.ts';
import { TailFollower } from '../src/log/tail.ts';
import type { Engine } from '../src/storage/engine.ts';
import { KeyFileStorage } from '../src/storage/key-storage.ts';
import { MemoryStorage } from '../src/storage/memory-engine.ts';
import type { Capabilities } from '../src/types.ts';
import { Appender } from './appender.ts';
import { FollowedKeys } from './followed-keys.ts';
import { keyedReader, type ReaderKeys } from './keyed-reader.ts';
import type { ResolvedOptions } from './options.ts';
import type { PortGauge } from './port-gauge.ts';
import { SharedCounts } from './shared-counts.ts';
import { SharedState } from './shared-state.ts';
import { closingOnError, openEngine, openReader, readStoreIdentity } from './store-engines.ts';
import { openSecrets, type StoreKeys, unlockKeys } from './store-keys.ts';
import { type Listen, polled, shared } from './wake-ups.ts';
import { WriterLoop } from './writer-loop.ts';
import { type Hello, PortServer, WriterPort } from './writer-port.ts';
import { WriterThread } from './writer-thread.ts';

/** A store as a bus uses it. */
export interface OpenStore {
  /** For reading in this thread. */
  readonly engine: Engine;
  readonly identity: StoreIdentity;
  readonly capabilities: Capabilities;
  /** `undefined` for a store without encryption. */
  readonly keys: ReaderKeys | undefined;
  readonly reader: LogReader;
  /** What all threads of the bus count. */
  readonly counts: SharedCounts;
  /** The last durable position. */
  readonly head: () => number;
  readonly listen: Listen;
  /** `undefined`: the store can only be read here. */
  readonly appender: Appender | undefined;
  /** Serves another thread; `undefined` where no other thread can read the store. */
  readonly connect: ((port: MessagePort, gauge: PortGauge) => void) | undefined;
  /** Takes no more appends, and resolves when those before are settled. */
  stopAppends(): Promise<void>;
  /** After `stopAppends`, and when nobody reads any more: gives everything back, and ends what still waits for a wake-up. */
  release(): Promise<void>;
}

/** What a store tells the bus on it. */
export interface StoreEvents {
  /** No more appends are taken, and why. */
  readonly onFailed: (error: unknown) => void;
}

/** Longest time a reader takes to notice a commit of another process, beside the event loop's own delay. */
const headPollMs = 20;

/** @throws what `openBus` throws, but for TypeErrors. */
export async function openStore(options: ResolvedOptions, events: StoreEvents): Promise<OpenStore> {
  const { path, encryption, signal } = options;
  const memory = path === ':memory:' ? new MemoryStorage() : undefined;
  const storage = memory?.keys ?? new KeyFileStorage({ directory: path });
  // Before anything else is touched, even the lock: with a wrong key nothing happens.
  const keys = await unlockKeys(storage, encryption, signal);
  if (!options.readOnly && !options.inline) return openBesideThread(options, keys, events);
  const engine = await openEngine(options, memory);
  return closingOnError(engine, keys, () => storeOn(engine, options, events, keys));
}

/** The store of `engine`, with the writer inline unless it is read-only. */
export function storeOn(engine: Engine, options: ResolvedOptions, events: StoreEvents, keys?: StoreKeys): OpenStore {
  return options.readOnly ? followingStore(engine, keys) : inlineStore(engine, options, events, keys);
}

/** What another process writes, with keys that keep up with it. */
function followingStore(engine: Engine, keys: StoreKeys | undefined): OpenStore {
  if (keys === undefined) {
    requirePlain(engine);
    return readOnlyStore(engine, keys);
  }
  const { storage, secrets, key, masterKey: source, exist } = keys;
  if (exist) openSecrets(storage, key, secrets);
  const followed = new FollowedKeys({ storage, secrets, source });
  const store = readOnlyStore(new KeyedEngine(engine, followed, !exist), keys);
  let head = 0;
  return {
    ...store,
    // While new keys are asked for nobody is told of events that can't be opened yet.
    head: () => {
      try {
        const last = store.head();
        if (!followed.isAsking) head = last;
      } catch (error) {
        if (!followed.isAsking) throw error;
      }
      return head;
    },
  };
}

/** The store of the bus at the other end of `port`, which has said `hello`. Closes the port in the end. */
export async function openConnected(port: MessagePort, hello: Hello, events: StoreEvents): Promise<OpenStore> {
  const { path, durability, shared: memory, counts: countsMemory, secrets } = hello;
  const counts = new SharedCounts(countsMemory);
  const keys = secrets && { storage: new KeyFileStorage({ directory: path }), secrets: new StoreSecrets(secrets) };
  const engine = keyedReader(await openReader(path, durability), keys);
  return closingOnError(engine, undefined, () =>
    memory === undefined
      ? connectedReader(port, engine, keys, counts)
      : connectedStore(port, engine, keys, new SharedState(memory), counts, events),
  );
}

function readOnlyStore(engine: Engine, keys: ReaderKeys | undefined, counts = new SharedCounts()): OpenStore {
  const identity = readStoreIdentity(engine);
  const reader = new LogReader(engine, new TailFollower(), counts.addRead);
  // What a reader can rely on is what the writers chose; in memory there is nothing to rely on.
  const durability = engine.capabilities.durability === 'none' ? 'none' : identity.durability;
  const path = resolve(engine.path);
  const secrets = keys?.secrets.memory;
  const hello: Hello = { path, durability: identity.durability, shared: undefined, counts: counts.memory, secrets };
  const ports = new PortServer(hello, undefined);
  return {
    engine,
    identity,
    capabilities: { ...engine.capabilities, durability },
    keys,
    reader,
    counts,
    head: () => reader.head(),
    listen: polled(headPollMs),
    appender: undefined,
    connect: engine.capabilities.threads ? (port, gauge) => ports.connect(port, gauge) : undefined,
    stopAppends: async () => undefined,
    release: async () => {
      await ports.close(disconnectMaxMs);
      engine.close();
      keys?.secrets.clear();
    },
  };
}

function inlineStore(
  stored: Engine,
  options: ResolvedOptions,
  events: StoreEvents,
  keys: StoreKeys | undefined,
): OpenStore {
  const counts = new SharedCounts();
  const writing = { ...options, onCommit: counts.addCommit };
  const { engine, writer } = openLogWriter(stored, writing, keys && { ...keys, masterKey: keys.key });
  const state = new SharedState();
  const loop = new WriterLoop(writer, state);
  const appender = new Appender({ path: engine.path, onReady: () => loop.wake(), onFailed: events.onFailed });
  loop.add(appender);
  const { durability } = writer.identity;
  const path = resolve(engine.path);
  const secrets = keys?.secrets.memory;
  const hello: Hello = { path, durability, shared: state.memory, counts: counts.memory, secrets };
  const ports = new PortServer(hello, loop);
  return {
    engine,
    identity: writer.identity,
    capabilities: engine.capabilities,
    keys,
    reader: new LogReader(engine, writer, counts.addRead),
    counts,
    head: () => state.head,
    listen: shared(state),
    appender,
    connect: engine.capabilities.threads ? (port, gauge) => ports.connect(port, gauge) : undefined,
    stopAppends: () => appender.close(),
    release: async () => {
      try {
        await ports.close(disconnectMaxMs);
        await loop.drained();
        writer.flushIndex();
      } finally {
        state.wake();
        engine.close();
        keys?.secrets.clear();
      }
    },
  };
}

async function openBesideThread(
  options: ResolvedOptions,
  keys: StoreKeys | undefined,
  events: StoreEvents,
): Promise<OpenStore> {
  const thread = await WriterThread.start(options, keys, events.onFailed).catch((error: unknown) => {
    // It may have filled them before it failed.
    keys?.secrets.clear();
    throw error;
  });
  try {
    const engine = keyedReader(await openReader(options.path, options.durability), keys);
    return closingOnError(engine, undefined, () => {
      const { appender } = thread.port;
      return {
        ...ownStore(engine, keys, thread.state, thread.counts),
        appender,
        connect: (port, gauge) => thread.connect(port, gauge),
        stopAppends: () => appender.close(),
        release: async () => {
          // LMDB is open in all threads or in none: a writer that opens the store next must not find a reader of ours.
          engine.close();
          try {
            await thread.stop();
          } finally {
            thread.state.wake();
            keys?.secrets.clear();
          }
        },
      };
    });
  } catch (error) {
    // What kept the store from opening is told; what may go wrong on the way back is not.
    await thread.stop().catch(() => undefined);
    keys?.secrets.clear();
    throw error;
  }
}

function connectedStore(
  port: MessagePort,
  engine: Engine,
  keys: ReaderKeys | undefined,
  state: SharedState,
  counts: SharedCounts,
  events: StoreEvents,
): OpenStore {
  const writer = new WriterPort(port, engine.path, state, events);
  return {
    ...ownStore(engine, keys, state, counts),
    appender: writer.appender,
    connect: undefined,
    stopAppends: () => writer.appender.close(),
    release: async () => {
      engine.close();
      await writer.close();
    },
  };
}

function connectedReader(
  port: MessagePort,
  engine: Engine,
  keys: ReaderKeys | undefined,
  counts: SharedCounts,
): OpenStore {
  const store = readOnlyStore(engine, keys, counts);
  return {
    ...store,
    connect: undefined,
    release: async () => {
      engine.close();
      port.close();
    },
  };
}

/** What is read beside a writer of the same process. */
function ownStore(engine: Engine, keys: ReaderKeys | undefined, state: SharedState, counts: SharedCounts) {
  const identity = readStoreIdentity(engine);
  return {
    engine,
    identity,
    capabilities: { ...engine.capabilities, durability: identity.durability, readOnly: false },
    keys,
    reader: new LogReader(engine, new TailFollower(), counts.addRead),
    counts,
    head: () => state.head,
    listen: shared(state),
  };
}
