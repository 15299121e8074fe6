import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pageSizeBytes, readMetas } from '#kernel/storage/lmdb-file';
import { commitTexts } from '../kit/engine-contract.ts';
import { startEngineProcess } from './kit/engine-process.ts';
import { openEngine } from './kit/open.ts';
import { tempDirectory } from './kit/temp-directory.ts';

test('every page of the file is in use or can be used again', async () => {
  const directory = tempDirectory();
  const engine = await openEngine(directory);
  const rows = Array.from({ length: 500 }, (_, at) => ['streams', `row-${at}`, 'x'.repeat(500)] as const);
  commitTexts(engine, { 1: 'b'.repeat(50_000) }, rows);
  const removed = rows.slice(0, 450).map(([table, key]) => [table, key, undefined] as const);
  commitTexts(engine, {}, removed);

  const { usedBytes, freeBytes, mapBytes } = engine.usage();

  const { lastPage } = readMetas(readFileSync(join(directory, 'log.mdb')).subarray(0, 2 * pageSizeBytes));
  expect(usedBytes + freeBytes).toBe((lastPage + 1) * pageSizeBytes);
  expect(freeBytes).toBeGreaterThan(40 * pageSizeBytes);
  expect(mapBytes).toBeGreaterThan(usedBytes + freeBytes);
});

test('a reader in another process takes a slot, and gives it back', async () => {
  const directory = tempDirectory();
  const engine = await openEngine(directory);
  const alone = engine.usage().readers;
  const child = startEngineProcess();
  await child.get({ do: 'open', options: { directory, readOnly: true } });
  await child.get({ do: 'last' });
  const both = engine.usage().readers;
  await child.get({ do: 'close' });

  expect([both, engine.usage().readers]).toEqual([alone + 1, alone]);
});
