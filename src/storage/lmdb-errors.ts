/**
 * What lmdb's error numbers mean: the one place that translates them to codes of varvebus.
 *
 * lmdb-js throws plain errors with a numeric `code`: negative ones are LMDB's (lmdb.h), positive ones are errno values.
 */
import { BusError } from '../errors.ts';

/** lmdb.h: MDB_MAP_FULL. */
export const mapFull = -30792;
/** lmdb.h: MDB_PANIC, after a meta page could not be written. */
export const panic = -30795;
/** errno.h on Linux: EIO is what LMDB makes of a short write, whatever the reason. */
export const errnoIo = 5;
/** errno.h on Linux: EFBIG, ENOSPC, EDQUOT. */
const errnosNoSpace: ReadonlySet<number> = new Set([27, 28, 122]);
/** errno.h on Linux: EPERM, EACCES, EROFS. */
const errnosNotAllowed: ReadonlySet<number> = new Set([1, 13, 30]);
/** lmdb.h: MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_CURSOR_FULL, MDB_PAGE_FULL, MDB_BAD_VALSIZE, MDB_PROBLEM: a broken structure. */
const codesCorrupt: ReadonlySet<number> = new Set([-30797, -30796, -30787, -30786, -30781, -30779]);
/** lmdb.h: MDB_VERSION_MISMATCH, MDB_INVALID. */
const codesFormat: ReadonlySet<number> = new Set([-30794, -30793]);

/** The number lmdb gave, if `error` is one of its errors. */
export function lmdbCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'number' ? error.code : undefined;
}

/** True when the error itself says that there is no space. */
export function saysNoSpace(error: unknown): boolean {
  const code = lmdbCode(error);
  return code !== undefined && (code === mapFull || errnosNoSpace.has(code));
}

/** The error of a failed open. */
export function openError(path: string, error: unknown): BusError {
  const code = lmdbCode(error);
  const cause = { cause: error };
  if (code !== undefined && errnosNotAllowed.has(code))
    return new BusError(
      'STORE_READ_ONLY',
      `the store at ${path} can't be opened: its files may not be written by this user`,
      { path },
      cause,
    );
  if (code !== undefined && errnosNoSpace.has(code))
    return new BusError('STORE_FULL', `the store at ${path} can't be opened: there is no space`, { path }, cause);
  if (code !== undefined && codesFormat.has(code))
    return new BusError(
      'STORE_FORMAT',
      `the file in ${path} is not one of this LMDB's format`,
      { path, found: undefined, supported: 1 },
      cause,
    );
  if (code !== undefined && codesCorrupt.has(code)) return corrupt('file', error);
  return new BusError('STORE_FAILED', `the store at ${path} can't be opened: ${messageOf(error)}`, { path }, cause);
}

/** The error of a failed read of `table`. */
export function readError(path: string, table: string, error: unknown): BusError {
  const code = lmdbCode(error);
  if (code !== undefined && (code === panic || codesCorrupt.has(code))) return corrupt(table, error);
  return new BusError(
    'STORE_FAILED',
    `reading ${table} of the store at ${path} failed: ${messageOf(error)}`,
    { path },
    { cause: error },
  );
}

function corrupt(table: string, error: unknown): BusError {
  return new BusError(
    'STORE_CORRUPT',
    `the store is damaged: LMDB found a wrong structure in ${table} (${messageOf(error)})`,
    { table, position: undefined },
    { cause: error },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
