/** Projections on one bus: what handlers see, what is saved, how it is read. */
import { expect, test } from 'vitest';
import type { ProjectionOptions } from '#store';
import { eventually } from '../kit/collect.ts';
import { engineKinds, tempBus, tempStore } from '../kit/temp-store.ts';

type Shop =
  | { type: 'Added'; data: { item: string; count: number } }
  | { type: 'Removed'; data: { item: string } }
  | { type: 'Noted' };

const added = (item: string, count = 1): Shop => ({ type: 'Added', data: { item, count } });

const stock: ProjectionOptions<Shop, number> = {
  name: 'stock',
  version: 1,
  on: {
    Added: (view, { data }) => view.update(data.item, (count = 0) => count + data.count),
    Removed: (view, { data }) => view.delete(data.item),
  },
};

test.each(engineKinds)('a projection is what its handlers make of the log, and is read with its position (%s)', async (kind) => {
  const bus = await tempBus<Shop>({}, kind);
  await bus.append('shop', [added('pear'), added('apple', 2), added('pear'), { type: 'Noted' }]);
  await bus.append('shop', { type: 'Removed', data: { item: 'apple' } });
  const projection = bus.projection(stock);

  projection.start();
  await projection.caughtUp();

  expect(await projection.get('pear')).toBe(2);
  expect(await projection.get('apple')).toBeUndefined();
  expect(projection.position).toBe(5);
  expect(projection.version).toBe(1);
});
