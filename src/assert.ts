/** Assertions: what must be true whatever the input, checked on both sides of a boundary. */
import { BusError } from './errors.ts';

/** @throws {INTERNAL_BUG} when `condition` is false. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new BusError('INTERNAL_BUG', `a bug in varvebus: ${what}`, { assertion: what });
}
