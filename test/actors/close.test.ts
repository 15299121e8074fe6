import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { collect, take } from '../kit/collect.ts';
import { engineKinds, tempBus, tempStore } from '../kit/temp-store.ts';

const event = { type: 'placed' };
const closed = { code: 'STORE_CLOSED' };

test.each(engineKinds)('closing waits for what was appended before (%s)', async (kind) => {
  const store = tempStore(kind);
  const bus = await store.openBus();
  const appends = Array.from({ length: 30 }, () => bus.append('a', event));

  await bus.close();

  expect((await Promise.all(appends)).at(-1)).toMatchObject({ lastPosition: 30 });
  expect((await store.openBus()).head).toBe(30);
});

test('closing twice is fine, and both wait for the end', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  const appended = bus.append('a', event);

  const first = bus.close();
  const second = bus.close();
  await second;

  expect(store.storage.hasWriter).toBe(false);
  await first;
  await bus.close();
  expect(await appended).toMatchObject({ lastPosition: 1 });
});

test('an append after close is refused, also while the bus is still closing', async () => {
  const bus = await tempBus();
  const before = bus.append('a', event);

  const closing = bus.close();

  await expect(bus.append('a', event)).rejects.toMatchObject(closed);
  await closing;
  await expect(bus.append('a', event)).rejects.toMatchObject(closed);
  await expect(bus.appendMany([{ stream: 'a', events: event }])).rejects.toMatchObject(closed);
  expect(await before).toMatchObject({ lastPosition: 1 });
});

test('reads of a closed bus fail with STORE_CLOSED', async () => {
  const bus = await tempBus();
  await bus.append('a', event);

  await bus.close();

  await expect(collect(bus.read())).rejects.toMatchObject(closed);
  await expect(collect(bus.readStream('a'))).rejects.toMatchObject(closed);
  await expect(collect(bus.streams())).rejects.toMatchObject(closed);
  await expect(bus.event(1)).rejects.toMatchObject(closed);
  await expect(bus.stream('a')).rejects.toMatchObject(closed);
  await expect(bus.verify()).rejects.toMatchObject(closed);
  expect(() => bus.head).toThrow(expect.objectContaining(closed));
  expect(() => bus.info()).toThrow(expect.objectContaining(closed));
});

test('a read that is under way fails when the bus is closed between two pages', async () => {
  const bus = await tempBus();
  await bus.append(
    'a',
    Array.from({ length: 3000 }, () => event),
  );
  const pages = bus.read().pages()[Symbol.asyncIterator]();
  await take(pages, 1);

  await bus.close();

  await expect(pages.next()).rejects.toMatchObject(closed);
  expect(await pages.next()).toEqual({ done: true, value: undefined });
});

test('subscriptions end when the bus is closed, wherever they are', async () => {
  const bus = await tempBus();
  await bus.append('a', [event, event]);
  const midway = bus.subscribe()[Symbol.asyncIterator]();
  await take(midway, 1);
  const atTheHead = bus.subscribe()[Symbol.asyncIterator]();
  await take(atTheHead, 2);
  const waiting = [atTheHead.next(), bus.subscribe({ after: 10 })[Symbol.asyncIterator]().next()];

  await bus.close();

  const end = { done: true, value: undefined };
  expect(await Promise.all(waiting)).toEqual([end, end]);
  expect((await take(midway, 10)).map(({ position }) => position)).toEqual([2]);
  expect(await collect(bus.subscribe())).toEqual([]);
});

test('a bus is disposed of by closing it', async () => {
  const store = tempStore();

  {
    await using bus = await store.openBus();
    await bus.append('a', event);
  }

  expect(store.storage.hasWriter).toBe(false);
  expect((await store.openBus()).info()).toMatchObject({ head: 1, indexedPosition: 1 });
});

test('closing succeeds when the index can not be written, which the next open does again', async () => {
  const store = tempStore();
  // Of an encrypted store a warning does not say what was thrown.
  const bus = await store.openBus({ encryption: undefined });
  await bus.append('a', event);
  store.storage.beforeNextCommit = () => {
    throw new Error('no space for an index');
  };
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));

  await bus.close();

  expect((await warned).message).toBe('no space for an index');
  const again = await store.openBus({ encryption: undefined });
  expect(again.info()).toMatchObject({ head: 1, indexedPosition: 0 });
  expect(await again.stream('a')).toEqual({ version: 1, lastPosition: 1 });
});

test('a read-only bus closes without a trace', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  await bus.append('a', event);
  const follower = await store.openBus({ readOnly: true });
  const { transactionId } = store.storage;

  await follower.close();

  expect(store.storage.transactionId).toBe(transactionId);
  expect(await bus.append('a', event)).toMatchObject({ lastPosition: 2 });
});

test('a read-only bus refuses appends', async () => {
  const store = tempStore();
  await store.openBus();
  const follower = await store.openBus({ readOnly: true });

  const refused = follower.append('a', event);

  await expect(refused).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
});

test('a bus tells what it is doing', async () => {
  const bus = await tempBus();
  expect(bus.state).toBe('open');

  const closed = bus.close();
  expect(bus.state).toBe('draining');
  await closed;

  expect(bus.state).toBe('closed');
});

test('a bus whose writer has failed says so, and is on errors$, also for a subscriber that throws', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  const failures: unknown[] = [];
  bus.errors$.subscribe(() => {
    throw new Error('planted');
  });
  bus.errors$.subscribe((error) => failures.push(error));
  store.storage.beforeNextCommit = () => {
    throw new Error('the disk is gone');
  };

  await expect(bus.append('a', event)).rejects.toMatchObject({ code: 'STORE_FAILED' });

  expect(bus.state).toBe('failed');
  expect(failures).toMatchObject([{ code: 'STORE_FAILED' }]);
  await bus.close();
  expect(bus.state).toBe('closed');
});

test('what a subscriber throws may be anything at all', async () => {
  const bus = await tempBus();
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);

  for (const thrown of [
    proxy,
    { [inspect.custom]: () => JSON.parse('{') },
    Object.create(null),
    undefined,
    Object.defineProperty(new Error('hostile'), 'stack', { get: () => JSON.parse('{') }),
  ]) {
    bus.head$.subscribe(() => {
      throw thrown;
    });
  }
  await expect.poll(() => warnings.length).toBe(5);
  process.off('warning', onWarning);

  expect(await bus.append('a', event)).toMatchObject({ firstPosition: 1 });
});
