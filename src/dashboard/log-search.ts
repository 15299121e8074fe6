/**
 * Looking through the log for as long as one answer may take: a part at a time, with a turn of the event loop between any two.
 *
 * Where it ends is told, so that the next answer goes on from there.
 */
import { setImmediate } from 'node:timers/promises';
import type { Bus } from '../../actors/bus.ts';
import { dashboardSearchMaxMs } from '../limits.ts';
import type { Direction, EventFilter, StoredEvent } from '../types.ts';

export interface Search {
  readonly filter: EventFilter;
  /** Positions, both inclusive. */
  readonly low: number;
  readonly high: number;
  readonly direction: Direction;
  readonly signal: AbortSignal;
}

/**
 * Gives each event found to `visit`, which may end the search by `false`; resolves to where to go on, or to `undefined` when
 * all was looked through. @throws {ABORTED} {STORE_CORRUPT} {STORE_CLOSED}
 */
export async function searchLog(
  bus: Bus,
  { filter, low, high, direction, signal }: Search,
  visit: (event: StoredEvent) => boolean,
): Promise<number | undefined> {
  const endMs = performance.now() + dashboardSearchMaxMs;
  const isForward = direction === 'forward';
  let [from, to] = [low, high];
  while (from <= to) {
    const part = isForward
      ? { from, to: Math.min(to, from + partPositions - 1) }
      : { from: Math.max(from, to - partPositions + 1), to };
    for await (const page of bus.read({ ...filter, ...part, direction, signal }).pages()) {
      for (const event of page) {
        if (visit(event)) continue;
        const next = isForward ? event.position + 1 : event.position - 1;
        return next >= low && next <= high ? next : undefined;
      }
      const last = page.at(-1);
      if (performance.now() < endMs || last === undefined) continue;
      const next = isForward ? last.position + 1 : last.position - 1;
      return next >= low && next <= high ? next : undefined;
    }
    if (isForward) from = part.to + 1;
    else to = part.from - 1;
    if (performance.now() >= endMs && from <= to) return isForward ? from : to;
    await setImmediate();
  }
  return undefined;
}

/** Of a part without any match that is not left in the middle. */
const partPositions = 8192;
