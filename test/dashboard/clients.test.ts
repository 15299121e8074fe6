import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { inspections } from '#actors/inspection';
import type { StoreTopic } from '#kernel/dashboard/wire';
import { ask, openSite, type Site } from '../kit/dashboard-site.ts';
import { tempBus } from '../kit/temp-store.ts';

async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** One that follows and takes nothing of what is sent. */
function slowClient({ port, cookie }: Site, topics: string): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`GET /api/live?${topics} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${cookie}\r\n\r\n`);
      socket.once('readable', () => resolve(socket));
    });
    socket.on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
  });
}

test('at most 32 pages follow: one more is asked to come later, and gets in when another has gone', async () => {
  const site = await openSite(await tempBus());
  const followers = await Promise.all(Array.from({ length: 32 }, () => site.follow('store')));
  const refused = await site.ask('/api/live?topic=store');
  expect(refused.status).toBe(503);
  expect(refused.headers['retry-after']).toBe('5');
  followers[0]?.close();
  const follow = async () => (await site.follow('store')).close();
  await expect.poll(follow).toBeUndefined();
});

test('of 50 pages that take nothing 32 are let in, and they hold nobody up', async () => {
  const bus = await tempBus();
  const site = await openSite(bus);
  const slow = await Promise.all(Array.from({ length: 31 }, () => slowClient(site, 'topic=tail&topic=store')));
  const others = await Promise.all(Array.from({ length: 19 }, () => slowClient(site, 'topic=tail&topic=store')));
  const heads = [...slow, ...others].map((socket) => String(socket.read(15)));
  expect(heads.filter((head) => head.startsWith('HTTP/1.1 200'))).toHaveLength(32);
  expect(heads.filter((head) => head.startsWith('HTTP/1.1 503'))).toHaveLength(18);
  await bus.append('a', { type: 'began' });
  expect((await site.ask('/api/events/1')).status).toBe(200);
});

test('a page that is behind gets the newest values only, once it takes them', async () => {
  const bus = await tempBus();
  const site = await openSite(bus);
  const quick = await site.follow('store', 'tail');
  const slow = await slowClient(site, 'topic=tail&topic=store');
  const type = 'x'.repeat(500);
  for (let round = 0; round < 8; round++) {
    await bus.append(
      'a',
      Array.from({ length: 200 }, () => ({ type })),
    );
    const { head } = bus;
    await quick.until(() => quick.topic<StoreTopic>('store').head === head && `${head}` in quick.topic('tail'));
  }
  let text = '';
  slow.on('data', (chunk) => {
    text += chunk.toString();
  });
  await expect.poll(() => text).toContain('"1600":{');
  expect(quick.isEnded).toBe(false);
});

test('pages that vanish while they are let in take no place of others', async () => {
  const waiting: (() => void)[] = [];
  const auth = ({ url = '' }) =>
    url.includes('vanishing') ? new Promise<true>((resolve) => waiting.push(() => resolve(true))) : true;
  const site = await openSite(await tempBus(), { auth });
  const sockets = await Promise.all(Array.from({ length: 33 }, () => openSocket(site.port)));
  for (const socket of sockets)
    socket.write('GET /api/live?topic=processor:vanishing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  await vi.waitFor(() => expect(waiting).toHaveLength(33));
  const gone = sockets.map((socket) => once(socket.destroy(), 'close'));
  await Promise.all(gone);
  await ask(site.port, '/');
  for (const letIn of waiting) letIn();
  await site.follow('store');
});

test('nothing is attached while no page is connected, and one look a second is all that is done', async () => {
  const bus = await tempBus();
  const inspection = inspections.get(bus);
  if (inspection === undefined) throw new Error('a bus has an inspection');
  let attached = 0;
  const { attach } = inspection;
  vi.spyOn(inspection, 'attach').mockImplementation((onChange) => {
    const detach = attach.call(inspection, onChange);
    attached++;
    return () => {
      attached--;
      detach();
    };
  });
  const status = vi.spyOn(inspection, 'status');
  const site = await openSite(bus);
  expect(attached).toBe(0);
  const live = await site.follow('store', 'processors');
  expect(attached).toBe(1);
  const other = await site.follow('store');
  expect(attached).toBe(1);
  live.close();
  other.close();
  await expect.poll(() => attached).toBe(0);
  status.mockClear();
  const begun = performance.now();
  for (let round = 0; round < 20; round++) await bus.append('a', { type: 'began' });
  await delay(100);
  // The sparklines take one look a second.
  expect(status.mock.calls.length).toBeLessThanOrEqual(1 + Math.floor((performance.now() - begun) / 1000));
});

test('a change is with the page within 300 ms, and there are at most twenty frames a second', async () => {
  const bus = await tempBus();
  const site = await openSite(bus);
  const live = await site.follow('store');
  const late: number[] = [];
  const begun = performance.now();
  const first = live.frames.length;
  for (let head = 1; head <= 10; head++) {
    await bus.append('a', { type: 'began' });
    const appended = performance.now();
    await live.until(() => live.topic<StoreTopic>('store').head === head);
    late.push(performance.now() - appended);
  }
  const seconds = (performance.now() - begun) / 1000;
  // The one in the middle, because the machine may have other work; without being told, a page would look once a second.
  expect(late.toSorted((one, other) => one - other)[4]).toBeLessThan(300);
  expect(live.frames.length - first).toBeLessThanOrEqual(Math.ceil(seconds * 21) + 1);
});

test.each([
  [
    'throws',
    () => {
      throw new Error('no user');
    },
    500,
  ],
  ['rejects', () => Promise.reject(new Error('no user')), 500],
  ['says no', () => false, 401],
  ['says what is no answer', () => ({ user: 'me' }) as unknown as boolean, 401],
  ['says yes', () => true, 200],
  ['says yes later', async () => true, 200],
  ["says 'read'", () => 'read' as const, 200],
])('an auth that %s is asked with each request', async (_, auth, status) => {
  const bus = await tempBus();
  const errors: unknown[] = [];
  bus.errors$.subscribe((error) => errors.push(error));
  const { port, board } = await openSite(bus, { auth });
  expect((await ask(port, '/api/streams')).status).toBe(status);
  expect(errors.length > 0).toBe(status === 500);
  expect(board.login()).toBe('/');
  expect((await ask(port, '/login?token=x')).status).toBe(status === 500 ? 500 : 404);
});

test('a page that goes away while it is answered harms nobody', async () => {
  const bus = await tempBus();
  const errors: unknown[] = [];
  bus.errors$.subscribe((error) => errors.push(error));
  for (let index = 0; index < 3; index++)
    await bus.append(
      'a',
      Array.from({ length: 10_000 }, () => ({ type: 'x' })),
    );
  const site = await openSite(bus);
  for (let round = 0; round < 10; round++) {
    const socket = connect(site.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`GET /api/events?type=none HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${site.cookie}\r\n\r\n`);
    await delay(round);
    socket.destroy();
  }
  expect((await site.ask('/api/streams')).status).toBe(200);
  expect(errors).toEqual([]);
});

test('a closed dashboard answers 503, and can be closed again', async () => {
  const bus = await tempBus();
  const site = await openSite(bus, { auth: () => true });
  const live = await site.follow('store');
  await site.board.close();
  await live.ended();
  await expect(site.ask('/')).rejects.toThrow();
  await site.board.close();
  await expect(site.board.listen()).rejects.toThrow('closed');
});
