/** Snapshots of aggregates in a store with encryption: never a way around an erasure. */
import { expect, test } from 'vitest';
import type { Aggregate, AggregateOptions, AnyEvent, Bus } from '#store';
import { sealedBus } from '../kit/sealed-bus.ts';
import { swapped } from '../kit/swapped-rows.ts';

const canary = 'K4n4r13nv0g3l';

interface Notes {
  readonly texts: readonly (string | undefined)[];
}
interface Note {
  readonly text: string;
  readonly subject?: string;
}

/** Keeps what was noted; a snapshot comes with every append. */
function notes(bus: Bus, options: Partial<AggregateOptions<AnyEvent, Notes, Note>> = {}): Aggregate<Notes, Note> {
  return bus.aggregate<Notes, Note>({
    name: 'notes',
    initial: { texts: [] },
    evolve: ({ texts }, { data }) => ({ texts: [...texts, data?.text] }),
    decide: (_state, { text, ...whose }) => ({ type: 'noted', data: { text }, ...whose }),
    snapshot: { every: 1 },
    ...options,
  });
}

test('a state is sealed, and used when it is loaded', async () => {
  const { bus, isStored, store, reported } = await sealedBus();
  const aggregate = notes(bus);
  for (let round = 0; round < 3; round++) await aggregate.execute('a', { text: canary });

  const folded: number[] = [];
  const other = notes(bus, {
    evolve: (state, { version }) => {
      folded.push(version);
      return state;
    },
  });
  const { state } = await other.load('a');

  expect(state.texts).toEqual([canary, canary]);
  expect(folded).toEqual([3]);
  expect(store.storage.rows.snapshots.length).toBe(1);
  expect(isStored(canary)).toBe(false);
  expect((await bus.verify()).problems).toEqual([]);
  expect(reported).toEqual([]);
});

test('the state of a stream that stays plain is sealed: some of its events may name a subject', async () => {
  const { bus, isStored, store } = await sealedBus({}, { prefixes: ['secret-'] });
  const aggregate = notes(bus);
  for (let round = 0; round < 3; round++) await aggregate.execute('a', { text: canary, subject: 'ann' });
  await bus.append('notes-b', { type: 'noted', data: { text: 'plain' } });

  expect(store.storage.rows.snapshots.length).toBe(1);
  expect(isStored(canary)).toBe(false);
  expect(isStored('plain')).toBe(true);
  expect((await notes(bus).load('a')).state.texts).toEqual([canary, canary, canary]);
  expect((await bus.verify()).problems).toEqual([]);

  await bus.erase({ subject: 'ann' });
  expect(store.storage.rows.snapshots).toEqual([]);
  await bus.append('notes-a', { type: 'noted', data: { text: 'plain' } });
  expect((await aggregate.load('a')).state.texts).toEqual(['plain']);
});

test('when the stream is erased its snapshot is gone, and what is loaded is the state of no events', async () => {
  const { bus, store, reported } = await sealedBus();
  const aggregate = notes(bus);
  for (let round = 0; round < 3; round++) await aggregate.execute('a', { text: canary });

  await bus.erase({ stream: 'notes-a' });

  expect(await aggregate.load('a')).toEqual({ state: { texts: [] }, version: 3 });
  expect(store.storage.rows.snapshots).toEqual([]);
  expect(reported).toEqual([]);
});

test('a snapshot whose key is erased is passed over like none', async () => {
  const { bus, store, reported } = await sealedBus();
  const aggregate = notes(bus);
  for (let round = 0; round < 3; round++) await aggregate.execute('a', { text: canary });
  const rows = structuredClone(store.storage.rows.snapshots);
  await bus.erase({ stream: 'notes-a' });

  // As if the erasure had left it behind.
  store.storage.rows.snapshots.push(...rows);

  expect(await aggregate.load('a')).toEqual({ state: { texts: [] }, version: 3 });
  expect((await bus.verify()).problems).toEqual([]);
  expect(reported).toEqual([]);
});

test('when a subject is erased, the snapshots of its streams are gone, and those of others stay', async () => {
  const { bus, store } = await sealedBus();
  const aggregate = notes(bus);
  for (const [id, subject] of [
    ['a', 'ada'],
    ['b', 'bob'],
    ['c', undefined],
  ] as const) {
    const whose = subject === undefined ? {} : { subject };
    for (let round = 0; round < 2; round++) await aggregate.execute(id, { text: `${canary} ${round}`, ...whose });
    await aggregate.execute(id, { text: 'of nobody' });
  }

  await bus.erase({ subject: 'ada' });

  const streams = store.storage.rows.snapshots.map(({ key }) => Buffer.from(key).toString().split('\0')[1]);
  expect(streams).toEqual(['notes-b', 'notes-c']);
  expect((await aggregate.load('a')).state.texts).toEqual(['of nobody']);
  expect((await aggregate.load('b')).state.texts.length).toBe(3);
});

test('a state that was read before a subject was erased is not kept by an append behind that', async () => {
  const { bus, store } = await sealedBus();
  const aggregate = notes(bus, {
    decide: async (_state, { text }) => {
      // What the command has loaded holds what is erased here, and its append goes through.
      if (text === 'late') await bus.erase({ subject: 'ada' });
      return { type: 'noted', data: { text } };
    },
  });
  await bus.append('notes-a', { type: 'noted', data: { text: canary }, subject: 'ada' });

  const { appended } = await aggregate.execute('a', { text: 'late' });

  expect(appended).toMatchObject({ firstVersion: 2 });
  expect(store.storage.rows.snapshots).toEqual([]);
  expect((await aggregate.load('a')).state.texts).toEqual(['late']);
  await aggregate.execute('a', { text: 'next' });
  expect(store.storage.rows.snapshots.length).toBe(1);
});

test('a snapshot that was moved to another stream is reported, and events are folded instead', async () => {
  const { bus, store, reported } = await sealedBus();
  const aggregate = notes(bus);
  for (const id of ['a', 'b']) for (let round = 0; round < 2; round++) await aggregate.execute(id, { text: id });

  swapped(store.storage.rows.snapshots);

  expect((await aggregate.load('a')).state.texts).toEqual(['a', 'a']);
  expect(reported).toMatchObject([
    { code: 'SNAPSHOT_IGNORED', detail: { reason: 'damaged' }, cause: { code: 'DECRYPTION_FAILED' } },
  ]);
  expect((await bus.verify()).ok).toBe(false);
});

test('a snapshot of another version of the code is told as that, and not used', async () => {
  const { bus, reported } = await sealedBus();
  for (let round = 0; round < 2; round++) await notes(bus).execute('a', { text: 'x' });

  const { state } = await notes(bus, { snapshot: { every: 1, version: 2 } }).load('a');

  expect(state.texts).toEqual(['x', 'x']);
  expect(reported).toMatchObject([{ code: 'SNAPSHOT_IGNORED', detail: { reason: 'version' } }]);
});

test('evolve gets erased events where it asks for them', async () => {
  const { bus } = await sealedBus();
  const skipping = notes(bus, { snapshot: undefined as never });
  const including = notes(bus, { snapshot: undefined as never, erased: 'include' });
  await skipping.execute('a', { text: 'of ada', subject: 'ada' });
  await skipping.execute('a', { text: 'of nobody' });

  await bus.erase({ subject: 'ada' });

  expect((await skipping.load('a')).state.texts).toEqual(['of nobody']);
  expect((await including.load('a')).state.texts).toEqual([undefined, 'of nobody']);
  expect(() => notes(bus, { erased: 'all' as never })).toThrow(
    new TypeError("erased must be 'skip' or 'include', got 'all'"),
  );
});
