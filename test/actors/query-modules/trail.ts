/** Queries whose result tells what was folded, and in which order. */
import { threadId } from 'node:worker_threads';
import type { QueryDefinition } from '#actors/query';

interface Trail {
  readonly positions: number[];
  /** What was merged when: each part in brackets. */
  shape: string;
}

/** Positions in the order of the fold, and how the parts were merged. */
export const query = {
  init: () => ({ positions: [], shape: '' }),
  step: (trail, event) => {
    trail.positions.push(event.position);
    return trail;
  },
  merge: (first, second) => ({
    positions: [...first.positions, ...second.positions],
    shape: `(${first.shape}${first.positions.length}+${second.positions.length})`,
  }),
} satisfies QueryDefinition<Trail>;

/** The same, every function asynchronous, the accumulator never changed in place. */
export const asynchronous = {
  init: async () => [],
  step: async (positions, event) => [...positions.slice(-9), event.position],
  merge: async (first, second) => [...first, ...second].slice(-10),
  finish: async (positions) => positions.join(' '),
} satisfies QueryDefinition<number[], undefined, string>;

/** Sum of `data.amount`, times an argument: init and step get it. */
export const sum = {
  init: ({ factor }) => ({ factor, total: 0 }),
  step: ({ factor, total }, event, args) => ({ factor, total: total + event.data.amount * args.factor }),
  merge: (first, second) => ({ ...first, total: first.total + second.total }),
  finish: ({ total }) => total,
} satisfies QueryDefinition<{ factor: number; total: number }, { factor: number }, number>;

/** What structured clone keeps and JSON does not. */
export const kinds = {
  init: () => ({ streams: new Set(), last: null, bytes: new Float64Array(2), big: 1n }),
  step: (kept, event) => {
    kept.streams.add(event.stream);
    return { ...kept, last: new Date(event.timeMs), bytes: new Float64Array([1, 2]) };
  },
  merge: (first, second) => ({ ...second, streams: new Set([...first.streams, ...second.streams]) }),
} satisfies QueryDefinition<{ streams: Set<string>; last: Date | null; bytes: Float64Array; big: bigint }>;

/** Threads that folded. Takes long enough for each of them to get a part. */
export const threads = {
  init: () => [threadId],
  step: (ids) => {
    const end = performance.now() + 0.05;
    while (performance.now() < end);
    return ids;
  },
  merge: (first, second) => [...new Set([...first, ...second])],
} satisfies QueryDefinition<number[]>;
