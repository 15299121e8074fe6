/**
 * A page that fails its test when anything is wrong with it that nobody asked for: an error on the console, an error of its
 * script, or a request to anywhere but the origin it was opened at.
 */
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, expect, inject, onTestFinished } from 'vitest';
import { watch } from './watch.ts';

export interface PageOptions extends Pick<BrowserContextOptions, 'colorScheme' | 'reducedMotion'> {
  readonly width?: number;
  readonly height?: number;
  /** What its console may say nevertheless, where a test takes the server away. @default nothing */
  readonly mayComplain?: RegExp;
}

/** How long a test waits for something to appear: far less than the test may take. */
const waitMsMax = 10_000;

let connected: Promise<Browser> | undefined;

afterAll(async () => {
  await (await connected)?.close();
  connected = undefined;
});

/** A page at `url` in a profile of its own, closed when the test ends; what it complained of then fails the test. */
export async function openPage(url: string, options: PageOptions = {}): Promise<Page> {
  const { width = 1440, height = 900, mayComplain, ...rest } = options;
  connected ??= chromium.connect(inject('browserEndpoint'));
  const context = await (await connected).newContext({ viewport: { width, height }, ...rest });
  context.setDefaultTimeout(waitMsMax);
  const page = await context.newPage();
  const complaints = watch(page, new URL(url).origin);
  onTestFinished(async () => {
    await context.close();
    expect(complaints.filter((text) => !mayComplain?.test(text))).toEqual([]);
  });
  await page.goto(url);
  return page;
}
