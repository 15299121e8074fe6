/**
 * The real browser of the tests and the screenshots: Debian's chromium, headless, asking nobody on the network for anything.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const programs = ['chromium', 'chromium-browser', 'google-chrome'];

/** Neither sandbox nor background requests: tests run as root in containers, and nothing may leave the machine. */
export const chromiumArguments = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-dev-shm-usage',
] as const;

/** @throws when there is none, with what to do. */
export async function launchChromium(): Promise<Browser> {
  return await chromium.launch({ executablePath: chromiumPath(process.env), args: [...chromiumArguments] });
}

/** The program named by `CHROMIUM`, or the first of the usual names on the `PATH`. @throws when there is none. */
export function chromiumPath(env: NodeJS.ProcessEnv): string {
  const { CHROMIUM: named, PATH: path = '' } = env;
  const candidates = named
    ? [named]
    : path.split(delimiter).flatMap((folder) => programs.map((it) => join(folder, it)));
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  const where = named ? `CHROMIUM names ${named}, which can't be run` : `none of ${programs.join(', ')} is on the PATH`;
  throw new Error(
    `A browser is missing: ${where}. Install it (apt-get install chromium), or name one by CHROMIUM=/path`,
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
