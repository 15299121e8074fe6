/**
 * How smooth a page is while something happens on it: the time from frame to frame, as the page sees it.
 */
import type { Page } from 'playwright-core';

export interface Smoothness {
  readonly medianMs: number;
  readonly longestMs: number;
  readonly frames: number;
}

declare global {
  interface Window {
    frameTimes?: number[];
  }
}

export async function smoothnessDuring(page: Page, deed: () => Promise<void>): Promise<Smoothness> {
  await page.evaluate(() => {
    const times: number[] = [];
    window.frameTimes = times;
    const note = (time: number) => {
      if (window.frameTimes !== times) return;
      times.push(time);
      requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
  });
  await deed();
  const times = await page.evaluate(() => {
    const noted = window.frameTimes ?? [];
    delete window.frameTimes;
    return noted;
  });
  const gaps = times.slice(1).map((time, index) => time - (times[index] as number));
  const sorted = gaps.toSorted((left, right) => left - right);
  return { medianMs: sorted[sorted.length >> 1] ?? 0, longestMs: sorted.at(-1) ?? 0, frames: times.length };
}
