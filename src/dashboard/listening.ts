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
}

export async function listening(
  handler: RequestListener,
  { port, host, signal }: ResolvedListenOptions,
  { path, onClosed }: ListeningWorld,
): Promise<Listening> {
  signal?.throwIfAborted();
  const server = createServer({ headersTimeout: headersMs, requestTimeout: requestMs }, handler);
  server.maxConnections = connectionsMax;
  server.listen(port, host);
  try {
    await once(server, 'listening', signal && { signal });
  } catch (error) {
    server.close();
    throw error;
  }
  const address = server.address() as AddressInfo;
  const shown = host.includes(':') ? `[${host}]` : host;
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }).finally(onClosed);
    return closing;
  };
  signal?.addEventListener('abort', () => void close(), { once: true });
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
/** A browser opens six, and each page keeps one. */
const connectionsMax = 256;
