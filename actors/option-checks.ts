/** Checks that options of processors and queries share. */
import { inspect } from 'node:util';
import { refuseUnknownNames } from '../src/option-names.ts';

/** Bounds of durations, in milliseconds. */
export const hourMs = 3600 * 1000;
export const dayMs = 24 * hourMs;

/** Those of the nested options `what` that have a value. @throws {TypeError} for names that are none */
export function withValues<Options extends object>(
  what: string,
  given: Options,
  names: readonly string[],
): Partial<Options> {
  if (typeof given !== 'object' || given === null) throw wrong(what, 'an object', given);
  refuseUnknownNames(what, given, names);
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<Options>;
}

export function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && isWithin(value, least, most);
}

export function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most;
}

/** What an option out of range is refused with. */
export function wrong(option: string, range: string, value: unknown): TypeError {
  return new TypeError(`${option} must be ${range}, got ${inspect(value)}`);
}

/** The URL of a module that threads load, as a text. @throws {TypeError} */
export function fileUrl(option: string, module: unknown): string {
  const url = typeof module === 'string' || module instanceof URL ? URL.parse(String(module)) : null;
  if (url?.protocol === 'file:') return url.href;
  const example = `new URL('./${option}.js', import.meta.url)`;
  throw new TypeError(`${option} must be a file: URL, like ${example}, got ${String(module)}`);
}
