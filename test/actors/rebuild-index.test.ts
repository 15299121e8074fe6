import { expect, test } from 'vitest';
import { tempStore } from '../kit/temp-store.ts';

test('a store with a damaged index table is whole again when it is opened with rebuildIndex', async () => {
  const store = tempStore();
  const first = await store.openBus();
  await first.append('a', [{ type: 'made' }, { type: 'made' }], { idempotencyKey: 'k' });
  await first.close();
  for (const row of store.storage.rows.stream_index) row.value[3] = 0xff;
  store.storage.rows.streams.splice(0);

  const damaged = await store.openBus();
  const report = await damaged.verify();
  await expect(damaged.append('a', { type: 'made' })).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  await damaged.close();
  const bus = await store.openBus({ rebuildIndex: true });

  expect(report).toMatchObject({ ok: false });
  expect(await bus.verify()).toMatchObject({ ok: true, events: 2, streams: 1 });
  expect(await bus.append('a', { type: 'made' }, { expectedVersion: 2 })).toMatchObject({ firstVersion: 3 });
  expect(await bus.append('a', [{ type: 'made' }, { type: 'made' }], { idempotencyKey: 'k' })).toMatchObject({
    duplicate: true,
    firstPosition: 1,
  });
});

test('a read-only bus refuses to rebuild the index', async () => {
  const store = tempStore();
  await (await store.openBus()).close();

  await expect(store.openBus({ readOnly: true, rebuildIndex: true })).rejects.toThrow(/rebuildIndex must be false/);
});
