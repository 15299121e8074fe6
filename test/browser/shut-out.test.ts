/** What a page says to one who may look no more, who never got in, and at an address that names nothing. */
import { expect, test } from 'vitest';
import type { Access } from '#dashboard';
import { dashboardAccessMs } from '#kernel/limits';
import { holdTimers } from '../kit/held-timers.ts';
import { tempBus } from '../kit/temp-store.ts';
import { siteOf } from './kit/site.ts';
import { openPage } from './kit/watched-page.ts';

test('a page whose login is revoked says so and asks no more, and one that may only read loses its buttons', async () => {
  const looks = holdTimers('setInterval', dashboardAccessMs);
  const bus = await tempBus();
  bus.processor({ name: 'mails', handle: () => undefined }).start();
  let access: Access = true;
  const url = await siteOf(bus, { auth: () => access, allowActions: ['pause'] });
  const page = await openPage(new URL('/processors/mails', url).href, { mayComplain: /Failed to load resource/ });
  const connection = page.getByRole('status', { name: 'Connection' });
  const pause = page.getByRole('button', { name: 'Pause' });
  await connection.getByText('connected', { exact: true }).waitFor();
  await pause.waitFor();

  access = 'read';
  looks.run();
  await pause.waitFor({ state: 'detached' });
  await connection.getByText('connected', { exact: true }).waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);

  access = false;
  looks.run();
  await connection.getByText('logged out').waitFor();
  await page.getByRole('alert').getByText('This login is no longer good').waitFor();
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  access = true;
  // A page that was only lost would have tried again by now, more than once.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(requests).toEqual([]);
  await page.getByRole('button', { name: 'Try now' }).click();
  await connection.getByText('connected', { exact: true }).waitFor();
});

test('an address that names nothing says so, and leads to what there is', async () => {
  const url = await siteOf(await tempBus(), { auth: () => true });
  const page = await openPage(new URL('/none/of/this', url).href, { mayComplain: /Failed to load resource/ });

  await page.getByText('There is no such page.').waitFor();
  const room = page.getByRole('main');
  expect(await room.getByRole('link').allTextContents()).toContain('Dead letters');
  await room.getByRole('link', { name: 'Tail' }).click();
  await page.getByRole('heading', { name: 'Tail' }).waitFor();
  expect(new URL(page.url()).pathname).toBe('/tail');
});

test('a login link that was used says so, and leads on whoever it has logged in', async () => {
  const url = await siteOf(await tempBus());
  const page = await openPage(url, { mayComplain: /Failed to load resource/ });
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  const other = await openPage(url, { mayComplain: /Failed to load resource/ });
  await other.getByText('This link logs nobody in').waitFor();
  await other.getByRole('status', { name: 'Connection' }).getByText('logged out').waitFor();
  expect(await other.getByRole('alert').count()).toBe(0);
  expect(await other.getByRole('main').getByRole('link').count()).toBe(0);

  await page.goto(url);
  await page.getByText('This link logs nobody in').waitFor();
  await page.getByRole('main').getByRole('link', { name: 'to the overview' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
});
