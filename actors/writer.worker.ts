/**
 * The writer's thread: opens the store, serves its ports until it is asked to stop, and closes the store. Nothing else.
 */
import { resolve } from 'node:path';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { assert } from '../src/assert.ts';
import { StoreSecrets } from '../src/crypto/secrets.ts';
import { disconnectMaxMs } from '../src/limits.ts';
import { type KeySetup, openLogWriter } from '../src/log/key-setup.ts';
import { initialMetaRows } from '../src/log/store-meta.ts';
import { KeyFileStorage } from '../src/storage/key-storage.ts';
import { openLmdbEngine } from '../src/storage/lmdb-engine.ts';
import { packError } from './error-transfer.ts';
import { PortGauge } from './port-gauge.ts';
import { SharedCounts } from './shared-counts.ts';
import { SharedState } from './shared-state.ts';
import { WriterLoop } from './writer-loop.ts';
import { PortServer } from './writer-port.ts';
import type { FromWriterThread, ToWriterThread, WriterThreadData, WriterThreadKeys } from './writer-thread.ts';

const main = parentPort as MessagePort;
const { options, shared, counts, keys } = workerData as WriterThreadData;
const setup = keys && keySetup(keys);
const stopWaiting = new AbortController();
main.on('message', (message: ToWriterThread) => {
  if (message.kind === 'abort') stopWaiting.abort();
});
await serve();

async function serve(): Promise<void> {
  try {
    const initialRows = initialMetaRows(options.durability, Date.now());
    const stored = await openLmdbEngine({
      ...options,
      directory: options.path,
      readOnly: false,
      initialRows,
      signal: stopWaiting.signal,
    });
    let engine = stored;
    try {
      const state = new SharedState(shared);
      const writing = { ...options, clock: Date.now, onCommit: new SharedCounts(counts).addCommit };
      const opened = state.whileCommitting(() => openLogWriter(stored, writing, setup));
      // Halted: the process is about to end.
      if (opened === undefined) return;
      ({ engine } = opened);
      const { writer } = opened;
      const loop = new WriterLoop(writer, state);
      const { durability } = writer.identity;
      const ports = new PortServer(
        { path: resolve(options.path), durability, shared, counts, secrets: setup?.secrets.memory },
        loop,
      );
      tell({ kind: 'opened' });
      await stopped(ports);
      await ports.close(disconnectMaxMs);
      await loop.drained();
      state.whileCommitting(() => writer.flushIndex());
    } finally {
      engine.close();
    }
  } catch (error) {
    tell({ kind: 'failed', error: packError(error) });
  } finally {
    main.close();
  }
}

/** What is waiting on the port that the thread was started with. */
function keySetup(port: MessagePort): KeySetup {
  const waiting = receiveMessageOnPort(port);
  assert(waiting !== undefined, 'the keys are there before the thread is');
  const { key, mode, ledger, secrets }: WriterThreadKeys = waiting.message;
  port.close();
  return {
    storage: new KeyFileStorage({ directory: options.path }),
    secrets: new StoreSecrets(secrets),
    masterKey: key,
    mode,
    ledger,
  };
}

/** Connects threads, and resolves when the bus stops the writer. */
function stopped(ports: PortServer): Promise<void> {
  return new Promise((resolve) => {
    main.on('message', (message: ToWriterThread) => {
      if (message.kind === 'connect') ports.connect(message.port, message.gauge && new PortGauge(message.gauge));
      else if (message.kind === 'stop') resolve();
    });
  });
}

function tell(message: FromWriterThread): void {
  main.postMessage(message);
}
