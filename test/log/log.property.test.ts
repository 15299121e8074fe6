/**
 * The log against a plain array: whatever happens to it, it answers as the array does. The limits are small here, so that a
 * history of some dozen events fills tails, blocks, index runs and pages; real-limits.test.ts has them at full size.
 */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { pageEventsMax, tailEventsMax } from '#kernel/limits';
import { collect } from '../kit/collect.ts';
import { logCommands, runLog } from '../kit/log-model-commands.ts';
import { TempStore, tempStore } from '../kit/temp-store.ts';

vi.mock('#kernel/limits', async (importOriginal) => ({
  ...(await importOriginal<typeof import('#kernel/limits')>()),
  blockBytesMax: 1500,
  blockEventsMax: 9,
  groupEventsMax: 12,
  headCacheMax: 3,
  indexRunEventsMax: 4,
  pageBlocksMax: 3,
  pageBytesMax: 4000,
  pageEventsMax: 5,
  tailBlocksMax: 8,
  tailEventsMax: 20,
}));

/** Opening a store on disk takes as long as a whole history in memory. */
const lmdbRuns = Math.ceil((fc.readConfigureGlobal().numRuns ?? 100) / 10);

test('the limits are small in this file, for the log, too', async () => {
  const store = tempStore();
  const bus = await store.openBus();

  for (let call = 0; call < tailEventsMax + 1; call++) await bus.append('a', { type: 'x' });

  expect(bus.info().indexedPosition).toBeGreaterThan(0);
  expect(store.storage.rows.stream_index.length).toBeGreaterThan(1);
  expect((await collect(bus.read().pages())).length).toBeGreaterThan(4);
});

test('the log in memory answers as a plain array does', async () => {
  const commands = logCommands({ targets: ['bus'], maxCommands: 40 });

  await fc.assert(
    fc.asyncProperty(commands, async (history) => {
      await using store = new TempStore('memory');
      await runLog(history, store, pageEventsMax);
    }),
  );
});

test('a follower of the log in memory answers as a plain array does', async () => {
  const commands = logCommands({ targets: ['follower'], maxCommands: 40 });

  await fc.assert(
    fc.asyncProperty(commands, async (history) => {
      await using store = new TempStore('memory');
      await runLog(history, store, pageEventsMax);
    }),
  );
});

test('the log on LMDB and its follower answer as a plain array does', async () => {
  const commands = logCommands({ targets: ['bus', 'follower'], maxCommands: 40 });

  await fc.assert(
    fc.asyncProperty(commands, async (history) => {
      await using store = new TempStore('lmdb');
      await runLog(history, store, pageEventsMax);
    }),
    { numRuns: lmdbRuns },
  );
});
