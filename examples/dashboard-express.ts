/**
 * The dashboard below a path of an app of Express. It may also stand behind express.json().
 *
 * Run it: node --conditions=source examples/dashboard-express.ts. It serves until Ctrl-C.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { dashboard } from '#dashboard';
import { openBus } from '#store';

const bus = await openBus({ path: ':memory:' });
await bus.append('order-1', { type: 'Placed' });
// The base path is for the link that login() makes; requests bring it along.
const board = dashboard(bus, { basePath: '/ops/bus' });

const app = express();
app.use(express.json());
app.use('/ops/bus', board);
app.get('/', (_request, response) => void response.send('the shop\n'));

const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
console.log(`http://127.0.0.1:${port}${board.login()}`);

await once(process, 'SIGINT');
// First the dashboard, whose pages stay connected for as long as they are open.
await board.close();
server.close();
await bus.close();
