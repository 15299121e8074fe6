/** Any deeds on a few keys, so that they meet. */
import fc from 'fast-check';
import type { ProjectionRange } from '#store';
import type { Deed } from './projection-model.ts';

const key = fc.constantFrom('a', 'a\0', 'aa', 'ab', 'b', 'ba', '\u{1f600}', '\uffee', 'zzz');
const value = fc.oneof(
  fc.integer(),
  fc.string(),
  fc.constant(null),
  fc.record({ text: fc.string(), list: fc.array(fc.integer(), { maxLength: 3 }) }),
);
const bound = fc.option(key, { nil: undefined });

const range: fc.Arbitrary<ProjectionRange> = fc
  .record({
    from: bound,
    to: bound,
    prefix: bound,
    reverse: fc.boolean(),
    limit: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
  })
  .map((given) => Object.fromEntries(Object.entries(given).filter(([, one]) => one !== undefined)));

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('set' as const), key, value }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('count' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('list' as const), range, into: key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), range }) },
);

/** Now and then one that can't be done. */
export const deedsOrFailure = fc
  .tuple(fc.array(deed, { maxLength: 6 }), fc.integer({ min: 0, max: 9 }))
  .map(([those, chance]): Deed[] => (chance === 0 ? [...those, { do: 'fail' }, { do: 'count', key: 'a' }] : those));

export const deeds = fc.array(deed, { maxLength: 6 });
