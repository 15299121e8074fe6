/**
 * What the golden store holds: every form of event and commit that format version 1 knows. Sessions, then calls.
 */
import type { StreamAppend } from '#store';

const id = (last: number) => `01890000-0000-7000-8000-${String(last).padStart(12, '0')}`;

/** A large array of small events goes over several blocks. */
const many = Array.from({ length: 300 }, (_, index) => ({
  type: index % 2 === 0 ? 'Even' : 'Odd',
  id: id(1000 + index),
  data: { index, text: 'x'.repeat(index) },
}));

export interface GoldenAppend {
  readonly parts: readonly StreamAppend[];
  readonly idempotencyKey?: string;
}

export const goldenAppends: readonly (readonly GoldenAppend[])[] = [
  [
    { parts: [{ stream: 'plain', events: { type: 'Nothing', id: id(1) } }] },
    {
      parts: [
        { stream: 'plain', events: [{ type: 'Values', id: id(2), data: { a: 1, b: [true, null, 'é漢😀'], c: 1.5 } }] },
        { stream: 'størrelse', events: { type: 'Große', id: 'an id that is text', metadata: { by: 'golden' } } },
      ],
      idempotencyKey: 'first key',
    },
    {
      parts: [
        {
          stream: 'types',
          events: {
            type: 'Types',
            id: id(3),
            data: {
              date: new Date(Date.UTC(2001, 0, 14, 21, 55)),
              big: 2n ** 70n,
              small: -5n,
              set: new Set([1, 'two']),
              bytes: new Uint8Array([0, 127, 255]),
              floats: new Float64Array([0.5, -1]),
              missing: undefined,
              infinite: Number.NEGATIVE_INFINITY,
            },
            metadata: { nested: { deep: [[]] } },
          },
        },
        {
          stream: 'maps',
          events: {
            type: 'Map',
            id: id(4),
            data: new Map<unknown, unknown>([
              [{ key: 1 }, [new Map()]],
              ['set', new Set([{}])],
            ]),
          },
        },
      ],
    },
  ],
  [
    { parts: [{ stream: 'many', events: many }], idempotencyKey: 'second key' },
    { parts: [{ stream: 'large', events: { type: 'Large', id: id(5), data: new Uint8Array(40_000).fill(7) } }] },
  ],
];
