/** Queries that are the end of their thread, or would be of their process. `args` say how. */
import type { QueryDefinition } from '#actors/query';

export type Ending =
  | 'exit'
  | 'heap'
  | 'loop'
  | 'never'
  | 'exception'
  | 'null'
  | 'late-exception'
  | 'late-rejection'
  | 'none';

/** Later than the query whose step has set it off. */
const lateMs = 400;

const ends: Record<Ending, () => unknown> = {
  exit: () => process.exit(3),
  heap: () => {
    const kept: number[][] = [];
    for (;;) kept.push(new Array(10_000).fill(kept.length));
  },
  loop: () => {
    for (;;);
  },
  never: () => new Promise(() => {}),
  exception: () =>
    new Promise(() => {
      setImmediate(() => {
        throw new RangeError('in a callback');
      });
    }),
  null: () =>
    new Promise(() => {
      setImmediate(() => {
        // biome-ignore lint/style/useThrowOnlyError: what a user's module may do
        throw null;
      });
    }),
  'late-exception': () => {
    setTimeout(() => {
      throw new RangeError('too late');
    }, lateMs);
  },
  'late-rejection': () => {
    setTimeout(() => {
      void Promise.reject(Object.assign(new RangeError('rejected too late'), { code: 'LATE' }));
    }, lateMs);
  },
  none: () => {},
};

/** Ends at the first event of the part that has position 1; the result is the number of events. */
export const query = {
  init: () => 0,
  step: async (count, event, ending) => {
    if (event.position === 1) await ends[ending]();
    return count + 1;
  },
  merge: (first, second) => first + second,
} satisfies QueryDefinition<number, Ending>;

/** The part with position 1 never ends, the last one fails. */
export const loopOrFail = {
  init: () => 0,
  step: (count, event) => {
    if (event.position === 1) ends.loop();
    if (event.position === 5000) throw new Error('the other part');
    return count + 1;
  },
  merge: (first, second) => first + second,
} satisfies QueryDefinition<number>;
