/** What the errors of node:fs mean here. */

const codesNotAllowed: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM', 'EROFS']);
const codesNoSpace: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** True for an error that a system call gave, not JavaScript. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

/** The user may not do this, or the file system is mounted read-only. */
export function isNotAllowed(error: unknown): boolean {
  return isSystemError(error) && codesNotAllowed.has(error.code);
}

/** No space, no quota, or a limit of the file's size. */
export function isNoSpace(error: unknown): boolean {
  return isSystemError(error) && codesNoSpace.has(error.code);
}

/** There is nothing of that name. */
export function isMissing(error: unknown): boolean {
  return isSystemError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
