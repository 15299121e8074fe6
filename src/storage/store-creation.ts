/**
 * Making a new store, so that a crash at any point leaves either a whole one or none.
 *
 * The file is made under another name, with its first rows, closed, synced and only then renamed: a `log.mdb` that exists
 * is always complete, and an empty or partial one is damage. Leftovers of a crash are removed by the next writer.
 */
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../assert.ts';
import type { RowWrite } from './engine.ts';
import { createPrivately, syncPath } from './file-system.ts';
import { requireConditions, requireSpace } from './lmdb-conditions.ts';
import { openEnvironment } from './lmdb-environment.ts';

/** The data file of a store. LMDB's lock file is beside it, with `-lock` behind the name. */
export const dataFileName = 'log.mdb';
const newFileName = 'log.mdb.new';

/** The moments at which a crash leaves something else behind. */
export const creationSteps = [
  'file-made',
  'tables-made',
  'rows-written',
  'closed',
  'synced',
  'renamed',
  'done',
] as const;
export type CreationStep = (typeof creationSteps)[number];

/** Removes what a crash while making a store left behind. */
export function removeLeftovers(directory: string): void {
  rmSync(join(directory, newFileName), { force: true });
  rmSync(join(directory, `${newFileName}-lock`), { force: true });
}

/** Makes a store with these rows in `directory`. The writer lock must be held. @throws what fails, unchanged */
export function createStore(directory: string, rows: readonly RowWrite[], onStep: (step: CreationStep) => void): void {
  const newPath = join(directory, newFileName);
  const path = join(directory, dataFileName);
  createPrivately(newPath);
  requireSpace(newPath);
  onStep('file-made');
  requireConditions(newPath);
  // Synced once, when it is whole: before that nobody looks at it.
  const environment = openEnvironment({ path: newPath, readOnly: false, noSync: true });
  try {
    onStep('tables-made');
    environment.root.transactionSync(() => {
      for (const { table, key, value } of rows) {
        if (value !== undefined) assert(environment.rows[table].put(key, value).result, 'a first row is written');
      }
    });
    onStep('rows-written');
  } finally {
    void environment.root.close();
  }
  onStep('closed');
  syncPath(newPath);
  onStep('synced');
  renameSync(newPath, path);
  onStep('renamed');
  rmSync(`${newPath}-lock`, { force: true });
  syncPath(directory);
  onStep('done');
}
