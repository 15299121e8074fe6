/**
 * What a state looks like and is called. Colour never stands alone: each has a shape and a word. Pure.
 */
import type { IconName } from './parts/icons.ts';

export type Tone = 'good' | 'busy' | 'rest' | 'warn' | 'bad' | 'odd';

/** States of processors, projections, buses, letters and other machines; what is not known is drawn neutral. */
const looks: Readonly<Record<string, readonly [Tone, IconName]>> = {
  live: ['good', 'state-live'],
  open: ['good', 'state-live'],
  active: ['good', 'state-live'],
  running: ['good', 'state-live'],
  'catching-up': ['busy', 'state-busy'],
  loading: ['busy', 'state-busy'],
  opening: ['busy', 'state-busy'],
  building: ['busy', 'state-busy'],
  resetting: ['busy', 'state-busy'],
  draining: ['busy', 'state-busy'],
  retrying: ['warn', 'state-wait'],
  waiting: ['rest', 'state-wait'],
  poisoned: ['odd', 'state-odd'],
  parked: ['odd', 'state-odd'],
  paused: ['rest', 'state-rest'],
  idle: ['rest', 'state-rest'],
  stopped: ['rest', 'state-stop'],
  done: ['rest', 'state-stop'],
  closed: ['rest', 'state-stop'],
  absent: ['rest', 'state-stop'],
  dead: ['rest', 'state-fail'],
  discarded: ['rest', 'state-stop'],
  failed: ['bad', 'state-fail'],
  error: ['bad', 'state-fail'],
};

export function lookOf(state: string): { readonly tone: Tone; readonly icon: IconName } {
  const [tone, icon] = looks[state] ?? (['rest', 'state-live'] as const);
  return { tone, icon };
}

export function wordOf(state: string): string {
  return state.replaceAll('-', ' ');
}

/** Of the paths of all active states those that have no active one inside: `['live', 'live.waiting']` gives `['live.waiting']`. */
export function innermostOf(active: readonly string[]): readonly string[] {
  return active.filter((path) => !active.some((other) => other.startsWith(`${path}.`)));
}
