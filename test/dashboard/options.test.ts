import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { type DashboardOptions, dashboard, type ListenOptions } from '#dashboard';
import { tempBus } from '../kit/temp-store.ts';

const wrong: readonly [keyof DashboardOptions | 'titel', unknown, string][] = [
  ['titel', 'x', 'has no option "titel"'],
  ['basePath', 'ops', 'basePath must be a path'],
  ['basePath', '/a/../b', 'basePath must be a path'],
  ['basePath', '//evil.example', 'basePath must be a path'],
  ['basePath', '/a?b', 'basePath must be a path'],
  ['basePath', '/a"b', 'basePath must be a path'],
  ['basePath', 7, 'basePath must be a path'],
  ['title', '', 'title must be a text of 1 to 100 characters'],
  ['allowActions', 'all', 'allowActions must be true, false or an array of start, stop'],
  ['allowActions', ['explode'], 'allowActions must be true, false or an array of start, stop'],
  ['auth', true, 'auth must be a function'],
  ['redact', {}, 'redact must be a function'],
  ['redactEntry', 'all', 'redactEntry must be a function'],
  ['redactError', 'all', 'redactError must be a function'],
  ['hosts', 'a', 'hosts must be an array of names'],
  ['hosts', ['a:80'], 'hosts must be an array of names'],
  ['hosts', ['http://a'], 'hosts must be an array of names'],
  ['machines', [{}], 'machines must be an array of XState actors'],
  ['machines', {}, 'machines must be an array of XState actors'],
];

test.each(wrong)('the option %s refuses %j', async (name, value, message) => {
  const bus = await tempBus();
  expect(() => dashboard(bus, { [name]: value })).toThrow(message);
  expect(() => dashboard(bus, { [name]: value })).toThrow(TypeError);
});

const wrongToListen: readonly [ListenOptions, string][] = [
  [{ port: -1 }, 'port must be'],
  [{ port: 65_536 }, 'port must be'],
  [{ host: '' }, 'host must be'],
  [{ host: '0.0.0.0' }, 'without `auth`'],
  [{ host: '::' }, 'without `auth`'],
  [{ host: 'example.com' }, 'without `auth`'],
  [{ signal: {} as AbortSignal }, 'signal must be'],
  [{ hots: 'x' } as ListenOptions, 'listen has no option "hots"'],
];

test.each(wrongToListen)('listen refuses %j', async (options, message) => {
  const board = dashboard(await tempBus());
  await expect(board.listen(options)).rejects.toThrow(message);
  await board.close();
});

test('with auth it may listen where others can reach it, and is known by its addresses and its hosts only', async () => {
  const bus = await tempBus();
  const board = dashboard(bus, { auth: () => true, hosts: ['Ops.Example.com'] });
  const { port, url } = await board.listen({ host: '0.0.0.0' });
  expect(url).toBe(`http://0.0.0.0:${port}/`);
  const { ask } = await import('../kit/dashboard-site.ts');
  for (const [host, status] of [
    ['ops.example.com', 200],
    ['192.168.1.1:80', 200],
    ['evil.example', 403],
  ] as const) {
    expect((await ask(port, '/api/streams', { headers: { host } })).status).toBe(status);
  }
  await board.close();
});

test('a signal ends listening, also before it begins', async () => {
  const board = dashboard(await tempBus());
  await expect(board.listen({ signal: AbortSignal.abort() })).rejects.toThrow('abort');
  const abort = new AbortController();
  const { port, close } = await board.listen({ signal: abort.signal });
  abort.abort();
  await close();
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  await board.close();
});

test('a connection that cannot be accepted is told on the bus, and ends nothing', async () => {
  const servers: Server[] = [];
  const onRequest = (message: unknown) => servers.push((message as { server: Server }).server);
  subscribe('http.server.request.start', onRequest);
  onTestFinished(() => void unsubscribe('http.server.request.start', onRequest));
  const bus = await tempBus();
  const errors: unknown[] = [];
  bus.errors$.subscribe((error) => errors.push(error));
  const board = dashboard(bus);
  const { port } = await board.listen();
  await fetch(`http://127.0.0.1:${port}/`);
  servers[0]?.emit('error', new Error('accept EMFILE'));
  expect(errors).toMatchObject([{ message: expect.stringContaining('EMFILE') }]);
  await board.close();
});

test('a port that is taken is told', async () => {
  const board = dashboard(await tempBus());
  const { port } = await board.listen();
  await expect(board.listen({ port })).rejects.toThrow('EADDRINUSE');
  await board.close();
});
