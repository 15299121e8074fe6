/**
 * The writer's thread: opens the store, serves its ports until it is asked to stop, and closes the store. Nothing else.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
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
      const ports = new PortServer({ path: options.path, durability, shared }, loop);
      tell({ kind: 'opened' });
      await untilStopped(ports, async (disconnectMs) => {
        await ports.close(disconnectMs);
        await loop.drained();
        state.whileCommitting(() => writer.flushIndex());
      });
    } finally {
      engine.close();
    }
  } catch (error) {
    tell({ kind: 'failed', error: packError(error) });
  } finally {
    main.close();
  }
}

/** Connects threads until the bus stops the writer. */
async function untilStopped(ports: PortServer, stop: (disconnectMs: number) => Promise<void>): Promise<void> {
  const disconnectMs = await new Promise<number>((resolve) => {
    main.on('message', (message: ToWriterThread) => {
      if (message.kind === 'connect') ports.connect(message.port);
      else if (message.kind === 'stop') resolve(message.disconnectMs);
    });
  });
  await stop(disconnectMs);
}

function tell(message: FromWriterThread): void {
  main.postMessage(message);
}
