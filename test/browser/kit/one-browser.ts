/**
 * One browser for all files of tests: started before the first of them, ended after the last.
 */
import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';
import { chromiumArguments, chromiumPath } from './chromium.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where to connect to it. */
    browserEndpoint: string;
  }
}

/** Vitest calls it, and what it returns when all tests are done. @throws when there is no browser */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await chromium.launchServer({
    executablePath: chromiumPath(process.env),
    args: [...chromiumArguments],
    host: '127.0.0.1',
  });
  project.provide('browserEndpoint', server.wsEndpoint());
  return () => server.close();
}
