/** What of a thing a view shows, and where it has to begin to do so. Pure. */

export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Room around what is brought into view, where there is some: what it leads to is seen too. Pixels. */
const roomPx = 48;

/** All of them in one; they are not none. */
export function joined(stretches: readonly Stretch[]): Stretch {
  return {
    from: Math.min(...stretches.map(({ from }) => from)),
    to: Math.max(...stretches.map(({ to }) => to)),
  };
}

/** `thing` with as much of what is around it as a view of `size` has room for. */
export function widestThatFits(size: number, thing: Stretch, around: readonly Stretch[]): Stretch {
  const fitting = around.map((outer) => joined([thing, outer])).filter(({ from, to }) => to - from <= size);
  return joined([thing, ...fitting].sort((a, b) => b.to - b.from - (a.to - a.from)).slice(0, 1));
}

/**
 * Where a view of `size` that begins at `start` has to begin, to show all of `thing`, and the beginning of one that is larger: as
 * near as can be, so that what moves between two places near each other does not move the view. It may be out of what can be
 * scrolled to: browsers take the nearest.
 */
export function viewStart(view: { readonly start: number; readonly size: number }, thing: Stretch): number {
  const { start, size } = view;
  const free = size - (thing.to - thing.from);
  if (free < 0) return thing.from;
  if (thing.from >= start && thing.to <= start + size) return start;
  const room = Math.min(roomPx, free / 2);
  return thing.from < start ? thing.from - room : thing.to + room - size;
}
