/** Runs out of heap at its second event, the first time. */
import type { EventHandler } from '#store';

export const handle: EventHandler = ({ position }, { attempt }) => {
  if (position !== 2 || attempt > 1) return;
  const kept: number[][] = [];
  for (;;) kept.push(new Array(10_000).fill(kept.length));
};
