/**
 * What is started and stopped again leaves nothing behind: memory, listeners, handles and files stay level.
 *
 * In a child process with `--expose-gc`, so that memory is what is really held. TEST_LONG asks for the full numbers.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { crashDirectory } from '../kit/crash-directory.ts';
import { Program } from '../kit/crash-process.ts';
import type { CyclesOptions, Holdings } from './programs/cycles.ts';

const program = new URL('./programs/cycles.ts', import.meta.url);
const isLong = process.env.TEST_LONG !== undefined;

async function holdings(options: Omit<CyclesOptions, 'path'>): Promise<{ before: Holdings; after: Holdings }> {
  const child = Program.start(program, { ...options, path: join(crashDirectory(), 'store') } satisfies CyclesOptions, {
    env: { NODE_OPTIONS: '--expose-gc' },
    deadlineMs: 600_000,
  });
  const before = JSON.parse(await child.line()) as Holdings;
  const after = JSON.parse(await child.line()) as Holdings;
  expect(await child.ended()).toMatchObject({ code: 0, stderr: '' });
  return { before, after };
}

function expectLevel({ before, after }: { before: Holdings; after: Holdings }): void {
  expect(after.listeners).toEqual(before.listeners);
  expect(after.files).toBeLessThanOrEqual(before.files);
  expect(after.resources).toEqual(before.resources);
  expect(after.heapBytes - before.heapBytes).toBeLessThan(3_000_000);
}

test.each([
  ['a processor that starts and stops', 'processors', isLong ? 10_000 : 250],
  ['a subscription that comes and goes', 'subscriptions', isLong ? 10_000 : 800],
  ['a subscriber of head$ that comes and goes', 'heads', isLong ? 100_000 : 5000],
  ['a bus that opens and closes', 'buses', isLong ? 300 : 6],
  ['a thread that connects and closes', 'threads', isLong ? 300 : 12],
  ['a query', 'queries', isLong ? 3000 : 80],
] as const)('%s leaves nothing behind', { timeout: 660_000 }, async (_name, what, count) => {
  expectLevel(await holdings({ what, count }));
});

test('a processor that handles events in great number stays as small as it was', { timeout: 660_000 }, async () => {
  expectLevel(await holdings({ what: 'events', count: isLong ? 1_000_000 : 30_000 }));
});
