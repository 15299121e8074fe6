/**
 * When a processor counts as stuck, or as too far behind: the options, their defaults, and the one place where they are
 * checked.
 */
import { dayMs, isWhole, isWithin, withValues, wrong } from './option-checks.ts';

/** Where a processor is when its lag goes beyond what was set. */
export interface LagPlace {
  readonly processor: string;
  /** Everything up to here is handled, or not wanted. */
  readonly position: number;
  /** The last position of the store. */
  readonly head: number;
}

/** When somebody wants to be told of a processor that falls behind. */
export interface MaxLagOptions {
  /** Events behind the head. 1 to 1,000,000,000. */
  readonly events: number;
  /**
   * Called each time the lag goes beyond `events`; not again before it has fallen below half of that. What it throws, or
   * rejects with, goes to `bus.errors$`.
   */
  readonly onExceeded: (lag: number, place: LagPlace) => unknown;
}

export interface MonitorOptions {
  /**
   * A processor that runs, is behind the head and has not moved for so long is `stalled`: its status has the tag, and
   * `PROCESSOR_STALLED` is reported once, whatever the reason is; waits between tries count too. Noticed up to a quarter
   * later. Milliseconds, 10 to 86,400,000, or Infinity: never. @default 30_000
   */
  readonly stalledMs?: number;
  /** @default none: lag is nobody's business */
  readonly maxLag?: MaxLagOptions;
}

export interface MonitorPolicy {
  readonly stalledMs: number;
  readonly maxLag: MaxLagOptions | undefined;
}

export const monitorOptionNames: readonly (keyof MonitorOptions)[] = ['stalledMs', 'maxLag'];

const maxLagNames: readonly (keyof MaxLagOptions)[] = ['events', 'onExceeded'];

/** @throws {TypeError} naming the option, its range and what was given. */
export function resolveMonitorPolicy({ stalledMs = 30_000, maxLag }: MonitorOptions): MonitorPolicy {
  if (stalledMs !== Number.POSITIVE_INFINITY && !isWithin(stalledMs, 10, dayMs)) {
    throw wrong('stalledMs', '10 to 86400000 (milliseconds), or Infinity', stalledMs);
  }
  return { stalledMs, maxLag: maxLag && resolveMaxLag(maxLag) };
}

function resolveMaxLag(given: MaxLagOptions): MaxLagOptions {
  const { events, onExceeded } = withValues('maxLag', given, maxLagNames);
  if (!isWhole(events, 1, 1_000_000_000)) throw wrong('maxLag.events', '1 to 1000000000', events);
  if (typeof onExceeded !== 'function') throw wrong('maxLag.onExceeded', 'a function', onExceeded);
  return { events: events as number, onExceeded };
}
