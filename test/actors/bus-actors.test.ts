/** The actors of a bus as a tree, with what each was given. */
import { expect, onTestFinished, test } from 'vitest';
import type { ActorImage } from '#actors/bus-status';
import { inspections } from '#actors/inspection';
import { type Bus, connectBus } from '#store';
import { tempBus, tempStore } from '../kit/temp-store.ts';
import { moduleUrl } from './query-modules/module-url.ts';

const event = { type: 'ordered' };

function actorsOf(bus: Bus): readonly ActorImage[] {
  return inspections.get(bus)?.status().actors ?? [];
}

function actor(bus: Bus, id: string): ActorImage | undefined {
  return actorsOf(bus).find((image) => image.id === id);
}

test('a bus that does nothing has a writer, a watch and timers', async () => {
  const bus = await tempBus();

  expect(actorsOf(bus)).toEqual([
    { id: 'bus', kind: 'bus', name: 'bus', state: 'open', messages: 0 },
    { id: 'writer', parent: 'bus', kind: 'writer', name: 'writer', state: 'idle', messages: 0 },
    { id: 'watch', parent: 'bus', kind: 'watch', name: 'watch of the head', state: 'resting', messages: 0 },
    { id: 'timers', parent: 'bus', kind: 'timers', name: 'timers', state: 'resting', messages: 0 },
  ]);
});

test('the writer counts commands, and timers orders; both say what they do', async () => {
  const bus = await tempBus();
  const appended = Promise.all([bus.append('a', event), bus.append('b', event)]);
  const busy = actor(bus, 'writer');
  await appended;

  await bus.schedule('a', event, { key: 'later', delayMs: 1_000_000 });
  await bus.cancelTimer('unknown');
  await expect.poll(() => actor(bus, 'timers')?.state).toBe('waiting');

  expect(busy).toMatchObject({ state: 'busy', messages: 2 });
  expect(actor(bus, 'writer')).toMatchObject({ state: 'idle' });
  expect(actor(bus, 'writer')?.messages).toBeGreaterThan(2);
  expect(actor(bus, 'timers')).toMatchObject({ messages: 2 });
});

test('listeners and subscribers are in the tree with the events they were given, until they are closed', async () => {
  const bus = await tempBus();
  const release = Promise.withResolvers<void>();
  const listening = bus.on('ordered', () => release.promise);
  const several = bus.on(['a', 'b', 'c', 'd'], () => undefined);
  const all = bus.on(
    () => true,
    () => undefined,
  );
  const subscription = bus.events({ types: ['ordered'] }).subscribe();

  await bus.append('a', [event, event]);
  await expect.poll(() => actor(bus, 'listener:4')?.messages).toBe(2);

  const listeners = actorsOf(bus).filter(({ kind }) => kind === 'listener');
  expect(listeners.map(({ name, state, messages }) => [name, state, messages])).toEqual([
    ['on(ordered)', 'busy', 1],
    ['on(a, b, c, …)', 'idle', 0],
    ['on', 'idle', 2],
    ['events(ordered)', 'idle', 2],
  ]);
  expect(actor(bus, 'watch')).toMatchObject({ state: 'listening' });
  expect(actor(bus, 'watch')?.messages).toBeGreaterThan(0);

  release.resolve();
  for (const one of [listening, several, all]) one.close();
  subscription.unsubscribe();
  expect(actorsOf(bus).filter(({ kind }) => kind === 'listener')).toEqual([]);
});

test('a listener of a bus that closes leaves the tree with it', async () => {
  const bus = await tempBus();
  bus.on('ordered', () => undefined);
  bus.events$.subscribe();

  await bus.close();

  expect(actorsOf(bus).filter(({ kind }) => kind === 'listener')).toEqual([]);
  expect(actor(bus, 'bus')?.state).toBe('closed');
});

test('a processor is in the tree with its partitions, and what their machines have invoked', async () => {
  const bus = await tempBus();
  const parted = bus.processor({ name: 'parted:0', partitions: 2, handle: () => undefined });
  const projection = bus.projection({ name: 'counts', version: 1, on: { ordered: () => undefined } });
  const leave = inspections.get(bus)?.attach(() => undefined);
  onTestFinished(() => leave?.());

  parted.start();
  await parted.waitFor('live');
  await bus.append('a', event);
  await parted.caughtUp();

  const rows = actorsOf(bus);
  const below = (id: string) => rows.filter(({ parent }) => parent === id).map((image) => image.id);
  expect(actor(bus, 'processor:parted:0')).toMatchObject({ parent: 'bus', kind: 'processor', state: 'live' });
  expect(below('processor:parted:0')).toEqual(['partition:0:parted:0', 'partition:1:parted:0']);
  expect(actor(bus, 'partition:1:parted:0')).toMatchObject({ kind: 'partition', name: '1', state: 'live' });
  expect(below('partition:1:parted:0')).toEqual([
    'child:lifeline:partition:1:parted:0',
    'child:watchHead:partition:1:parted:0',
  ]);
  expect(actor(bus, 'partition:0:parted:0')?.messages).toBeGreaterThan(0);
  expect(actor(bus, 'processor:counts')).toMatchObject({ kind: 'processor', name: projection.name, state: 'idle' });
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
});

test('a processor that is closed leaves the tree', async () => {
  const bus = await tempBus();
  const processor = bus.processor({ name: 'p', handle: () => undefined });
  const before = actor(bus, 'processor:p');

  await processor.close();

  expect(before).toBeDefined();
  expect(actorsOf(bus).map(({ id }) => id)).toEqual(['bus', 'writer', 'watch', 'timers']);
});

test.each([
  ['a writer thread', false],
  ['an inline writer', true],
])('a connected port is in the tree with the commands that came by it, until it is closed (%s)', async (_, inline) => {
  const bus = await tempBus({ inline }, 'lmdb');
  const [first, second] = [bus.port(), bus.port()];
  const connected = await connectBus(first);
  onTestFinished(() => connected.close());

  await Promise.all([connected.append('a', event), connected.append('b', event)]);
  await expect.poll(() => actor(bus, 'port:1')?.messages).toBe(2);
  const before = actorsOf(bus).filter(({ kind }) => kind === 'port');
  await connected.close();
  second.close();

  expect(before).toEqual([
    { id: 'port:1', parent: 'bus', kind: 'port', name: 'port 1', state: 'connected', messages: 2 },
    { id: 'port:2', parent: 'bus', kind: 'port', name: 'port 2', state: 'connected', messages: 0 },
  ]);
  await expect.poll(() => actorsOf(bus).filter(({ kind }) => kind === 'port')).toEqual([]);
});

test('a connected bus, and one that only reads, show what they have', async () => {
  const store = tempStore('lmdb');
  const bus = await store.openBus({ inline: true });
  const connected = await connectBus(bus.port());
  onTestFinished(() => connected.close());
  const reading = await store.openBus({ readOnly: true });

  await connected.append('a', event);

  expect(actorsOf(connected).map(({ id }) => id)).toEqual(['bus', 'writer', 'watch']);
  expect(actor(connected, 'writer')?.messages).toBe(1);
  expect(actorsOf(reading).map(({ id }) => id)).toEqual(['bus', 'watch']);
  expect(inspections.get(connected)?.status()).toMatchObject({ head: 1, processors: [] });
});

test('reader threads are in the tree from their first task on, with the tasks of each', async () => {
  const bus = await tempBus({ readers: 1, inline: true }, 'lmdb');
  await bus.append('a', event);
  const before = actor(bus, 'readers');

  await bus.query(moduleUrl('trail'));
  await bus.query(moduleUrl('trail'));

  const readers = actor(bus, 'readers');
  const thread = actorsOf(bus).find(({ parent }) => parent === 'readers');
  expect(before).toBeUndefined();
  // A query folds, then finishes.
  expect(readers).toMatchObject({ kind: 'readers', state: 'idle', messages: 4 });
  expect(thread).toMatchObject({ kind: 'child', state: 'alive', messages: 4 });
});

test('of very many listeners the tree shows the first ones', async () => {
  const bus = await tempBus();
  for (let count = 0; count < 600; count++) bus.on('none', () => undefined);

  expect(actorsOf(bus).filter(({ kind }) => kind === 'listener')).toHaveLength(500);
});
