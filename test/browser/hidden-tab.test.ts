/** What a page does when nobody looks at it, and when the app goes away. */
import { expect, onTestFinished, test } from 'vitest';
import { dashboard } from '#dashboard';
import { tempBus } from '../kit/temp-store.ts';
import { setHidden } from './kit/hidden-tab.ts';
import { siteOf } from './kit/site.ts';
import { openPage } from './kit/watched-page.ts';

test('a hidden tab asks for nothing, and shows what is new when it is seen again', async () => {
  const bus = await tempBus();
  await bus.append('orders', { type: 'Placed' });
  const url = await siteOf(bus, { auth: () => true });
  const page = await openPage(url);
  const other = await openPage(url);
  const connection = page.getByRole('status', { name: 'Connection' });
  await connection.getByText('connected').waitFor();
  const ended = page.waitForEvent('requestfailed', (request) => request.url().includes('api/live'));

  await setHidden(page, true);
  await ended;
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  await bus.append('orders', new Array(1233).fill({ type: 'Placed' }));
  await other.getByText('1,234').first().waitFor();

  expect(requests).toEqual([]);
  expect(await page.getByText('1,234').count()).toBe(0);
  await setHidden(page, false);
  await page.getByText('1,234').first().waitFor();
  await connection.getByText('connected').waitFor();
});

test('a page says when the app is gone, and goes on by itself when it is back', async () => {
  const bus = await tempBus();
  const board = dashboard(bus, { auth: () => true });
  onTestFinished(() => board.close());
  const first = await board.listen();
  const page = await openPage(first.url, { mayComplain: /Failed to load resource/ });
  const connection = page.getByRole('status', { name: 'Connection' });
  await connection.getByText('connected').waitFor();

  await first.close();
  await connection.getByText('disconnected').waitFor();
  await page.getByRole('alert').getByText('what is shown is old').waitFor();
  await page.getByRole('link', { name: 'Streams' }).click();
  await page.getByText('The server does not answer').waitFor();
  await board.listen({ port: first.port });

  await connection.getByText('connected', { exact: true }).waitFor();
  await page.getByText('There are no streams yet').waitFor();
  await expect.poll(() => page.getByRole('alert').count()).toBe(0);
});

test('a list whose next page failed goes on there when the app is back, and keeps what it had', async () => {
  const bus = await tempBus();
  await bus.append('orders', new Array(600).fill({ type: 'Placed' }));
  const board = dashboard(bus, { auth: () => true });
  onTestFinished(() => board.close());
  const first = await board.listen();
  const at = new URL('/streams/orders', first.url).href;
  const page = await openPage(at, { mayComplain: /Failed to load resource/ });
  const connection = page.getByRole('status', { name: 'Connection' });
  await connection.getByText('connected').waitFor();
  await page.getByRole('row').nth(5).waitFor();
  await first.close();
  await connection.getByText('disconnected').waitFor();
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await page.getByText('The server does not answer').waitFor();
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await board.listen({ port: first.port });

  await connection.getByText('connected', { exact: true }).waitFor();
  await expect.poll(() => page.getByText('The server does not answer').count()).toBe(0);
  const ofList = asked.filter((url) => url.includes('/api/events?'));
  expect(ofList).not.toEqual([]);
  expect(ofList.filter((url) => !new URL(url).searchParams.has('to'))).toEqual([]);
});
