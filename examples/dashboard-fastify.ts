/**
 * The dashboard below a path of an app of Fastify: it takes the request over before Fastify reads its body.
 *
 * Run it: node --conditions=source examples/dashboard-fastify.ts. It serves until Ctrl-C.
 */
import { once } from 'node:events';
import fastify from 'fastify';
import { dashboard } from '#dashboard';
import { openBus } from '#store';

const bus = await openBus({ path: ':memory:' });
await bus.append('order-1', { type: 'Placed' });
const board = dashboard(bus, { basePath: '/ops/bus' });

const app = fastify();
await app.register(
  async (below) => {
    below.addHook('onRequest', async (request, reply) => {
      reply.hijack();
      board(request.raw, reply.raw);
    });
    // The hook is for paths that there are.
    below.all('/', () => undefined);
    below.all('/*', () => undefined);
  },
  { prefix: '/ops/bus' },
);
app.get('/', () => 'the shop\n');
// First the dashboard, whose pages stay connected for as long as they are open.
app.addHook('preClose', () => board.close());

const address = await app.listen({ port: 0, host: '127.0.0.1' });
console.log(`${address}${board.login()}`);

await once(process, 'SIGINT');
await app.close();
await bus.close();
