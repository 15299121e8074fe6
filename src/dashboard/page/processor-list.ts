/**
 * Which processors the overview lists, and in which order. Pure.
 */
import type { ProcessorRow } from '../wire.ts';
import { lookOf } from './states.ts';

export type ProcessorSort = 'name' | 'trouble' | 'lag' | 'rate';

/** `text`: part of the name or of the last error, in any case; `state`: `''` for all. */
export function listed(
  rows: readonly ProcessorRow[],
  { text, state, sort }: { readonly text: string; readonly state: string; readonly sort: string },
): ProcessorRow[] {
  const wanted = text.toLowerCase();
  const found = rows.filter(
    (row) =>
      (state === '' || row.state === state) &&
      (wanted === '' || `${row.name}\n${row.lastError?.message ?? ''}`.toLowerCase().includes(wanted)),
  );
  const byName = (a: ProcessorRow, b: ProcessorRow) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  const first = orders[sort as ProcessorSort] ?? byName;
  return found.sort((a, b) => first(a, b) || byName(a, b));
}

const ranks = { bad: 0, odd: 1, warn: 1, busy: 2, good: 2, rest: 3 } as const;

const orders: Partial<Record<ProcessorSort, (a: ProcessorRow, b: ProcessorRow) => number>> = {
  trouble: (a, b) => ranks[lookOf(a.state).tone] - ranks[lookOf(b.state).tone],
  lag: (a, b) => b.lag - a.lag,
  rate: (a, b) => b.rate - a.rate,
};

/** How many there are of each state, worst first. */
export function stateCounts(rows: readonly ProcessorRow[]): (readonly [state: string, count: number])[] {
  const counts = new Map<string, number>();
  for (const { state } of rows) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => ranks[lookOf(a).tone] - ranks[lookOf(b).tone] || (a < b ? -1 : 1));
}
