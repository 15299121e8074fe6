/**
 * The writer's thread: opens the store, serves its ports until it is asked to stop, and closes the store. Nothing else.
 */
import { resolve } from 'node:path';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { disconnectMaxMs } from '../src/limits.ts';
import { LogWriter } from '../src/log/log-writer.ts';
import { initialMetaRows } from '../src/log/store-meta.ts';
import { openLmdbEngine } from '../src/storage/lmdb-engine.ts';
import { packError } from './error-transfer.ts';
import { SharedState } from './shared-state.ts';
import { WriterLoop } from './writer-loop.ts';
import { PortServer } from './writer-port.ts';
import type { FromWriterThread, ToWriterThread, WriterThreadData } from './writer-thread.ts';

const main = parentPort as MessagePort;
const { options, shared } = workerData as WriterThreadData;
const stopWaiting = new AbortController();
main.on('message', (message: ToWriterThread) => {
  if (message.kind === 'abort') stopWaiting.abort();
});
await serve();

async function serve(): Promise<void> {
  try {
    const initialRows = initialMetaRows(options.durability, Date.now());
    const engine = await openLmdbEngine({
      ...options,
      directory: options.path,
      readOnly: false,
      initialRows,
      signal: stopWaiting.signal,
    });
    try {
      const state = new SharedState(shared);
      const writer = state.whileCommitting(() => new LogWriter(engine, { ...options, clock: Date.now }));
      // Halted: the process is about to end.
      if (writer === undefined) return;
      const loop = new WriterLoop(writer, state);
      const { durability } = writer.identity;
      const ports = new PortServer({ path: resolve(options.path), durability, shared }, loop);
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

/** Connects threads, and resolves when the bus stops the writer. */
function stopped(ports: PortServer): Promise<void> {
  return new Promise((resolve) => {
    main.on('message', (message: ToWriterThread) => {
      if (message.kind === 'connect') ports.connect(message.port);
      else if (message.kind === 'stop') resolve();
    });
  });
}

function tell(message: FromWriterThread): void {
  main.postMessage(message);
}
