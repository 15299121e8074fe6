/**
 * A server of its own for a dashboard whose app has none.
 */

import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ResolvedListenOptions } from './options.ts';

/** Where a dashboard listens. */
export interface Listening extends AsyncDisposable {
  /** To be opened in a browser: with a token that is good once, unless the dashboard has an `auth`. A new one each time it is asked for. */
  readonly url: string;
  readonly port: number;
  /** Disconnects whoever is connected. Twice is fine. */
  close(): Promise<void>;
}

interface ListeningWorld {
  /** The path of a URL to open. */
  readonly path: () => string;
  readonly onClosed: () => void;
  readonly report: (error: unknown) => void;
}

export async function listening(
  handler: RequestListener,
  { port, host, signal }: ResolvedListenOptions,
  { path, onClosed, report }: ListeningWorld,
): Promise<Listening> {
  signal?.throwIfAborted();
  const times = { headersTimeout: headersMs, requestTimeout: requestMs, connectionsCheckingInterval: checkMs };
  const server = createServer(times, handler);
  server.maxConnections = connectionsMax;
  server.listen(port, host);
  try {
    await once(server, 'listening', signal && { signal });
  } catch (error) {
    server.close();
    throw error;
  }
  // A connection that can't be accepted ends nothing.
  server.on('error', report);
  const address = server.address() as AddressInfo;
  const shown = host.includes(':') ? `[${host}]` : host;
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= new Promise<void>((resolve) => {
      signal?.removeEventListener('abort', onAbort);
      server.close(() => resolve());
      server.closeAllConnections();
    }).finally(onClosed);
    return closing;
  };
  const onAbort = () => void close();
  signal?.addEventListener('abort', onAbort, { once: true });
  return {
    get url() {
      return `http://${shown}:${address.port}${path()}`;
    },
    port: address.port,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** How long a request's headers, and all of it, may take to arrive. Milliseconds. */
const headersMs = 10_000;
const requestMs = 20_000;
/** How often that is looked at. */
const checkMs = 2000;
/** A browser opens six, and each page keeps one. */
const connectionsMax = 256;
