/**
 * A query module: how many seats each clerk has sold. The reader threads load it; see worker-threads.ts.
 */
import type { QueryDefinition } from '#store';

export interface SeatSold {
  readonly type: 'SeatSold';
  readonly data: { readonly seat: number; readonly clerk: string };
}

type SeatsByClerk = Record<string, number>;

export const query = {
  init: (): SeatsByClerk => ({}),
  step: (seats, { data }) => withSeats(seats, data.clerk, 1),
  merge: (first, second) =>
    Object.entries(second).reduce((seats, [clerk, count]) => withSeats(seats, clerk, count), first),
} satisfies QueryDefinition<SeatsByClerk, undefined, SeatsByClerk, SeatSold>;

function withSeats(seats: SeatsByClerk, clerk: string, count: number): SeatsByClerk {
  return { ...seats, [clerk]: (seats[clerk] ?? 0) + count };
}
