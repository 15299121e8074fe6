/**
 * The lanes of a processor: which one is shown, and how the time of each was spent. Pure.
 */
import type { LaneImage, ProcessorImage, StateChange } from '../../../actors/bus-status.ts';
import type { ProcessorState } from '../../../actors/processor-status.ts';
import type { ProcessorTopic } from '../wire.ts';
import { lookOf } from './states.ts';

export type Lane = Omit<LaneImage, 'changes' | 'failures'>;

/** In their order; one alone without partitions. None of one that does not run in this app. */
export function lanesOf(topic: Partial<ProcessorTopic>): Lane[] {
  const lanes: Lane[] = [];
  for (let index = 0; ; index++) {
    const lane = topic[`lane:${index}`];
    if (lane === undefined) return lanes;
    lanes.push(lane);
  }
}

/** The state of each lane, as users see it. */
export function laneStates(image: Omit<ProcessorImage, 'lanes'>): ProcessorState[] {
  return image.status.partitions?.map(({ state }) => state) ?? [image.status.state];
}

/** The lane to look at first: one that is in trouble, the worst of them. */
export function worstLane(states: readonly string[]): number {
  const bad = states.findIndex((state) => lookOf(state).tone === 'bad');
  return Math.max(0, bad === -1 ? states.findIndex((state) => ['warn', 'odd'].includes(lookOf(state).tone)) : bad);
}

/** The lane that a query names; `undefined` when it names none of `count`. */
export function laneIn(text: string, count: number): number | undefined {
  const index = Number(text);
  return /^\d{1,6}$/.test(text) && index < count ? index : undefined;
}

interface End {
  /** When the state it led to was left; `undefined` while it lasts. */
  readonly untilMs?: number;
}

export type Timed<T> = T & End;

/** With the end of each state. `changes`: newest first, of any number of lanes. */
export function timed<T extends StateChange & { readonly lane: number }>(changes: readonly T[]): Timed<T>[] {
  const nextMsByLane = new Map<number, number>();
  return changes.map((change) => {
    const untilMs = nextMsByLane.get(change.lane);
    nextMsByLane.set(change.lane, change.atMs);
    return untilMs === undefined ? change : { ...change, untilMs };
  });
}

export interface Stretch {
  readonly state: ProcessorState;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * What a lane did from `fromMs` to `toMs`, oldest first. `changes`: newest first; what was before the oldest that is known is
 * left out.
 */
export function stretches(
  changes: readonly StateChange[],
  now: ProcessorState,
  fromMs: number,
  toMs: number,
): Stretch[] {
  const found: Stretch[] = [];
  let state = now;
  let endMs = toMs;
  for (const change of changes) {
    if (endMs <= fromMs) break;
    const startMs = Math.max(fromMs, change.atMs);
    if (startMs < endMs) found.unshift({ state, fromMs: startMs, toMs: endMs });
    state = change.from;
    endMs = Math.min(endMs, change.atMs);
  }
  return found;
}
