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
