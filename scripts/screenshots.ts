/**
 * Pictures of every page of the dashboard, light and dark, on a wide screen and on a telephone, from the flights of
 * `npm run demo -- --ui`: into screenshots/, to be looked at. With --docs also those of docs/images.
 *
 * Needs chromium. Exit code 1 when a page complains on its console, or asks another origin for anything.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { launchChromium } from '../test/browser/kit/chromium.ts';
import { watch } from '../test/browser/kit/watch.ts';

const root = resolve(import.meta.dirname, '..');
const schemes = ['light', 'dark'] as const;
/** Higher than screens are, since only what is seen of a long list is there. */
const sizes = [
  { width: 1440, height: 1400 },
  { width: 390, height: 1700 },
] as const;

interface PageToShow {
  readonly path: string;
  /** The first link of this name is followed from there. */
  readonly click?: string;
  /** It has everything once it has this text. */
  readonly shows: string;
}

/** Each page by the name of its picture. */
const pages: Readonly<Record<string, PageToShow>> = {
  overview: { path: '', shows: 'late-alerts' },
  processor: { path: 'processors/late-alerts', shows: 'retrying' },
  'processor-failing': { path: 'processors/crew-duty', shows: 'crew-duty' },
  'processor-partitions': { path: 'processors/gate-changes', shows: 'gate-changes' },
  streams: { path: 'streams?prefix=airport-', shows: 'airport-ATL' },
  stream: { path: 'streams/airport-ORD', shows: 'Departed' },
  event: { path: 'streams/alerts', click: 'Alerted', shows: 'Caused by' },
  tail: { path: 'tail', shows: 'Departed' },
  'dead-letters': { path: 'dead-letters?processor=customs', shows: 'manifest' },
  projections: { path: 'projections', shows: 'delays-by-airport' },
  projection: { path: 'projections/delays-by-airport', shows: 'ATL' },
  actors: { path: 'actors', shows: 'writer' },
  machine: { path: 'machines/tower', shows: 'inspected' },
};
/** Those of the README, with what the first state on the page is to be. */
const stateByChosen: Readonly<Record<string, RegExp>> = {
  'overview-light-1440': /failed|retrying/,
  'processor-dark-1440': /retrying/,
};
const docsHeight = 960;
/** So long it takes until the sparklines are worth looking at. */
const warmUpMs = 20_000;

const { values } = parseArgs({ options: { docs: { type: 'boolean', default: false } } });
const folder = join(root, 'screenshots');
const docsFolder = join(root, 'docs/images');

const demo = startDemo();
try {
  await takePictures(await urlOf(demo));
} finally {
  const ended = once(demo, 'exit');
  demo.kill('SIGINT');
  await ended;
}

function startDemo(): ChildProcess {
  const args = ['--conditions=source', join(root, 'examples/flights/demo.ts'), '--ui', '--json'];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function urlOf({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('the demo has no output');
  const [line] = await once(createInterface(stdout), 'line');
  return JSON.parse(line).url;
}

async function takePictures(url: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  if (values.docs) mkdirSync(docsFolder, { recursive: true });
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    const { origin } = new URL(url);
    const complaints = watch(page, origin);
    await page.goto(url);
    await page.waitForTimeout(warmUpMs);
    for (const [name, { path, click, shows }] of Object.entries(pages)) {
      await page.goto(`${origin}/${path}`);
      if (click !== undefined) await page.getByRole('link', { name: click }).first().click();
      await page.getByText(shows).first().waitFor({ state: 'attached' });
      for (const size of sizes) {
        for (const colorScheme of schemes) await takePicture(page, { name, size, colorScheme });
      }
    }
    for (const complaint of complaints) console.error(complaint);
    if (complaints.length > 0) process.exitCode = 1;
  } finally {
    await browser.close();
  }
}

interface Picture {
  readonly name: string;
  readonly size: (typeof sizes)[number];
  readonly colorScheme: (typeof schemes)[number];
}

async function takePicture(page: Page, { name, size, colorScheme }: Picture): Promise<void> {
  await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme });
  // Lines and lists are laid out anew.
  await page.waitForTimeout(300);
  const title = `${name}-${colorScheme}-${size.width}`;
  await page.screenshot({ path: join(folder, `${title}.png`), animations: 'disabled' });
  const state = stateByChosen[title];
  if (values.docs && state !== undefined) {
    const chip = page.locator('main .chip').nth(0).filter({ hasText: state });
    const clip = { x: 0, y: 0, width: size.width, height: docsHeight };
    // It may be another state again before the picture is taken.
    do {
      await chip.waitFor();
      await page.screenshot({ path: join(docsFolder, `${name}.png`), animations: 'disabled', clip });
    } while ((await chip.count()) === 0);
  }
  console.log(title);
}
