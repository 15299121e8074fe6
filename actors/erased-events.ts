/**
 * Whether user code gets to see events whose key was erased: unless it asks for them they are passed, like events that it does
 * not want.
 */
import { noticeErasure } from '../src/codec/event.ts';
import type { StoredEvent } from '../src/types.ts';
import { wrong } from './option-checks.ts';

/**
 * `'skip'`: events whose key was erased are passed. `'include'`: they come too, with `erased: true`, and without data,
 * whatever its type says.
 */
export type ErasedEvents = 'skip' | 'include';

/** @throws {TypeError} */
export function resolveErased(erased: ErasedEvents = 'skip'): ErasedEvents {
  if (erased === 'skip' || erased === 'include') return erased;
  throw wrong('erased', "'skip' or 'include'", erased);
}

/** Whether `event` is passed now: it may have been erased since it was read. */
export function isPassed(event: StoredEvent, erased: ErasedEvents): boolean {
  return erased === 'skip' && noticeErasure(event);
}
