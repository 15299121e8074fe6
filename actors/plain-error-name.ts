/**
 * Names and codes of errors as they stand in programs, which tell nothing of an event: whatever else somebody has set there may.
 */
const nameLike = /^[A-Za-z_$][\w$]{0,63}$/;
const codeLike = /^[A-Z][A-Z0-9_]{0,63}$/;

/** `name`, if it looks like one. */
export function nameOf(name: string): string {
  return nameLike.test(name) ? name : 'Error';
}

/** `code`, if there is one that looks like one. */
export function codeOf(code: string | undefined): { readonly code?: string } {
  return code !== undefined && codeLike.test(code) ? { code } : {};
}
