/**
 * Looks at the data file before LMDB maps it, in plain JavaScript: LMDB takes the whole process down over a damaged one.
 *
 * Always looks at the meta pages, the table of tables, and the first and last path of every tree; at every page of the
 * trees when they are few, or when the file is shorter than it should be. That alone is only a suspicion: LMDB leaves free
 * pages at the end unwritten. Does not look into values: blocks and rows carry checksums of their own.
 * Works on a store that is being written to: a contradiction counts when no commit came between.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { BusError } from '../errors.ts';
import { firstTableNames } from './engine.ts';
import {
  Damage,
  ensure,
  ForeignFile,
  foreignPageSize,
  hasMagic,
  type Meta,
  pageSizeBytes,
  readMetas,
  type Tree,
} from './lmdb-file.ts';
import { isNotAllowed } from './system-errors.ts';
import { readAt, TreeWalk } from './tree-walk.ts';

/** The table of the blocks. */
export const blockTableName = 'events_log';

/** Times a check is done again because a commit came between. After that the store is alive, and its writer reads the same pages. */
const attemptsMax = 50;
/** Tree pages that are always looked at: 1 MiB, a few milliseconds. A log of 400 MB has about as many. */
const treePagesAlways = 256;
/** The first two pages. */
const metaPages = 2;

/**
 * @throws {STORE_CORRUPT} `table: 'file'`, when LMDB must not open the file at `path`.
 * @throws {STORE_FORMAT} when it is no LMDB file, or one without our tables. @throws {STORE_READ_ONLY} when it can't be read.
 */
export function preflight(path: string): void {
  const file = openFile(path);
  try {
    checkFile(file);
  } catch (error) {
    if (error instanceof Damage)
      throw new BusError(
        'STORE_CORRUPT',
        `${path} is damaged: ${error.message}. Restore it from a backup`,
        { table: 'file', position: undefined },
        { cause: error },
      );
    if (error instanceof ForeignFile)
      throw new BusError(
        'STORE_FORMAT',
        `${path} is not a varvebus store: ${error.message}`,
        { path, found: undefined, supported: 1 },
        { cause: error },
      );
    throw error;
  } finally {
    closeSync(file);
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (!isNotAllowed(error)) throw error;
    throw new BusError('STORE_READ_ONLY', `${path} can't be read by this user`, { path }, { cause: error });
  }
}

function checkFile(file: number): void {
  if (!fstatSync(file).isFile()) throw new ForeignFile('it is not a file');
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const before = metaBytes(file);
    try {
      checkSnapshot(file, readMetas(before));
      return;
    } catch (error) {
      if (!(error instanceof Damage) || metaBytes(file).equals(before)) throw error;
    }
  }
}

function metaBytes(file: number): Buffer {
  const bytes = readAt(file, 0, metaPages * pageSizeBytes);
  if (bytes.length >= pageSizeBytes && bytes.length < metaPages * pageSizeBytes && !hasMagic(bytes))
    throw new ForeignFile('it has not the page layout of a store');
  const size = foreignPageSize(bytes);
  if (size !== undefined && foreignPageSize(readAt(file, size, pageSizeBytes)) === size)
    throw new ForeignFile('its pages are of another size');
  ensure(
    bytes.length === metaPages * pageSizeBytes,
    bytes.length === 0 ? 'it is empty' : `it has only ${bytes.length} bytes`,
  );
  return bytes;
}

function checkSnapshot(file: number, meta: Meta): void {
  const walk = new TreeWalk(file, meta);
  const tables = walk.tables();
  const known = [blockTableName, ...firstTableNames].filter((name) => tables.has(name));
  if (known.length === 0) throw new ForeignFile('it has none of its tables');
  ensure(known.length === firstTableNames.length + 1, 'a table is missing');
  const all = [meta.free, meta.main, ...tables.values()];
  const treePages = sum(all, (tree) => tree.branchPages + tree.leafPages);
  const valuePages = sum(all, (tree) => tree.overflowPages);
  ensure(metaPages + treePages + valuePages <= meta.lastPage + 1, 'it has fewer pages than its tables');
  const isShort = fstatSync(file).size < (meta.lastPage + 1) * pageSizeBytes;
  if (isShort || treePages <= treePagesAlways) walk.everything(tables.values());
  else walk.edges(tables.values());
}

function sum(trees: readonly Tree[], count: (tree: Tree) => number): number {
  return trees.reduce((total, tree) => total + count(tree), 0);
}
