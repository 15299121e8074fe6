/**
 * A dashboard as its user holds it: one handler of requests with a few methods (dashboard-server.ts does the work).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Bus } from '../../actors/bus.ts';
import type { AnyEvent, EventShape } from '../types.ts';
import { appSource } from './app-source.ts';
import { DashboardServer } from './dashboard-server.ts';
import { fileSource } from './file-source.ts';
import type { Listening } from './listening.ts';
import { type DashboardOptions, type ListenOptions, resolveDashboardOptions } from './options.ts';

/**
 * A live page of what a bus does: mount it into any server that hands over requests of `node:http`, or let it {@link listen}.
 *
 * ```ts
 * const board = dashboard(bus);
 * const { url } = await board.listen(); // open it
 * ```
 */
export interface Dashboard extends AsyncDisposable {
  /** Answers a request. `next` is called for a path that is not below `basePath`; without it that is a 404. Never throws. */
  (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void;
  /**
   * A path with a new token, below the base path: whoever opens it first, within a day, is logged in until this dashboard is
   * closed. Put the origin of your server before it. With the option `auth` it is the base path, and nobody logs in.
   */
  login(): string;
  /**
   * Serves it by itself and resolves to where: with a token in `url`, unless there is `auth`. Any number of times.
   * @throws {TypeError} for options out of range, and for a host that others can reach without `auth`; what `listen` of node:net
   * fails with.
   */
  listen(options?: ListenOptions): Promise<Listening>;
  /** Disconnects all pages and stops listening; the bus stays open. A request after that is answered 503. Twice is fine. */
  close(): Promise<void>;
}

/**
 * A dashboard of `bus`. Of one that was opened read-only it shows what the process that writes the store tells of itself in the
 * store's directory, at most ten times a second, and takes no orders. Costs a look at a few counters a second while no page is connected; follows the bus while one is.
 * Shows what was there last once the bus is closed; ends with `close()`.
 * @throws {TypeError} for options out of range. @throws {STORE_CLOSED} {UNSUPPORTED} where the page was not built.
 */
export function dashboard<Events extends EventShape = AnyEvent>(
  bus: Bus<Events>,
  options: DashboardOptions<Events> = {},
): Dashboard {
  const resolved = resolveDashboardOptions(options as unknown as DashboardOptions);
  const { readOnly } = bus.capabilities;
  if (readOnly && resolved.actions.length > 0) {
    throw new TypeError('allowActions must be false for a bus that was opened read-only: nothing can be ordered there');
  }
  const source = readOnly ? fileSource(bus as unknown as Bus) : appSource(bus as unknown as Bus);
  const server = new DashboardServer(source, resolved);
  const handler = (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void => {
    void server.handle(request, response, next);
  };
  const close = () => server.close();
  return Object.assign(handler, {
    login: () => server.login(),
    listen: (given: ListenOptions = {}) => server.listen(handler, given),
    close,
    [Symbol.asyncDispose]: close,
  });
}
