/**
 * A shop with a dashboard below its own server: /bus shows what the bus does, live, and lets who has the link pause and resume
 * processors. Addresses of customers are not shown.
 *
 * Run it: node --conditions=source examples/dashboard.ts. It sells until Ctrl-C, or as many lamps as it is told.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { dashboard } from '#dashboard';
import { openBus } from '#store';

type ShopEvent = { type: 'Sold'; data: { item: string; address: string } } | { type: 'Shipped' };

const [, , lamps = 'Infinity'] = process.argv;
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

const directory = mkdtempSync(join(tmpdir(), 'dashboard-'));
const bus = await openBus<ShopEvent>({ path: join(directory, 'store') });

// The post office is closed at every third try: see it retrying.
let tries = 0;
const shipping = bus.processor({
  name: 'shipping',
  types: ['Sold'],
  handle: async ({ stream }, { append }) => {
    tries++;
    if (tries % 3 === 0) throw new Error('the post office is closed');
    await append(stream, { type: 'Shipped' });
  },
});
shipping.start();

const board = dashboard(bus, {
  basePath: '/bus',
  title: 'Lamps',
  allowActions: ['pause', 'resume', 'retry'],
  redact: (event) => (event.type === 'Sold' ? { ...event, data: { ...event.data, address: '(hidden)' } } : event),
  // Hidden too, otherwise: what a handler throws may quote an event. Ours does not.
  redactError: (error) => error,
});

// What is below /bus is the dashboard's; the rest is yours. With `auth` the app's own login decides who may see it.
const server = createServer((request, response) => {
  board(request, response, () => response.end('Buy a lamp!\n'));
});
await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
console.log(`http://127.0.0.1:${port}${board.login()}`);

try {
  for (let order = 1; order <= Number(lamps); order++) {
    await bus.append(`order-${order}`, { type: 'Sold', data: { item: 'lamp', address: `${order} High Street` } });
    await setTimeout(200, undefined, { signal: stop.signal });
  }
  await shipping.caughtUp();
  console.log(`${lamps} lamps sold and shipped`);
} catch (error) {
  if (!stop.signal.aborted) throw error;
} finally {
  await board.close();
  server.close();
  await bus.close();
  rmSync(directory, { recursive: true });
}
