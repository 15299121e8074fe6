/** A writer's thread that does not answer, with 300 ms of silence at most: as if the disk had stopped. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from 'fs-native-extensions';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openBus } from '#store';
import { tempDirectory } from '../kit/temp-store.ts';

vi.mock('#kernel/limits', async (importOriginal) => ({
  ...(await importOriginal<typeof import('#kernel/limits')>()),
  writerSilenceMaxMs: 300,
}));

const event = { type: 'placed' };

test('a writer that falls silent in a commit is given up: appends fail, reads and close go on', async () => {
  const path = tempDirectory();
  const bus = await openBus({ path });
  const failures: unknown[] = [];
  bus.errors$.subscribe((error) => failures.push(error));
  await bus.append('a', event);
  // A commit waits two seconds for whoever holds this lock.
  const file = openSync(join(path, 'opening.lock'), 'r+');
  onTestFinished(() => closeSync(file));
  expect(tryLock(file)).toBe(true);

  await expect(bus.append('a', event)).rejects.toMatchObject({
    code: 'STORE_FAILED',
    cause: expect.objectContaining({ message: expect.stringContaining('no sign of life') }),
  });
  await expect(bus.append('a', event)).rejects.toMatchObject({ code: 'STORE_FAILED' });

  expect((await bus.event(1))?.stream).toBe('a');
  expect(failures).toMatchObject([{ code: 'STORE_FAILED' }]);
  const begun = performance.now();
  await bus.close();
  expect(performance.now() - begun).toBeLessThan(1500);
  expect(failures).toHaveLength(2);
});
