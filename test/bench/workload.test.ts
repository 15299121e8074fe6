import { expect, test } from 'vitest';
import { createOrders, createRandom, eventTypes, Workload } from '../../bench/workload.ts';

test('the same seed gives every contender the same work', () => {
  expect(new Workload(1).singles(100)).toEqual(new Workload(1).singles(100));
});

test('data is about 256 bytes as JSON, and not always the same', () => {
  const sizes = createOrders(1000, createRandom(1)).map(({ data }) => JSON.stringify(data).length);

  expect(sizes.reduce((sum, size) => sum + size) / sizes.length).toBeCloseTo(256, -1);
  expect(new Set(sizes).size).toBeGreaterThan(1);
});

test('every type comes up equally often', () => {
  const events = new Workload(1).events(10_000);

  expect(eventTypes.map((type) => events.filter((event) => event.type === type).length)).toEqual(
    eventTypes.map(() => 2000),
  );
});
