/** Events as users see them: plain objects, whatever is done to them. */
import { inspect, isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { type Bus, detach, type StoredEvent } from '#store';
import { collect } from '../kit/collect.ts';
import { tempBus, tempStore } from '../kit/temp-store.ts';

const given = { type: 'placed', id: 'id-1', data: { items: [1, { two: 2 }] }, metadata: { by: 'ann' } };
const expected = { ...given, stream: 'a', version: 1, position: 1, timeMs: 1000 };
const keys = ['id', 'stream', 'version', 'position', 'type', 'data', 'metadata', 'timeMs'];

async function storedEvent(event: object = given): Promise<{ bus: Bus; stored: StoredEvent }> {
  const bus = await tempBus({ clock: () => 1000 });
  await bus.append('a', event as typeof given);
  return { bus, stored: (await bus.event(1)) as StoredEvent };
}

const readers: [string, (bus: Bus) => Promise<StoredEvent | undefined>][] = [
  ['event', (bus) => bus.event(1)],
  ['read', async (bus) => (await collect(bus.read()))[0]],
  ['readStream', async (bus) => (await collect(bus.readStream('a')))[0]],
  ['subscribe', async (bus) => (await collect(bus.subscribe(), 1))[0]],
];

test.each(readers)(
  'an event of %s has eight own enumerable properties in their order, and no other',
  async (_, read) => {
    const { bus } = await storedEvent();

    const stored = (await read(bus)) as StoredEvent;

    expect(Object.keys(stored)).toEqual(keys);
    expect(Object.getOwnPropertyNames(stored)).toEqual(keys);
    expect(Object.getPrototypeOf(stored)).toBe(Object.prototype);
    expect(stored).toStrictEqual(expected);
  },
);

test('an event without data and metadata has all eight properties, too', async () => {
  const { stored } = await storedEvent({ type: 'placed', id: 'id-1' });

  expect(Object.keys(stored)).toEqual(keys);
  expect({ ...stored }).toStrictEqual({ ...expected, data: undefined, metadata: undefined });
});

test.each<[string, (event: StoredEvent) => unknown]>([
  ['spreading it', (event) => ({ ...event })],
  ['Object.assign', (event) => Object.assign({}, event)],
  ['structuredClone', (event) => structuredClone(event)],
  ['JSON', (event) => JSON.parse(JSON.stringify(event))],
  ['its entries', (event) => Object.fromEntries(Object.entries(event))],
  ['detach', (event) => detach(event)],
])('%s gives an ordinary object of all eight values', async (_, copy) => {
  const { stored } = await storedEvent();

  const copied = copy(stored);

  expect(Object.keys(copied as object)).toEqual(keys);
  expect(copied).toStrictEqual(expected);
  for (const property of Object.values(Object.getOwnPropertyDescriptors(copied))) expect(property.get).toBeUndefined();
});

test('node:util finds an event deeply equal to an ordinary object, both ways', async () => {
  const { bus, stored } = await storedEvent();

  expect(isDeepStrictEqual(stored, expected)).toBe(true);
  expect(isDeepStrictEqual(expected, stored)).toBe(true);
  expect(isDeepStrictEqual(stored, await bus.event(1))).toBe(true);
  expect(isDeepStrictEqual(stored, { ...expected, data: 1 })).toBe(false);
});

test('an event is shown with its values, not with getters', async () => {
  const { stored } = await storedEvent();

  const shown = inspect(stored, { depth: 5 });

  expect(shown).toBe(inspect({ ...stored }, { depth: 5 }));
  expect(shown).toContain('data: { items: [ 1, { two: 2 } ] }');
});

test('data and metadata are decoded once', async () => {
  const { stored } = await storedEvent();

  expect(stored.data).toBe(stored.data);
  expect(stored.metadata).toBe(stored.metadata);
});

test('what is changed in an event is seen by nobody else', async () => {
  const { bus, stored } = await storedEvent();

  stored.data.items.push('mine');
  (stored.metadata as Record<string, unknown>).by = 'eve';

  expect(stored.data.items).toHaveLength(3);
  expect(await bus.event(1)).toStrictEqual(expected);
  expect(await collect(bus.read())).toStrictEqual([expected]);
});

test('data and metadata may be assigned, before and after they are read', async () => {
  const { bus, stored } = await storedEvent();
  const before = stored as { data: unknown; metadata: unknown };
  const after = (await bus.event(1)) as { data: unknown; metadata: unknown };

  before.data = 'new';
  before.metadata = undefined;
  const wasThere = [after.data, after.metadata];
  after.data = 'new';
  after.metadata = undefined;

  expect(wasThere).toEqual([given.data, given.metadata]);
  for (const changed of [before, after]) {
    expect([changed.data, changed.metadata]).toEqual(['new', undefined]);
    expect({ ...changed }).toStrictEqual({ ...expected, data: 'new', metadata: undefined });
    expect(Object.keys(changed)).toEqual(keys);
  }
});

test('an event may be frozen and still be read', async () => {
  const { stored } = await storedEvent();

  const frozen = Object.freeze(stored);

  expect(frozen.data).toEqual(given.data);
  expect(frozen).toStrictEqual(expected);
});

test('properties of an event may be deleted', async () => {
  const { stored } = await storedEvent();

  delete (stored as { data?: unknown }).data;

  expect(Object.keys(stored)).toEqual(keys.filter((key) => key !== 'data'));
  expect(stored.metadata).toEqual(given.metadata);
});

test('a detached event gives its data to a proxy and to what inherits from it', async () => {
  const { stored } = await storedEvent();

  const detached = detach(stored);

  expect(new Proxy(detached, {}).data).toEqual(given.data);
  expect(Object.create(detached).metadata).toEqual(given.metadata);
});

test('bytes in data are a copy: changing them changes neither the store nor other events', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  const bytes = Uint8Array.of(1, 2, 3);
  await bus.append('a', { type: 'x', data: bytes });
  const before = store.storage.blocks.map((block) => Buffer.from(block.bytes));
  const first = (await bus.event(1))?.data as Uint8Array;

  bytes[0] = 9;
  first.fill(7);
  new Uint8Array(first.buffer).fill(7);

  expect(first.constructor).toBe(Uint8Array);
  expect((await bus.event(1))?.data).toStrictEqual(Uint8Array.of(1, 2, 3));
  expect((await collect(bus.read()))[0]?.data).toStrictEqual(Uint8Array.of(1, 2, 3));
  expect(store.storage.blocks.map((block) => Buffer.from(block.bytes))).toEqual(before);
});

test('an event outlives the bus it was read from', async () => {
  // A sealed one has its data as long as there are keys: test/actors/encryption-open.test.ts.
  const bus = await tempBus({ clock: () => 1000, encryption: undefined }, 'lmdb');
  await bus.append('a', given);
  const found = [await bus.event(1), ...(await collect(bus.read())), ...(await collect(bus.readStream('a')))];

  await bus.append(
    'b',
    Array.from({ length: 2000 }, () => ({ type: 'other', data: 'x'.repeat(100) })),
  );
  await collect(bus.read());
  await bus.close();

  for (const stored of found) expect(stored).toStrictEqual(expected);
});
