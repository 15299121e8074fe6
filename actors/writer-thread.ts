/**
 * The writer's thread, seen from the thread that opened the bus: starts it, watches it, and asks it to stop.
 *
 * It is never terminated: a thread that is stopped inside an LMDB transaction blocks the store for good. It has no memory
 * limits of its own for the same reason. When it fails or falls silent, the bus is given up.
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { BusError } from '../src/errors.ts';
import { disconnectMaxMs, writerSilenceMaxMs } from '../src/limits.ts';
import { abortError } from '../src/log/pages.ts';
import { type PackedError, unpackError } from './error-transfer.ts';
import { guardExit, releaseExit } from './exit-guard.ts';
import type { ResolvedOptions } from './options.ts';
import type { PortGauge } from './port-gauge.ts';
import { SharedCounts } from './shared-counts.ts';
import { SharedState } from './shared-state.ts';
import type { StoreKeys } from './store-keys.ts';
import { withinMs } from './within-ms.ts';
import { inheritedArguments, workerFile } from './worker-file.ts';
import { WriterPort } from './writer-port.ts';

/** What the thread is started with. */
export interface WriterThreadData {
  readonly options: Pick<
    ResolvedOptions,
    'path' | 'durability' | 'lockWaitMs' | 'idempotencyTtlMs' | 'rebuildIndex' | 'force'
  >;
  readonly shared: SharedArrayBuffer;
  /** Of the bus: its {@link SharedCounts}. */
  readonly counts: SharedArrayBuffer;
  /** Here {@link WriterThreadKeys} are waiting; `undefined` for a store without encryption. */
  readonly keys: MessagePort | undefined;
}

/** What the thread opens the keys with. Of a port that only its own code has: what a thread is started with, others see. */
export interface WriterThreadKeys extends Pick<StoreKeys, 'key' | 'mode' | 'ledger'> {
  /** Memory of the {@link StoreSecrets}. */
  readonly secrets: SharedArrayBuffer;
}

export type ToWriterThread =
  | { readonly kind: 'abort' }
  /** `gauge`: memory of the {@link PortGauge}; a bus knows of its own way to the writer itself. */
  | { readonly kind: 'connect'; readonly port: MessagePort; readonly gauge: SharedArrayBuffer | undefined }
  | { readonly kind: 'stop' };

export type FromWriterThread = { readonly kind: 'opened' } | { readonly kind: 'failed'; readonly error: PackedError };

export class WriterThread {
  readonly state: SharedState;
  readonly counts: SharedCounts;
  /** The way of this thread's own commands. */
  readonly port: WriterPort;
  readonly #path: string;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #hasExited = false;
  /** Other threads append, too: what is under way is not known here. */
  #isShared = false;
  #isStopping = false;
  /** What went wrong while it stopped. */
  #stopFailure: unknown;

  /**
   * Starts the thread and waits until it has opened the store.
   * @throws what opening a store throws; {ABORTED} when `options.signal` ends the wait for another writer.
   */
  static async start(
    options: ResolvedOptions,
    keys: StoreKeys | undefined,
    onFailed: (error: unknown) => void,
  ): Promise<WriterThread> {
    const state = new SharedState();
    const counts = new SharedCounts();
    const { path, durability, lockWaitMs, idempotencyTtlMs, rebuildIndex, force, signal } = options;
    const data: WriterThreadData = {
      options: { path, durability, lockWaitMs, idempotencyTtlMs, rebuildIndex, force: [...force] },
      shared: state.memory,
      counts: counts.memory,
      keys: keys && portOf({ key: keys.key, mode: keys.mode, ledger: keys.ledger, secrets: keys.secrets.memory }),
    };
    guardExit(state);
    try {
      const worker = new Worker(workerFile('writer'), {
        workerData: data,
        transferList: data.keys === undefined ? [] : [data.keys],
        name: 'varvebus writer',
        ...inheritedArguments(),
        // It prints nothing. Without these, Node would set up the process's own streams for it, and its pipes to not blocking.
        stdout: true,
        stderr: true,
      });
      await opened(worker, signal);
      return new WriterThread(worker, state, counts, path, onFailed);
    } finally {
      releaseExit(state);
    }
  }

  private constructor(
    worker: Worker,
    state: SharedState,
    counts: SharedCounts,
    path: string,
    onFailed: (error: unknown) => void,
  ) {
    this.#path = path;
    this.#worker = worker;
    this.state = state;
    this.counts = counts;
    const fail = (cause: unknown) => {
      if (this.#isStopping) this.#stopFailure ??= cause;
      else this.port.fail(cause);
    };
    worker.on('error', fail);
    worker.on('message', (message: FromWriterThread) => {
      if (message.kind === 'failed') fail(unpackError(message.error));
    });
    this.#exited = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#hasExited = true;
        releaseExit(state);
        if (!this.#isStopping) fail(new Error('its thread ended'));
        resolve();
      });
    });
    const { port1, port2 } = new MessageChannel();
    this.port = new WriterPort(port1, path, state, {
      onBusy: (isBusy) => {
        if (isBusy) guardExit(state);
        else if (!this.#isShared) releaseExit(state);
      },
      onFailed,
    });
    this.#send({ kind: 'connect', port: port2, gauge: undefined }, [port2]);
    worker.unref();
  }

  /** Serves another thread at the other end of `port`, or closes that when there is no thread to serve it. */
  connect(port: MessagePort, gauge: PortGauge): void {
    if (this.#hasExited) {
      gauge.close();
      port.close();
      return;
    }
    this.#isShared = true;
    guardExit(this.state);
    this.#send({ kind: 'connect', port, gauge: gauge.memory }, [port]);
  }

  /**
   * Lets connected threads close, commits what was sent, writes the index, and waits for the end of the thread.
   * @throws {STORE_FAILED} when that does not come: the thread is left behind. What went wrong in the thread meanwhile.
   */
  async stop(): Promise<void> {
    await this.port.close();
    this.#isStopping = true;
    this.#worker.ref();
    guardExit(this.state);
    this.#send({ kind: 'stop' });
    const waitMs = this.state.isGivenUp ? 0 : disconnectMaxMs + writerSilenceMaxMs;
    if (!(await withinMs(waitMs, this.#exited))) {
      this.#worker.unref();
      const path = this.#path;
      throw new BusError('STORE_FAILED', `the writer's thread of the store at ${path} does not end`, { path });
    }
    if (this.#stopFailure !== undefined) throw this.#stopFailure;
  }

  #send(message: ToWriterThread, transfer: MessagePort[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}

/** A port on which the keys have arrived. */
function portOf(keys: WriterThreadKeys): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(keys);
  port1.close();
  return port2;
}

/** Waits for the first word of the thread. */
function opened(worker: Worker, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => worker.postMessage({ kind: 'abort' } satisfies ToWriterThread);
    const settle = (done: () => void) => {
      signal?.removeEventListener('abort', onAbort);
      worker.removeAllListeners();
      done();
    };
    worker.once('message', (message: FromWriterThread) => {
      if (message.kind === 'opened') settle(resolve);
      else
        settle(() =>
          reject(signal?.aborted === true ? abortError(signal, 'nothing-written') : unpackError(message.error)),
        );
    });
    worker.once('error', (error) => settle(() => reject(error)));
    worker.once('exit', (code) => settle(() => reject(new Error(`the writer's thread ended with code ${code}`))));
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted === true) onAbort();
  });
}
