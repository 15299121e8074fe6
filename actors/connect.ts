/**
 * The bus in another thread of the process that writes: it appends through a port to the writer and reads for itself.
 *
 * Nothing passes through the thread that opened the bus. A thread that dies takes nothing with it but its own calls.
 */
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import { BusError } from '../src/errors.ts';
import { abortError } from '../src/log/pages.ts';
import type { Schemas } from '../src/log/schemas.ts';
import { refuseUnknownNames } from '../src/option-names.ts';
import type { AnyEvent, EventShape } from '../src/types.ts';
import type { Bus } from './bus.ts';
import { busOn } from './open-bus.ts';
import { openConnected } from './open-store.ts';
import { schemaSet } from './options.ts';
import type { Hello, ToCaller } from './writer-port.ts';

export interface ConnectOptions {
  /** Ends the wait for the bus at the other end. */
  readonly signal?: AbortSignal;
  /** As for `openBus`, for what this thread appends: schemas are code, and don't pass through a port. @default {} */
  readonly schemas?: Schemas;
}

/**
 * Connects this thread to the bus whose `port()` was transferred to it. It has appends, aggregates, reads, subscriptions,
 * listeners and `head$`; processors, timers and queries are the bus's at the other end. When that closes, so does this.
 * @throws {STORE_CLOSED} when the bus at the other end is closed. @throws {ABORTED}
 */
export async function connectBus<Events extends EventShape = AnyEvent>(
  port: MessagePort,
  options: ConnectOptions = {},
): Promise<Bus<Events>> {
  refuseUnknownNames('connectBus', options, ['signal', 'schemas']);
  const { signal } = options;
  const schemas = schemaSet(options.schemas);
  const left = new AbortController();
  const hello = helloOf(port, left);
  // Nobody waits for it any more once the signal has ended the wait.
  hello.catch(() => undefined);
  try {
    const bus = await busOn<Events>(
      async (events) => openConnected(port, await heard(hello, signal), events),
      undefined,
      schemas,
    );
    // What came right behind the hello is seen now.
    await setImmediate();
    if (left.signal.aborted) {
      await bus.close();
      throw closedError();
    }
    left.signal.addEventListener('abort', () => void bus.close(), { once: true });
    return bus;
  } catch (error) {
    port.close();
    throw error;
  }
}

/** Listens from the start, so that nothing is missed; aborts `left` when the bus at the other end closes, or is gone. */
async function helloOf(port: MessagePort, left: AbortController): Promise<Hello> {
  const hello = new Promise<Hello>((resolve) => {
    port.on('message', (message: ToCaller) => {
      if (message.kind === 'hello') {
        // From here on only what is waited for keeps the thread alive.
        port.unref();
        resolve(message.hello);
      } else if (message.kind === 'closing') left.abort();
    });
  });
  const gone = once(port, 'close').then(() => {
    left.abort();
    throw closedError();
  });
  return Promise.race([hello, gone]);
}

async function heard(hello: Promise<Hello>, signal: AbortSignal | undefined): Promise<Hello> {
  if (signal === undefined) return hello;
  if (signal.aborted) throw abortError(signal, 'nothing-written');
  const settled = new AbortController();
  const aborted = once(signal, 'abort', { signal: settled.signal }).then(() => {
    throw abortError(signal, 'nothing-written');
  });
  aborted.catch(() => undefined);
  try {
    return await Promise.race([hello, aborted]);
  } finally {
    settled.abort();
  }
}

function closedError(): BusError {
  return new BusError('STORE_CLOSED', 'the bus at the other end of the port is closed', { path: 'unknown' });
}
