/** What of a store is sealed. */
import { assert } from '../assert.ts';
import type { KeyOwner } from './key-owner.ts';

/**
 * All streams but those whose name starts with `$`, or those whose name starts with one of these. What is about a subject is
 * sealed in any stream, and so is what may be: the state of an aggregate.
 */
export type SealMode = 'all' | { readonly prefixes: readonly string[] };

/** Whether what `owner` owns is sealed. A projection asks only for what is. */
export function isSealed(mode: SealMode, owner: KeyOwner): boolean {
  if (owner.kind === 'projection') return true;
  const { stream, subject, isWhole = false } = owner;
  if (stream.startsWith('$')) {
    assert(subject === undefined, 'a stream of our own has no subjects');
    return false;
  }
  if (mode === 'all' || subject !== undefined || isWhole) return true;
  return mode.prefixes.some((prefix) => stream.startsWith(prefix));
}
