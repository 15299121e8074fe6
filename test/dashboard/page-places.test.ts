/** What the address of a page is answered with: as the page itself understands it. */
import { expect, test } from 'vitest';
import { placeOf } from '../../src/dashboard/page/routes.ts';
import { ask, openSite } from '../kit/dashboard-site.ts';
import { tempBus } from '../kit/temp-store.ts';

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const paths = [
  '',
  'processors',
  'streams',
  'events',
  'tail',
  'dead-letters',
  'projections',
  'actors',
  'machines',
].flatMap((path) => [path, `${path}/`, `${path}/a%2Fb`, `${path}/a/b`]);
const others = ['none', 'none/', 'index.html', 'favicon.ico', '__proto__', 'constructor/a', 'Tail', 'streams/..a'];

test('an address is answered 200 where the page has something to show, and 404 with the same page otherwise', async () => {
  const site = await openSite(await tempBus());
  const page = (await site.ask('/', { headers: browser })).text;

  for (const path of [...paths, ...others]) {
    const { status, text, headers } = await site.ask(`/${path}`, { headers: browser });
    expect([path, status]).toEqual([path, placeOf(path).page === 'unknown' ? 404 : 200]);
    expect([path, text === page, headers['content-type']]).toEqual([path, true, 'text/html; charset=utf-8']);
  }
});

test('a program is told in JSON that there is no such page, and nobody gets a page for the API, a file or an order', async () => {
  const site = await openSite(await tempBus());

  for (const [path, headers] of [
    ['/none', {}],
    ['/none', { accept: 'application/json' }],
    ['/tail/a', { accept: '*/*' }],
    ['/api/none', browser],
    ['/assets/none.js', browser],
  ] as const) {
    const { status, text } = await site.ask(path, { headers });
    expect([path, status, JSON.parse(text).error.code]).toEqual([path, 404, 'NOT_FOUND']);
  }
  expect((await site.ask('/none', { method: 'POST', headers: browser })).status).toBe(405);
});

test('one who has yet to log in gets the page, and is not told what there is', async () => {
  const site = await openSite(await tempBus(), { auth: () => false });

  const statuses = ['/', '/tail', '/none'].map(async (path) => (await site.ask(path, { headers: browser })).status);
  expect(await Promise.all(statuses)).toEqual([401, 401, 401]);
});

test('a browser gets the page for a login link that is good no more, with status 401, and a program is told in JSON', async () => {
  const { board, port } = await openSite(await tempBus());
  const link = board.login();
  expect((await ask(port, link, { headers: browser })).status).toBe(303);

  const used = await ask(port, link, { headers: browser });
  expect([used.status, used.text]).toEqual([401, (await ask(port, '/', { headers: browser })).text]);
  expect(used.headers['set-cookie']).toBeUndefined();
  const { status, text } = await ask(port, link);
  expect([status, JSON.parse(text).error.code]).toEqual([401, 'TOKEN_INVALID']);
});
