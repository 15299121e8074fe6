import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import base from '../../vitest.config.ts';

// The tests of the dashboard in a real browser, apart from the others: they need chromium, and both cores for themselves.
const { projects: _, ...common } = base.test ?? {};

export default defineConfig({
  ...base,
  test: {
    ...common,
    include: ['test/browser/**/*.test.ts'],
    exclude: [],
    maxWorkers: 1,
    // A browser that shares two cores with others may be slow; what must be quick is measured.
    testTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
    globalSetup: fileURLToPath(new URL('kit/one-browser.ts', import.meta.url)),
  },
});
