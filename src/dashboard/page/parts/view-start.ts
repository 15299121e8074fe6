/** Where a view has to begin to show something. Pure. */

export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Room around what is brought into view, where there is some: what it leads to is seen too. Pixels. */
const roomPx = 48;

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
