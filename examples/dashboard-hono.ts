/**
 * The dashboard below a path of an app of Hono, on its server for Node.
 *
 * Run it: node --conditions=source examples/dashboard-hono.ts. It serves until Ctrl-C.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { dashboard } from '#dashboard';
import { openBus } from '#store';

const bus = await openBus({ path: ':memory:' });
await bus.append('order-1', { type: 'Placed' });
const board = dashboard(bus, { basePath: '/ops/bus' });

const app = new Hono<{ Bindings: { incoming: IncomingMessage; outgoing: ServerResponse } }>();
app.all('/ops/bus/*', ({ env }) => {
  board(env.incoming, env.outgoing);
  return RESPONSE_ALREADY_SENT;
});
app.get('/', (context) => context.text('the shop\n'));

const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
console.log(`http://127.0.0.1:${port}${board.login()}`);

await once(process, 'SIGINT');
// First the dashboard, whose pages stay connected for as long as they are open.
await board.close();
server.close();
await bus.close();
