/**
 * How long what was just taken is shown as such. Pure; chart/taken-edge.ts knows which edges were.
 */
import type { Transition } from '../../../actors/bus-status.ts';

/** How long an edge is lit. Milliseconds: long enough to be seen, short enough not to lie. */
export const litMs = 1000;

/** Whether `transition` was taken so short a time ago that it may be lit: one that was taken before the page came is not news. */
export function isJustTaken({ atMs }: Pick<Transition, 'atMs'>, nowMs: number): boolean {
  return nowMs - atMs < 2 * litMs;
}
