/** The rows of the tail: what was read once and what comes live become one list, newest first. Pure. */
import type { EventRow } from '../../wire.ts';

export interface TailFilter {
  readonly type: string;
  readonly prefix: string;
}

/** Rows kept: what one can still want to scroll back to. */
export const tailRowsMax = 2000;

export function passes(event: EventRow, { type, prefix }: TailFilter): boolean {
  return (type === '' || event.type === type) && event.stream.startsWith(prefix);
}

/** `before` with what of `events` is not in it yet; the same array when nothing is new. */
export function joined(
  before: readonly EventRow[],
  events: Iterable<EventRow>,
  filter: TailFilter,
): readonly EventRow[] {
  const known = new Set(before.map(({ position }) => position));
  const fresh = [...events].filter((event) => !known.has(event.position) && passes(event, filter));
  if (fresh.length === 0) return before;
  return [...before, ...fresh].sort((first, second) => second.position - first.position).slice(0, tailRowsMax);
}

/** Positions between a row and the next older one that are not shown: they came too fast. Only said where all are wanted. */
export function missingBefore(rows: readonly EventRow[], index: number, { type, prefix }: TailFilter): number {
  const newer = rows[index];
  const older = rows[index + 1];
  if (type !== '' || prefix !== '' || newer === undefined || older === undefined) return 0;
  return newer.position - older.position - 1;
}

/** The types among `rows`, for suggestions. */
export function typesIn(rows: Iterable<EventRow>): string[] {
  return [...new Set([...rows].map(({ type }) => type))].sort();
}
