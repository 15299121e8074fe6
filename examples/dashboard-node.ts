/**
 * The dashboard below a path of a server of node:http: /ops/bus is the dashboard's, the rest is yours.
 *
 * Run it: node --conditions=source examples/dashboard-node.ts. It serves until Ctrl-C.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dashboard } from '#dashboard';
import { openBus } from '#store';

const bus = await openBus({ path: ':memory:' });
await bus.append('order-1', { type: 'Placed' });
const board = dashboard(bus, { basePath: '/ops/bus' });

const server = createServer((request, response) => {
  board(request, response, () => response.end('the shop\n'));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
console.log(`http://127.0.0.1:${port}${board.login()}`);

await once(process, 'SIGINT');
// First the dashboard, whose pages stay connected for as long as they are open.
await board.close();
server.close();
await bus.close();
