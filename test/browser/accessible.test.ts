/** What axe finds on the pages: nothing serious, light and dark, on a wide screen and on a telephone. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { fullSite, fullSitePages } from './kit/full-site.ts';
import { openPage } from './kit/watched-page.ts';

const widths = [1440, 390] as const;
/** Further ones, and where the page changes its form, at which nothing may stick out. */
const otherWidths = { 1440: [1000, 861, 641], 390: [320] } as const;

/** What axe holds to be serious, or worse, each with the elements that it is about. */
async function findings(page: Page, rules?: readonly string[]): Promise<readonly string[]> {
  const { violations } = await page.evaluate(async (only) => {
    const checker = (window as unknown as { axe: typeof axe }).axe;
    return await checker.run({ ...(only && { runOnly: [...only] }), resultTypes: ['violations'], preload: false });
  }, rules);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
}

async function isScrollingSideways(page: Page): Promise<boolean> {
  return await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
}

test.each(widths)('at a width of %d axe finds nothing serious on any page, in either scheme', async (width) => {
  const url = await fullSite();
  const page = await openPage(url, { width, reducedMotion: 'reduce' });
  const found: string[] = [];

  for (const [path, text] of Object.entries(fullSitePages)) {
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto(new URL(`/${path}`, url).href);
    await page.locator('main').getByText(text).first().waitFor();
    await page.evaluate(axe.source);
    const seen = await findings(page);
    // Of a scheme only colours are different.
    await page.emulateMedia({ colorScheme: 'dark' });
    const all = [...seen, ...(await findings(page, ['color-contrast']))];
    found.push(...all.map((finding) => `/${path}: ${finding}`));
    for (const other of [width, ...otherWidths[width]]) {
      await page.setViewportSize({ width: other, height: 900 });
      if (await isScrollingSideways(page)) found.push(`/${path}: scrolls sideways at ${other}`);
    }
    await page.setViewportSize({ width, height: 900 });
  }

  expect(found).toEqual([]);
});

test('a page can be used by the keyboard: what has the focus is seen, and dialogs keep and give it back', async () => {
  const url = await fullSite();
  const page = await openPage(url);
  await page.goto(new URL('/processors/live', url).href);
  const pause = page.getByRole('button', { name: 'Pause' });
  await pause.focus();

  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  for (let step = 0; step < 8; step++) {
    await page.keyboard.press('Tab');
    // Between the last and the first of its elements the focus is the browser's own.
    expect(await page.evaluate(() => document.activeElement?.closest('dialog, main, header, body')?.tagName)).toMatch(
      /^(?:DIALOG|BODY)$/,
    );
  }
  await page.keyboard.press('Escape');

  await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
  expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('Pause');
});
