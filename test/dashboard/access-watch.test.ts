/** A page that stays connected may look for as long as it would be let in, and not for ever. */
import { once } from 'node:events';
import { type IncomingMessage, ServerResponse } from 'node:http';
import { connect, createServer, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type Access, dashboard } from '#dashboard';
import { watchAccess } from '#kernel/dashboard/access-watch';
import { askAuth } from '#kernel/dashboard/guard';
import type { StoreTopic } from '#kernel/dashboard/wire';
import { dashboardAccessMs, dashboardAuthMaxMs, dashboardSessionsMax } from '#kernel/limits';
import { BusError } from '#store';
import { ask, openSite } from '../kit/dashboard-site.ts';
import { type HeldTimers, holdTimers } from '../kit/held-timers.ts';
import { tempBus } from '../kit/temp-store.ts';

type Auth = (request: IncomingMessage) => Access | Promise<Access>;

/** A site whose `auth` can be another one later, what it reports, and the timers of being asked again and of waiting for it. */
async function siteOf(first: Auth) {
  const looks = holdTimers('setInterval', dashboardAccessMs);
  const waits = holdTimers('setTimeout', dashboardAuthMaxMs);
  const bus = await tempBus();
  const errors: unknown[] = [];
  bus.errors$.subscribe((error) => errors.push(error));
  const now = { auth: first };
  const site = await openSite(bus, { auth: (request) => now.auth(request), allowActions: ['pause'] });
  return { site, errors, now, looks, waits };
}

test('a page that auth does not let in any more is disconnected, and gets in no more', async () => {
  const asked: (string | undefined)[] = [];
  const { site, now, errors, looks } = await siteOf(() => true);
  const live = await site.follow('store');
  const { head } = live.topic<StoreTopic>('store');
  looks.run();
  await site.ask('/api/streams');
  expect([live.isEnded, head]).toEqual([false, 0]);
  now.auth = ({ url }) => {
    asked.push(url);
    return false;
  };
  looks.run();
  await live.ended();

  expect(asked).toEqual(['/api/live?topic=store']);
  expect((await site.ask('/api/live?topic=store')).status).toBe(401);
  expect(errors).toEqual([]);
});

test.each<[Access, Access]>([
  [true, 'read'],
  ['read', true],
])(
  'one that was let in as %s, and now is as %s, connects anew and is offered what it may order',
  async (before, after) => {
    const { site, now, looks } = await siteOf(() => before);
    const live = await site.follow('store');
    expect(live.topic<StoreTopic>('store').about.actions).toEqual(before === true ? ['pause'] : []);
    now.auth = async () => after;
    looks.run();
    await live.ended();

    const again = await site.follow('store');
    expect(again.topic<StoreTopic>('store').about.actions).toEqual(after === true ? ['pause'] : []);
    looks.run();
    await site.ask('/api/streams');
    expect(again.isEnded).toBe(false);
  },
);

/** Runs the timer that it waits with, as soon as there is one. */
async function timeOut(waits: HeldTimers): Promise<void> {
  await vi.waitFor(() => expect(waits.size).toBe(1));
  waits.run();
}

const broken: readonly [string, Auth, isLate: boolean][] = [
  [
    'throws',
    () => {
      throw new Error('no session store');
    },
    false,
  ],
  ['rejects', () => Promise.reject(new Error('no session store')), false],
  ['never answers', () => new Promise(() => undefined), true],
];

test.each(broken)('an auth that %s lets nobody in, and ends a connection when it is asked again', async (...row) => {
  const [, auth, isLate] = row;
  const { site, now, errors, looks, waits } = await siteOf(() => true);
  const live = await site.follow('store');
  now.auth = auth;
  looks.run();
  if (isLate) await timeOut(waits);
  await live.ended();
  const answer = site.ask('/api/streams');
  if (isLate) await timeOut(waits);

  expect((await answer).status).toBe(500);
  const told = { message: expect.stringMatching(/no session store|did not answer/) };
  expect(errors).toMatchObject([told, told]);
  expect(waits.size).toBe(0);
});

test('an auth that takes long is not asked twice at a time, and no longer when the page has gone', async () => {
  const { site, now, looks, waits } = await siteOf(() => true);
  const live = await site.follow('store');
  const { promise, resolve } = Promise.withResolvers<Access>();
  const auth = vi.fn(() => promise);
  now.auth = auth;
  for (let time = 0; time < 3; time++) looks.run();
  expect(auth).toHaveBeenCalledTimes(1);
  resolve(true);
  await vi.waitFor(() => expect(waits.size).toBe(0));
  expect(live.isEnded).toBe(false);
  live.close();

  await vi.waitFor(() => expect(looks.size).toBe(0));
});

test('without auth a login that was forgotten for newer ones ends its connection', async () => {
  const looks = holdTimers('setInterval', dashboardAccessMs);
  const site = await openSite(await tempBus());
  const live = await site.follow('store');
  for (let login = 0; login < dashboardSessionsMax; login++) await ask(site.port, site.board.login());
  looks.run();

  await live.ended();
  expect((await site.ask('/api/live?topic=store')).status).toBe(401);
});

test('what auth fails with is told to nobody who asks, whatever it is an error of', async () => {
  const { site, now, errors } = await siteOf(() => true);
  const closed = new BusError('STORE_CLOSED', 'the store at /srv/logins was closed', { path: '/srv/logins' });
  const failed = Object.assign(new Error('it saw m4rk3r'), { name: 'BusError', code: 'PROCESSOR_FAILED' });
  const hostile = Object.assign(new Error('it saw m4rk3r'), { name: 'BusError', code: 'constructor' });
  for (const error of [closed, failed, hostile]) {
    now.auth = () => {
      throw error;
    };
    const { status, text } = await site.ask('/');
    expect([status, JSON.parse(text).error.code]).toEqual([500, 'INTERNAL']);
    expect(text).not.toMatch(/logins|m4rk3r/);
  }
  expect(errors).toEqual([closed, failed, hostile]);
});

test('a page of HTTP/2 that has gone while auth thought is not watched', async () => {
  const looks = holdTimers('setInterval', dashboardAccessMs);
  const { promise, resolve } = Promise.withResolvers<Access>();
  const auth = vi.fn(() => promise);
  const board = dashboard(await tempBus(), { auth });
  onTestFinished(() => board.close());
  const responses: Http2ServerResponse[] = [];
  const server = createServer((request, response) => {
    responses.push(response);
    board(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  const begin = () => client.request({ ':path': '/api/live?topic=store' }).on('error', () => undefined);
  const gone = begin();
  await vi.waitFor(() => expect(auth).toHaveBeenCalledTimes(1));
  gone.close(8);
  await vi.waitFor(() => expect(responses[0]?.stream.destroyed).toBe(true));
  resolve(true);
  const there = begin();
  await once(there, 'data');
  expect(looks.size).toBe(1);
  there.close(8);

  await vi.waitFor(() => expect(looks.size).toBe(0));
});

test('a page that was ended is asked for no more, though its connection may be open for long', async () => {
  const looks = holdTimers('setInterval', dashboardAccessMs);
  const end = vi.fn();
  const ask = vi.fn(async () => 'none' as const);
  watchAccess(new ServerResponse({ method: 'GET' } as IncomingMessage), { access: 'write', ask, end });
  looks.run();
  await vi.waitFor(() => expect(end).toHaveBeenCalledTimes(1));

  expect(looks.size).toBe(0);
});

test('an auth that never answers keeps no process alive', () => {
  const setTimer = vi.spyOn(globalThis, 'setTimeout');
  onTestFinished(() => setTimer.mockRestore());
  void askAuth({} as IncomingMessage, () => new Promise(() => undefined)).catch(() => undefined);
  const at = setTimer.mock.calls.findIndex(([, ms]) => ms === dashboardAuthMaxMs);

  const timer = setTimer.mock.results[at]?.value as NodeJS.Timeout;
  expect(timer.hasRef()).toBe(false);
  clearTimeout(timer);
});
