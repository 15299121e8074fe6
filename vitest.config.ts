import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Tests import '#store', '#kernel/…' and '#actors/…': the sources by default, the built package with TEST_DIST=1, and with
// TEST_SEALED=1 a '#store' whose stores are encrypted (test/kit/test-key.ts).
// Both blocks are needed: `resolve` for the ids of test files, `ssr.resolve` for what they import in Node.
const conditions = [
  ...(process.env.TEST_SEALED ? ['sealed'] : []),
  ...(process.env.TEST_DIST ? [] : ['source']),
  'node',
  'module',
  'import',
  'default',
];

// A process for each file costs half a second, most of the time of many files. So files share processes, one after the
// other, but for those that have to be alone, told by what they do: the modules that one replaces would stay replaced for
// the files after it, and the timers and ports of the process are also those that the files before it left behind.
const files = 'test/**/*.test.ts';
// They need a browser, and have a command of their own: npm run test:browser.
const inBrowser = 'test/browser/**';
const needsProcess = /\bvi\.(doMock|mock)\(|\bprocess\.(chdir|getActiveResourcesInfo|memoryUsage|umask)\(/;
const alone = globSync(files).filter((file) => needsProcess.test(readFileSync(file, 'utf8')));

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      { extends: true, test: { name: 'alone', include: alone, exclude: [inBrowser] } },
      {
        extends: true,
        test: { name: 'shared', include: [files], exclude: [inBrowser, ...alone], isolate: false },
      },
    ],
    // Child processes compile the same few hundred files over and over: half of their time.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/node-compile', import.meta.url)) },
    setupFiles: ['test/kit/property-runs.ts'],
    pool: 'forks',
    // Most of the time goes to waiting for disks and child processes: one core less than there are would be idle.
    maxWorkers: 2,
    // The longest takes six seconds where nothing else goes on.
    testTimeout: process.env.TEST_RUNS ? 3_600_000 : 60_000,
    hookTimeout: 60_000,
    // The usual second is not enough for a thread to start on a machine with other work.
    expect: { poll: { timeout: 15_000 } },
  },
});
