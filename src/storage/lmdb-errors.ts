/**
 * What lmdb's error numbers mean: the one place that translates them to codes of varvebus.
 *
 * lmdb-js throws plain errors with a numeric `code`: negative ones are LMDB's (lmdb.h), positive ones are errno values.
 */
import { getSystemErrorName } from 'node:util';
import { BusError } from '../errors.ts';
import { isNoSpace, isNotAllowed } from './system-errors.ts';

/** lmdb.h: MDB_MAP_FULL. */
const mapFull = -30792;
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

/** The error of a failed open; errors that are typed already stay as they are. */
export function openError(path: string, error: unknown): Error {
  if (error instanceof BusError || error instanceof TypeError) return error;
  const code = lmdbCode(error);
  const cause = { cause: error };
  if (isNotAllowed(error) || (code !== undefined && errnosNotAllowed.has(code)))
    return new BusError(
      'STORE_READ_ONLY',
      `the store at ${path} can't be opened: this user may not write there (${messageOf(error)})`,
      { path },
      cause,
    );
  if (isNoSpace(error) || saysNoSpace(error))
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

/** The error of an open whose signal was aborted. */
export function abortedError(path: string, reason: unknown): BusError {
  return new BusError(
    'ABORTED',
    `opening the store at ${path} was aborted`,
    { outcome: 'nothing-written' },
    { cause: reason },
  );
}

/** The error of a failed read of `table`. */
export function readError(path: string, table: string, error: unknown): BusError {
  const code = lmdbCode(error);
  if (code !== undefined && codesCorrupt.has(code)) return corrupt(table, error);
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

/** lmdb-js's messages end with the text of an earlier failure at times: the code is what counts. */
function messageOf(error: unknown): string {
  const code = lmdbCode(error);
  if (code === undefined) return error instanceof Error ? error.message : String(error);
  return code < 0 ? `LMDB error ${code}` : getSystemErrorName(-code);
}
