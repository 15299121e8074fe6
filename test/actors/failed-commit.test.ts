import { expect, test } from 'vitest';
import { type Bus, BusError } from '#store';
import { collect } from '../kit/collect.ts';
import { type TempStore, tempStore } from '../kit/temp-store.ts';

const event = { type: 'placed' };
const full = () => {
  throw new BusError('STORE_FULL', 'no space', { path: 'memory' });
};
const broken = () => {
  throw new Error('the disk is gone');
};

test('a commit without space is refused whole, burns no position, and leaves the bus usable', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  await bus.append('a', event);
  store.storage.beforeNextCommit = full;

  const outcomes = await Promise.allSettled([
    bus.append('a', event),
    bus.append('b', event, { expectedVersion: 'no-stream' }),
  ]);
  const next = await bus.append('b', event, { expectedVersion: 'no-stream' });

  expect(outcomes).toMatchObject([{ reason: { code: 'STORE_FULL' } }, { reason: { code: 'STORE_FULL' } }]);
  expect(next).toMatchObject({ firstPosition: 2, firstVersion: 1 });
  expect((await collect(bus.read())).map(({ stream, position }) => [stream, position])).toEqual([
    ['a', 1],
    ['b', 2],
  ]);
  expect((await bus.verify()).problems).toEqual([]);
});

test('an idempotency key of a commit without space is free for the retry', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  store.storage.beforeNextCommit = full;
  await expect(bus.append('a', event, { idempotencyKey: 'k' })).rejects.toMatchObject({ code: 'STORE_FULL' });

  const retried = await bus.append('a', event, { idempotencyKey: 'k' });

  expect(retried).toMatchObject({ firstPosition: 1, duplicate: false });
});

test('a commit that failed otherwise ends appending for good, and says why', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  await bus.append('a', event);
  store.storage.beforeNextCommit = broken;

  const first = await refusalOf(bus);
  const later = await refusalOf(bus);

  expect(first).toMatchObject({
    code: 'STORE_FAILED',
    detail: { path: 'memory' },
    cause: { message: 'the disk is gone' },
  });
  expect(later).toMatchObject({ code: 'STORE_FAILED', cause: { message: 'the disk is gone' } });
});

test('a bus whose commit failed still reads what it knew, and closes', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  await bus.append('a', event);
  store.storage.afterNextCommit = broken;
  await refusalOf(bus);

  const events = await collect(bus.read());

  expect(events.map(({ position }) => position)).toEqual([1]);
  expect(await bus.stream('a')).toEqual({ version: 1, lastPosition: 1 });
  await bus.close();
});

test('a commit that failed after it was written is there when the store is opened again', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  await bus.append('a', event);
  store.storage.afterNextCommit = broken;
  await refusalOf(bus);
  await bus.close();

  const again = await store.openBus();

  expect(await collect(again.readStream('a'))).toHaveLength(2);
  expect(await again.append('a', event, { expectedVersion: 2 })).toMatchObject({ firstPosition: 3 });
  expect((await again.verify()).problems).toEqual([]);
});

test('an append that waits in the queue fails with the commit before it', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  const large = Array.from({ length: 10_000 }, () => event);
  store.storage.beforeNextCommit = broken;

  const outcomes = await Promise.allSettled([bus.append('a', large), bus.append('b', large)]);

  expect(outcomes).toMatchObject([{ reason: { code: 'STORE_FAILED' } }, { reason: { code: 'STORE_FAILED' } }]);
  expect(store.storage.blocks).toEqual([]);
});

test('a writer that another one has replaced is fenced off: it writes nothing, reads on, and closes', async () => {
  const store = tempStore();
  const replaced = await store.openBus();
  await replaced.append('a', event);
  const successor = await takeOver(store);

  const refused = await refusalOf(replaced);

  expect(refused).toMatchObject({ code: 'WRITER_FENCED' });
  expect(await refusalOf(replaced)).toMatchObject({ code: 'WRITER_FENCED' });
  expect(await collect(replaced.read())).toHaveLength(1);
  await replaced.close();
  expect(await successor.append('a', event)).toMatchObject({ firstPosition: 2 });
  expect((await successor.verify()).problems).toEqual([]);
});

test('a writer that another one has replaced writes no index when it closes', async () => {
  const store = tempStore();
  const replaced = await store.openBus();
  await replaced.append('a', event);
  const successor = await takeOver(store);
  await successor.append('a', event);
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));

  await replaced.close();

  expect(await warned).toMatchObject({ code: 'WRITER_FENCED' });
  expect(successor.info().indexedPosition).toBe(0);
  expect((await successor.verify()).problems).toEqual([]);
});

/** Opens a second writer, as if the lock of the first had been lost. */
function takeOver(store: TempStore): Promise<Bus> {
  store.storage.hasWriter = false;
  return store.openBus();
}

async function refusalOf(bus: Bus): Promise<unknown> {
  return bus.append('a', event).catch((error: unknown) => error);
}
