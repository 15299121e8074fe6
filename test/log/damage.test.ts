/** What damage of one place does to work at another. */
import { expect, test } from 'vitest';
import type { TableName } from '#kernel/storage/engine';
import { collect } from '../kit/collect.ts';
import { type TempStore, tempStore } from '../kit/temp-store.ts';

const event = { type: 'x' };

/** Streams `a` and `b` of three events each, in blocks of their own and in the index. */
async function indexedStore(): Promise<TempStore> {
  const store = tempStore();
  const bus = await store.openBus();
  for (let call = 0; call < 3; call++) {
    await bus.append('a', event, { idempotencyKey: `key-${call}` });
    await bus.append('b', event);
  }
  await bus.close();
  return store;
}

function damageBlock({ storage }: TempStore, position: number): void {
  flip(storage.blocks[position - 1]?.bytes as Uint8Array);
}

function damageRow({ storage }: TempStore, table: TableName, name: string): void {
  const row = storage.rows[table].find(({ key }) => Buffer.from(key).toString().startsWith(name));
  flip(row?.value as Uint8Array);
}

function flip(bytes: Uint8Array): void {
  bytes[2] = (bytes[2] as number) ^ 0x10;
}

test('an append that has to look at a damaged row fails alone', async () => {
  const store = await indexedStore();
  damageRow(store, 'streams', 'a');
  const bus = await store.openBus();

  const outcomes = await Promise.allSettled([
    bus.append('b', event),
    bus.append('a', event),
    bus.append('b', event, { expectedVersion: 4 }),
  ]);

  expect(outcomes).toMatchObject([
    { value: { firstVersion: 4 } },
    { reason: { code: 'STORE_CORRUPT', detail: { table: 'streams' } } },
    { value: { firstVersion: 5 } },
  ]);
  expect(await bus.append('b', event)).toMatchObject({ firstPosition: 9 });
  store.crash(bus);
});

test('a stream whose row was lost does not begin again', async () => {
  const store = await indexedStore();
  const rows = store.storage.rows.streams;
  rows.splice(
    rows.findIndex(({ key }) => Buffer.from(key).toString() === 'a'),
    1,
  );
  const bus = await store.openBus();
  const corrupt = { code: 'STORE_CORRUPT', detail: { table: 'streams' } };

  await expect(bus.append('a', event)).rejects.toMatchObject(corrupt);
  await expect(bus.append('a', event, { expectedVersion: 'no-stream' })).rejects.toMatchObject(corrupt);
  await expect(bus.stream('a')).rejects.toMatchObject(corrupt);
  await expect(collect(bus.readStream('a'))).rejects.toMatchObject(corrupt);
  expect(await bus.append('c', event)).toMatchObject({ firstVersion: 1 });
  expect(await bus.stream('d')).toBeUndefined();
});

test('a retry whose key has a damaged row fails alone and writes nothing', async () => {
  const store = await indexedStore();
  damageRow(store, 'idempotency', 'key-1');
  const bus = await store.openBus();

  const outcomes = await Promise.allSettled([
    bus.append('a', event, { idempotencyKey: 'key-0' }),
    bus.append('a', event, { idempotencyKey: 'key-1' }),
  ]);

  expect(outcomes).toMatchObject([
    { value: { duplicate: true } },
    { reason: { code: 'STORE_CORRUPT', detail: { table: 'idempotency' } } },
  ]);
  expect(bus.head).toBe(6);
});

test.each<[TableName, string]>([
  ['streams', 'a'],
  ['stream_index', 'a'],
])('an index that has lost a row of %s is not written on', async (table, name) => {
  const store = await indexedStore();
  const rows = store.storage.rows[table];
  const before = await store.openBus();
  await before.append('a', event);
  rows.splice(
    rows.findIndex(({ key }) => Buffer.from(key).toString().startsWith(name)),
    1,
  );
  const warned = new Promise((resolve) => process.once('warning', resolve));

  await before.close();

  expect(await warned).toMatchObject({ code: 'STORE_CORRUPT', detail: { table } });
  expect((await store.openBus({ readOnly: true })).info()).toMatchObject({ head: 7, indexedPosition: 6 });
});

test('a damaged block is an error of those who read it, with its position', async () => {
  const store = await indexedStore();
  damageBlock(store, 3);
  const bus = await store.openBus();
  const corrupt = { code: 'STORE_CORRUPT', detail: { table: 'events_log', position: 3 } };

  await expect(collect(bus.read())).rejects.toMatchObject(corrupt);
  await expect(collect(bus.readStream('a'))).rejects.toMatchObject(corrupt);
  await expect(bus.event(3)).rejects.toMatchObject(corrupt);
  expect(await collect(bus.read({ to: 2 }))).toHaveLength(2);
  expect(await collect(bus.read({ from: 4 }))).toHaveLength(3);
  expect(await collect(bus.readStream('b'))).toHaveLength(3);
  expect(await bus.event(4)).toMatchObject({ position: 4 });
  expect(await bus.append('a', event)).toMatchObject({ firstVersion: 4 });
  store.crash(bus);
});

test('pages before the damage stand', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  const events = Array.from({ length: 2000 }, () => event);
  await bus.append('a', events);
  const last = store.storage.blocks.at(-1) as { firstPosition: number; bytes: Uint8Array };
  flip(last.bytes);
  const seen: number[] = [];

  const reading = (async () => {
    for await (const { position } of bus.read()) seen.push(position);
  })();

  await expect(reading).rejects.toMatchObject({ detail: { position: last.firstPosition } });
  expect(seen).toHaveLength(1024);
  store.crash(bus);
});

test('a subscription that meets damage ends with it', async () => {
  const store = await indexedStore();
  damageBlock(store, 5);
  const bus = await store.openBus();

  const seen = collect(bus.subscribe({ after: 3 }));

  await expect(seen).rejects.toMatchObject({ code: 'STORE_CORRUPT', detail: { position: 5 } });
});

test('a store with a damaged block in its tail is not opened for writing', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  await bus.append('a', event);
  await bus.append('a', event);
  store.crash(bus);
  damageBlock(store, 1);

  await expect(store.openBus()).rejects.toMatchObject({
    code: 'STORE_CORRUPT',
    detail: { table: 'events_log', position: 1 },
  });
  const reader = await store.openBus({ readOnly: true });
  expect(await reader.event(2)).toMatchObject({ position: 2 });
});

test('head$ of a read-only bus over a damaged tail is an error, and the process goes on', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  const follower = await store.openBus({ readOnly: true });
  const errors: unknown[] = [];
  follower.head$.subscribe({ error: (error) => errors.push(error) });

  await bus.append('a', event);
  damageBlock(store, 1);

  await expect.poll(() => errors).toMatchObject([{ code: 'STORE_CORRUPT' }]);
  store.crash(bus);
});
