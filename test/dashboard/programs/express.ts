/**
 * A process with dashboards in apps of Express, each behind other middleware: prints their addresses by name, as JSON, and
 * serves until it is killed. Not in the process of the tests, whose export conditions Express' dependencies are not made for.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { dashboard } from '#dashboard';
import { openBus } from '#store';

const bus = await openBus({ path: ':memory:' });
await bus.append('a', { type: 'began' });
const processor = bus.processor({ name: 'mailer', handle: () => undefined });
processor.start();
await processor.waitFor('live');

const router = express.Router();
router.use('/bus', dashboard(bus, { allowActions: true, auth: () => true }));

const apps: Readonly<Record<string, (app: express.Express) => string>> = {
  'below a path': (app) => below(app),
  'at the root': (app) => {
    const board = dashboard(bus, { allowActions: true });
    app.use(board);
    return board.login();
  },
  'behind express.json()': (app) => below(app.use(express.json())),
  'behind express.raw()': (app) => below(app.use(express.raw({ type: '*/*' }))),
  'behind express.text()': (app) => below(app.use(express.text({ type: '*/*' }))),
  'in a router of a router, which it was not told of': (app) => {
    app.use('/ops', router);
    return '/ops/bus/';
  },
};

function below(app: express.Express): string {
  const board = dashboard(bus, { basePath: '/ops/bus', allowActions: true });
  app.use('/ops/bus', board);
  return board.login();
}

const urls: Record<string, string> = {};
for (const [name, mount] of Object.entries(apps)) {
  const app = express();
  const path = mount(app);
  app.use((_request, response) => void response.send('the rest'));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  urls[name] = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
}
console.log(JSON.stringify(urls));
