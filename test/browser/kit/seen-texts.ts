/**
 * When a text on a page changes, by the page's own clock: told by a MutationObserver, so no poll of the test is in between.
 */
import type { Page } from 'playwright-core';

export interface SeenText {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

declare global {
  interface Window {
    seenTexts?: SeenText[];
  }
}

/** Begins to note each new text of the first element that is `selector`. */
export async function noteTexts(page: Page, selector: string): Promise<void> {
  await page.evaluate((wanted) => {
    const seen: SeenText[] = [];
    window.seenTexts = seen;
    const look = () => {
      const text = document.querySelector(wanted)?.textContent ?? '';
      if (text === seen.at(-1)?.text) return;
      seen.push({ text, atMs: performance.timeOrigin + performance.now() });
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
    look();
  }, selector);
}

/** What was noted so far, oldest first. */
export async function notedTexts(page: Page): Promise<readonly SeenText[]> {
  return await page.evaluate(() => window.seenTexts ?? []);
}
