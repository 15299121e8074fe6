/** The rows of the tail: those that were read, and above them those that came live since. Pure. */
import type { EventRow } from '../../wire.ts';

export interface TailFilter {
  readonly type: string;
  readonly prefix: string;
}

/** Live rows kept; those before them are read again when one wants them. */
export const tailRowsMax = 2000;

export function passes(event: EventRow, { type, prefix }: TailFilter): boolean {
  return (type === '' || event.type === type) && event.stream.startsWith(prefix);
}

/**
 * The rows that came live: `before`, with what of `events` is newer than `newest`, newest first and at most {@link tailRowsMax};
 * the same array when nothing is new.
 */
export function joined(
  before: readonly EventRow[],
  events: Iterable<EventRow>,
  filter: TailFilter,
  newest: number,
): readonly EventRow[] {
  const last = before[0]?.position ?? newest;
  const fresh = [...events].filter((event) => event.position > last && passes(event, filter));
  if (fresh.length === 0) return before;
  return [...fresh.sort((first, second) => second.position - first.position), ...before].slice(0, tailRowsMax);
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
