/**
 * A fold over a range of positions: the inner loop of a query.
 *
 * Reads page by page, each on a fresh snapshot, so that a step that takes its time pins nothing. Costs no promise per event:
 * only what a step gives asynchronously is awaited.
 */
import { assert } from '../assert.ts';
import { isThenable } from '../thenable.ts';
import type { EventFilter, StoredEvent } from '../types.ts';
import { DecodeAhead } from './decode-ahead.ts';
import { compileFilter } from './event-filter.ts';
import type { LogReader } from './log-reader.ts';
import type { ScanRange } from './scanner.ts';

/** Positions `low` to `high`, both inclusive, all of them at or below the head. */
export interface FoldRange {
  readonly low: number;
  readonly high: number;
  readonly filter: EventFilter;
}

/**
 * Gives `step` each event of `range` in order of position, with what the step before it gave; `initial` is the first one's.
 * @throws {STORE_CORRUPT} {STORE_CLOSED}, and what `step` throws.
 */
export async function foldRange<Accumulator>(
  reader: LogReader,
  { low, high, filter }: FoldRange,
  initial: Accumulator,
  step: (accumulator: Accumulator, event: StoredEvent) => Accumulator | PromiseLike<Accumulator>,
): Promise<Accumulator> {
  const range: ScanRange = {
    low,
    high,
    direction: 'forward',
    filter: compileFilter(filter),
    decodeAhead: new DecodeAhead(),
  };
  let accumulator = initial;
  for (;;) {
    const page = reader.scan(range, Number.POSITIVE_INFINITY);
    for (const event of page.items) {
      const next = step(accumulator, event);
      // One that was changed in place needs no look.
      if (next !== accumulator) accumulator = isThenable(next) ? await next : next;
    }
    if (page.isLast) break;
  }
  assert(range.low > range.high, 'a fold reads its range to the end');
  return accumulator;
}
