/**
 * For how long the edges that a transition took are lit. Pure. Which they are: chart/taken-edge.ts.
 */
import type { Transition } from '../../../actors/bus-status.ts';

/** How long an edge is lit. Milliseconds: long enough to be seen, short enough not to lie. */
export const litMs = 1000;

/** Whether `transition` was taken so short a time ago that it may be lit: one that was taken before the page came is not news. */
export function isJustTaken({ atMs }: Transition, nowMs: number): boolean {
  return nowMs - atMs < 2 * litMs;
}
