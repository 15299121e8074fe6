import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type HttpBindings, serve } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import fastify, { type FastifyInstance } from 'fastify';
import { Hono } from 'hono';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type Dashboard, dashboard } from '#dashboard';
import type { EventsPage, ProcessorTopic } from '#kernel/dashboard/wire';
import { startProgram } from '../cli/child-program.ts';
import { ask, Site } from '../kit/dashboard-site.ts';
import { tempBus } from '../kit/temp-store.ts';

type Mount = (board: Dashboard, base: string) => Promise<number>;

async function portOf(server: Server): Promise<number> {
  if (!server.listening) await once(server, 'listening');
  onTestFinished(() => void server.closeAllConnections());
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function onNode(board: Dashboard): Promise<number> {
  const server = createServer((request, response) => {
    board(request, response, () => response.end('the rest'));
  });
  return portOf(server.listen(0, '127.0.0.1'));
}

const onFastify: Mount = async (board, base) => {
  const app = fastify();
  const plugin = async (below: FastifyInstance) => {
    below.addHook('onRequest', async (request, reply) => {
      reply.hijack();
      board(request.raw, reply.raw);
    });
    below.all('/', () => undefined);
    below.all('/*', () => undefined);
  };
  if (base === '') await app.register(plugin);
  else {
    await app.register(plugin, { prefix: base });
    app.get('/', () => 'the rest');
  }
  await app.listen({ port: 0, host: '127.0.0.1' });
  return portOf(app.server);
};

/** As a hook for everything, which has what is not ours go on. */
const onFastifyHook: Mount = async (board) => {
  const app = fastify();
  app.addHook('onRequest', (request, reply, next) => board(request.raw, reply.raw, () => next()));
  app.get('/', () => 'the rest');
  await app.listen({ port: 0, host: '127.0.0.1' });
  return portOf(app.server);
};

const onHono: Mount = async (board, base) => {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.all(`${base}/*`, ({ env }) => {
    board(env.incoming as IncomingMessage, env.outgoing as ServerResponse);
    return RESPONSE_ALREADY_SENT;
  });
  app.get('/', (context) => context.text('the rest'));
  return portOf(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server);
};

const mounts: readonly [name: string, mount: Mount, base: string][] = [
  ['node:http at the root', onNode, ''],
  ['node:http', onNode, '/ops/bus'],
  ['Fastify', onFastify, '/ops/bus'],
  ['Fastify at the root', onFastify, ''],
  ['a hook of Fastify', onFastifyHook, '/ops/bus'],
  ['Hono', onHono, '/ops/bus'],
  ['Hono at the root', onHono, ''],
];

async function mounted(mount: Mount, base: string): Promise<Site> {
  const bus = await tempBus();
  await bus.append('a', { type: 'began' });
  const processor = bus.processor({ name: 'mailer', handle: () => undefined });
  processor.start();
  await processor.waitFor('live');
  const board = dashboard(bus, { basePath: base === '' ? '/' : base, allowActions: true });
  onTestFinished(() => board.close());
  return loggedIn(await mount(board, base), board.login(), base);
}

async function loggedIn(port: number, path: string, base: string): Promise<Site> {
  if (!path.includes('token=')) return new Site(port, undefined);
  const login = await ask(port, path);
  expect([login.status, login.headers.location]).toEqual([303, `${base}/`]);
  const [cookie, cookiePath] = login.headers['set-cookie']?.[0]?.split('; ') ?? [];
  expect(cookiePath).toBe(`Path=${base === '' ? '/' : base}`);
  return new Site(port, cookie);
}

/** Shows the page, answers, follows and takes orders. */
async function checkSite(site: Site, base: string): Promise<void> {
  const page = await site.ask(`${base}/processors/mailer?x=1`);
  expect(page.status).toBe(200);
  expect(page.text).toContain(`<base href="${base}/" />`);
  const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(page.text)?.[1];
  expect((await site.ask(`${base}/${script}`)).headers['content-type']).toContain('javascript');
  expect((await site.get<EventsPage>(`${base}/api/events?stream=a&limit=5`)).events).toHaveLength(1);
  const live = await site.followAt(`${base}/api/live`, 'processor:mailer');
  const state = () => live.topic<Partial<ProcessorTopic>>('processor:mailer').image?.status.state;
  const order = (action: string, body = {}, headers = {}) =>
    site.order(`${base}/api/processors/mailer/${action}`, body, headers);
  expect((await order('pause')).status).toBe(200);
  await live.until(() => state() === 'paused');
  expect((await order('reset', { to: 2 })).status).toBe(400);
  expect((await order('reset', { to: 0 })).status).toBe(200);
  expect((await order('resume', {}, { origin: 'http://evil.example' })).status).toBe(403);
  expect((await order('resume')).status).toBe(200);
  await live.until(() => state() === 'live');
  expect((await site.ask(`${base}/api/none`)).status).toBe(404);
  if (base !== '') expect((await site.ask('/')).text).toBe('the rest');
}

test.each(mounts)('it works in %s', async (_, mount, base) => {
  await checkSite(await mounted(mount, base), base);
});

test('it works in Express, wherever it is mounted and whatever has read the body', async () => {
  const program = startProgram(new URL('programs/express.ts', import.meta.url));
  const [line = ''] = await program.untilLines(1);
  for (const [name, address] of Object.entries<string>(JSON.parse(line))) {
    const { port, pathname, search } = new URL(address);
    const base = name === 'at the root' ? '' : '/ops/bus';
    await checkSite(await loggedIn(Number(port), pathname + search, base), base);
  }
});

test.each([
  ['node:http', onNode],
  ['Fastify', onFastify],
] as const)('in %s the path itself is the page, too, without a slash at its end', async (_, mount) => {
  const site = await mounted(mount, '/ops/bus');
  const page = await site.ask('/ops/bus');
  expect(page.status).toBe(200);
  expect(page.text).toContain('<base href="/ops/bus/" />');
  expect((await site.ask('/ops/busses')).text).not.toContain('<base');
});

test('it answers requests of HTTP/2, and knows foreign names there, too', async () => {
  const board = dashboard(await tempBus(), { auth: () => true });
  onTestFinished(() => board.close());
  const server = createHttp2Server((request, response) =>
    board(request as unknown as IncomingMessage, response as unknown as ServerResponse),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => client.close());
  const statusOf = async (headers: OutgoingHttpHeaders) => {
    const sent = client.request({ ':path': '/api/streams', ...headers });
    sent.resume().end();
    const [answer] = await once(sent, 'response');
    return (answer as { ':status': number })[':status'];
  };
  expect(await statusOf({})).toBe(200);
  expect(await statusOf({ ':authority': 'evil.example' })).toBe(403);
  expect(await statusOf({ host: 'evil.example' })).toBe(403);
  expect(await statusOf({ ':authority': '127.0.0.1', host: 'evil.example' })).toBe(400);
});

test('a path outside of the base path is a 404 where nobody else is asked', async () => {
  const bus = await tempBus();
  const board = dashboard(bus, { basePath: '/ops/' });
  onTestFinished(() => board.close());
  const server = createServer(board);
  const port = await portOf(server.listen(0, '127.0.0.1'));
  for (const path of ['/', '/op', '/opsx', '/api/streams', '/OPS/']) expect((await ask(port, path)).status).toBe(404);
  expect((await ask(port, '/ops/api/streams')).status).toBe(401);
});

test('a body that somebody has read, and put nowhere, is refused at once', async () => {
  const bus = await tempBus();
  const board = dashboard(bus, { auth: () => true, allowActions: true });
  onTestFinished(() => board.close());
  const server = createServer((request, response) => {
    request.resume().on('end', () => board(request, response));
  });
  const site = new Site(await portOf(server.listen(0, '127.0.0.1')), undefined);
  const { status, text } = await site.order('/api/processors/x/start');
  expect([status, text]).toEqual([400, expect.stringContaining('has read the body')]);
});

test('an order that is let in when the dashboard has closed is not carried out', async () => {
  const bus = await tempBus();
  const processor = bus.processor({ name: 'mailer', handle: () => undefined });
  processor.start();
  await processor.caughtUp();
  const { promise, resolve } = Promise.withResolvers<true>();
  const auth = vi.fn(() => promise);
  const board = dashboard(bus, { auth, allowActions: true });
  const site = new Site(await portOf(createServer(board).listen(0, '127.0.0.1')), undefined);
  const ordered = site.order('/api/processors/mailer/pause');
  await vi.waitFor(() => expect(auth).toHaveBeenCalled());
  await board.close();
  resolve(true);
  expect((await ordered).status).toBe(503);
  expect(processor.status.state).toBe('live');
});

test('a response that another middleware has broken ends its connection, and nothing else', async () => {
  const bus = await tempBus();
  const errors: unknown[] = [];
  bus.errors$.subscribe((error) => errors.push(error));
  const board = dashboard(bus);
  onTestFinished(() => board.close());
  const server = createServer((request, response) => {
    response.setHeader = () => {
      throw new Error('no headers here');
    };
    board(request, response);
  });
  const port = await portOf(server.listen(0, '127.0.0.1'));

  await expect(ask(port, '/')).rejects.toThrow('socket hang up');
  expect(errors).toMatchObject([{ message: 'no headers here' }, { message: 'no headers here' }]);
});
