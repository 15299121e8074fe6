/**
 * Making a new store, so that a crash at any point leaves either a whole one or none.
 *
 * The file is made under another name, with its first rows, closed, synced and only then renamed: a `log.mdb` that exists
 * is always complete, and an empty or partial one is damage. Leftovers of a crash are removed by the next writer.
 */
import { chmodSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../assert.ts';
import { BusError } from '../errors.ts';
import type { RowWrite } from './engine.ts';
import { syncDirectory, syncPath } from './file-system.ts';
import { openEnvironment } from './lmdb-environment.ts';
import { openError } from './lmdb-errors.ts';

/** The data file of a store. LMDB's lock file is beside it, with `-lock` behind the name. */
export const dataFileName = 'log.mdb';
const newFileName = 'log.mdb.new';

/** Makes `directory`, for its owner only, unless it exists. */
export function createDirectory(directory: string): void {
  try {
    const first = mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    chmodSync(directory, 0o700);
  } catch (error) {
    throw new BusError(
      'STORE_READ_ONLY',
      `the directory ${directory} can't be made`,
      { path: directory },
      { cause: error },
    );
  }
}

/** Removes what a crash while making a store left behind. */
export function removeLeftovers(directory: string): void {
  rmSync(join(directory, newFileName), { force: true });
  rmSync(join(directory, `${newFileName}-lock`), { force: true });
}

/** Makes a store with these rows in `directory`. The writer lock must be held. */
export function createStore(directory: string, rows: readonly RowWrite[]): void {
  const newPath = join(directory, newFileName);
  const path = join(directory, dataFileName);
  try {
    const environment = openEnvironment({ path: newPath, readOnly: false, noSync: false });
    try {
      environment.root.transactionSync(() => {
        for (const { table, key, value } of rows) {
          if (value !== undefined) assert(environment.rows[table].put(key, value).result, 'a first row is written');
        }
      });
    } finally {
      void environment.root.close();
    }
    chmodSync(newPath, 0o600);
    syncPath(newPath);
    renameSync(newPath, path);
    rmSync(`${newPath}-lock`, { force: true });
    syncDirectory(directory);
  } catch (error) {
    if (error instanceof BusError) throw error;
    throw openError(directory, error);
  }
}
