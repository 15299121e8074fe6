/** A chart that is taller than the window: what is active is seen without scrolling, and followed until one scrolls oneself. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { tempBus } from '../kit/temp-store.ts';
import { siteOf } from './kit/site.ts';
import { openPage } from './kit/watched-page.ts';

test('the active state of a tall chart is in view, followed, left alone by who scrolls, and followed again', async () => {
  const bus = await tempBus();
  const processor = bus.processor({ name: 'mails', handle: () => undefined });
  const page = await openPage(await siteOf(bus));
  await page.getByRole('link', { name: 'mails' }).click();
  await expect.poll(() => activeInView(page)).toBe('idle');
  processor.start();
  await expect.poll(() => activeInView(page)).toBe('waiting');

  await page.getByRole('region', { name: /^Drawing/ }).hover();
  await page.mouse.wheel(0, -2000);
  await page.getByRole('button', { name: 'Follow' }).waitFor();
  expect(await activeInView(page)).toBeUndefined();
  await page.getByRole('button', { name: 'Follow' }).click();
  await expect.poll(() => activeInView(page)).toBe('waiting');
  expect(await page.evaluate(() => scrollY)).toBe(0);
});

test('a processor that waits to try again counts down in its state, and a tall chart can be seen as a whole', async () => {
  const bus = await tempBus();
  bus.errors$.subscribe();
  const handle = () => {
    throw new Error('the mail server is down');
  };
  const processor = bus.processor({ name: 'mails', handle, retry: { minMs: 60_000, maxMs: 60_000 }, partitions: 64 });
  processor.start();
  await bus.append('order-1', { type: 'Placed' });
  const url = await siteOf(bus);
  const page = await openPage(url, { width: 390, height: 700 });
  const failing = () => processor.status.partitions?.findIndex(({ state }) => state === 'retrying') ?? -1;
  await expect.poll(failing).not.toBe(-1);
  const lane = failing();
  await page.goto(new URL(`/processors/mails?lane=${lane}`, url).href);

  const countdown = page.locator('.chart-countdown');
  await countdown.getByText(/^in \d+ s$/).waitFor();
  const box = await page.locator('.chart-scroll .node.active .box').boundingBox();
  const place = await countdown.boundingBox();
  expect(Math.abs((place?.x ?? Number.NaN) - (box?.x ?? 0))).toBeLessThan(1);
  expect(Math.abs((place?.y ?? Number.NaN) - (box?.y ?? 0))).toBeLessThan(1);
  // The partition that the address names is seen in its grid, however many there are.
  const grid = await page.getByRole('radiogroup', { name: 'Partition' }).boundingBox();
  const chosen = await page.getByRole('radio', { checked: true }).boundingBox();
  expect(chosen?.y).toBeGreaterThanOrEqual(grid?.y ?? Number.NaN);
  expect((chosen?.y ?? Number.NaN) + (chosen?.height ?? 0)).toBeLessThanOrEqual((grid?.y ?? 0) + (grid?.height ?? 0));

  await page.getByRole('button', { name: 'Show the whole chart' }).click();
  await expect.poll(() => scrollsChart(page)).toBe(false);
  await page.getByRole('button', { name: 'Show in full size' }).click();
  await expect.poll(() => scrollsChart(page)).toBe(true);
});

async function scrollsChart(page: Page): Promise<boolean | undefined> {
  return await page.evaluate(() => {
    const view = document.querySelector('.chart-scroll');
    return view ? view.scrollWidth > view.clientWidth || view.scrollHeight > view.clientHeight : undefined;
  });
}

/** The name of the active state, if all of its box is in the window and in the part of the chart that is shown. */
async function activeInView(page: Page): Promise<string | undefined> {
  return await page.evaluate(() => {
    const node = document.querySelector('.chart-scroll .node.active');
    const view = document.querySelector('.chart-scroll')?.getBoundingClientRect();
    const box = node?.querySelector('.box')?.getBoundingClientRect();
    if (view === undefined || box === undefined) return undefined;
    const isSeen = box.top >= view.top && box.bottom <= Math.min(view.bottom, innerHeight);
    return isSeen ? (node?.textContent ?? undefined) : undefined;
  });
}
