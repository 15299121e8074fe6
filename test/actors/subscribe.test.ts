import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Bus, StoredEvent } from '#store';
import { collect } from '../kit/collect.ts';
import { engineKinds, tempBus, tempStore } from '../kit/temp-store.ts';

const event = { type: 'placed' };
const times = (count: number, type = 'placed') => Array.from({ length: count }, () => ({ type }));
const end = { done: true, value: undefined };
const positionsOf = (events: readonly StoredEvent[]) => events.map(({ position }) => position);
const oneTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test.each(engineKinds)('a subscription catches up and stays live, without gap or duplicate (%s)', async (kind) => {
  const bus = await tempBus({ durability: 'os' }, kind);
  await bus.append('a', times(3000));
  const subscriptions = [0, 1024, 2999].map((after) => collect(bus.subscribe({ after }), 4000 - after));

  for (let call = 0; call < 100; call++) {
    void bus.append(`s-${call % 5}`, times(10));
    if (call % 7 === 0) await setImmediate();
  }

  const seen = await Promise.all(subscriptions);
  expect(seen.map(positionsOf)).toEqual([oneTo(4000), oneTo(4000).slice(1024), oneTo(4000).slice(2999)]);
});

test('a subscription on a read-only bus stays live', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  await bus.append('a', times(5));
  const follower = await store.openBus({ readOnly: true });
  const seen = collect(follower.subscribe(), 20);

  for (let call = 0; call < 15; call++) await bus.append('a', event);

  expect(positionsOf(await seen)).toEqual(oneTo(20));
});

test('a subscription gives only what its filter lets through', async () => {
  const bus = await tempBus();
  const seen = Promise.all([
    collect(bus.subscribe({ types: ['paid'] }), 2),
    collect(bus.subscribe({ streams: ['b'], after: 1 }), 1),
    collect(bus.subscribe({ prefix: 'or' }), 2),
  ]);

  await bus.append('a', [{ type: 'placed' }, { type: 'paid' }]);
  await bus.append('b', { type: 'placed' });
  await bus.append('order-1', { type: 'placed' });
  await bus.append('order-2', { type: 'paid' });

  expect((await seen).map(positionsOf)).toEqual([[2, 5], [3], [4, 5]]);
});

test('a subscription whose filter finds nothing lets other work go on', async () => {
  const bus = await tempBus();
  await bus.append('a', times(9000));
  const iterator = bus.subscribe({ types: ['paid'] })[Symbol.asyncIterator]();
  const found = iterator.next();

  await bus.append('a', { type: 'paid' });

  expect((await found).value).toMatchObject({ position: 9001 });
});

test('a subscription behind a position beyond the head waits for what comes after it', async () => {
  const bus = await tempBus();
  await bus.append('a', event);
  const seen = collect(bus.subscribe({ after: 3 }), 2);

  await bus.append('a', times(2));
  await bus.append('a', times(3));

  expect(positionsOf(await seen)).toEqual([4, 5]);
});

test('a subscription sees an event once it is durable, not before', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  let headInCommit: number | undefined;
  const seen = collect(bus.subscribe(), 1);
  await setImmediate();
  store.storage.afterNextCommit = () => {
    headInCommit = bus.head;
  };

  await bus.append('a', event);

  expect(headInCommit).toBe(0);
  expect(await seen).toHaveLength(1);
});

test('pages of a subscription are never empty and hold what came together', async () => {
  const bus = await tempBus();
  const pages = bus
    .subscribe({ types: ['paid'] })
    .pages()
    [Symbol.asyncIterator]();
  const first = pages.next();

  await bus.append('a', times(10));
  await bus.append('a', times(3, 'paid'));
  const second = pages.next();
  await bus.append('a', times(2, 'paid'));

  expect((await first).value?.length).toBe(3);
  expect((await second).value?.length).toBe(2);
});

test('a subscription ends with ABORTED when its signal is aborted while it waits', async () => {
  const bus = await tempBus();
  const controller = new AbortController();
  const subscription = bus.subscribe({ signal: controller.signal })[Symbol.asyncIterator]();
  const waiting = subscription.next();
  await setImmediate();

  controller.abort(new Error('enough'));

  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED', cause: { message: 'enough' } });
  expect(await subscription.next()).toEqual(end);
});

test('a subscription with an aborted signal gives nothing', async () => {
  const bus = await tempBus();
  await bus.append('a', event);

  const seen = collect(bus.subscribe({ signal: AbortSignal.abort() }));

  await expect(seen).rejects.toMatchObject({ code: 'ABORTED' });
});

test('a subscription that is left while it waits ends at once', async () => {
  const bus = await tempBus();
  const subscription = bus.subscribe()[Symbol.asyncIterator]();
  const waiting = subscription.next();
  await setImmediate();

  const left = await subscription.return?.();

  expect(left).toEqual(end);
  expect(await waiting).toEqual(end);
  await bus.append('a', event);
  expect(await subscription.next()).toEqual(end);
});

test('a subscription keeps the process alive while it waits, and only then', async () => {
  const bus = await tempBus();
  // Not process.getActiveResourcesInfo: the test runner's own timers come and go there.
  const started = vi.spyOn(globalThis, 'setInterval');
  const ended = vi.spyOn(globalThis, 'clearInterval');
  onTestFinished(() => {
    started.mockRestore();
    ended.mockRestore();
  });
  const timers = () =>
    started.mock.results.filter(({ value }) => value.hasRef() && !ended.mock.calls.some(([timer]) => timer === value))
      .length;
  const subscription = bus.subscribe()[Symbol.asyncIterator]();
  const afterOpening = timers();

  const waiting = subscription.next();
  await setImmediate();
  const whileWaiting = timers();
  await bus.append('a', event);
  await waiting;
  const whileWorking = timers();
  void subscription.next();
  await setImmediate();
  await subscription.return?.();

  expect([afterOpening, whileWaiting, whileWorking, timers()]).toEqual([0, 1, 0, 0]);
});

test('a stream over a subscription can be destroyed while it waits', async () => {
  const bus = await tempBus();
  await bus.append('a', event);
  const stream = Readable.from(bus.subscribe());
  const closed = new Promise((resolve) => stream.on('close', resolve));
  stream.on('data', () => stream.destroy());

  await closed;

  expect(stream.destroyed).toBe(true);
});

test('breaking out of a loop over a subscription leaves nothing behind', async () => {
  const bus = await tempBus();
  await bus.append('a', times(5));

  for await (const { position } of bus.subscribe()) {
    if (position === 3) break;
  }

  await bus.append('a', event);
  expect(await collect(bus.subscribe({ after: 3 }), 3)).toHaveLength(3);
});

test('each iteration of a subscription starts behind the same position', async () => {
  const bus = await tempBus();
  await bus.append('a', times(5));
  const subscription = bus.subscribe({ after: 2 });

  const both = [await collect(subscription, 3), await collect(subscription, 3)];

  expect(both.map(positionsOf)).toEqual([
    [3, 4, 5],
    [3, 4, 5],
  ]);
});

test('calls of next that do not wait for each other are answered in order', async () => {
  const bus = await tempBus();
  const subscription = bus.subscribe()[Symbol.asyncIterator]();
  const steps = Promise.all(Array.from({ length: 6 }, () => subscription.next()));

  await bus.append('a', times(2));
  await setImmediate();
  await bus.append('a', times(4));

  expect((await steps).map(({ value }) => value?.position)).toEqual([1, 2, 3, 4, 5, 6]);
});

test('many subscriptions see the same', async () => {
  const bus = await tempBus();
  const subscriptions = Array.from({ length: 50 }, () => collect(bus.subscribe(), 30));

  await appendEach(bus, 30);

  for (const seen of await Promise.all(subscriptions)) expect(positionsOf(seen)).toEqual(oneTo(30));
});

test('an append made in the loop of a subscription is seen by it', async () => {
  const bus = await tempBus();
  await bus.append('a', event);
  const seen: number[] = [];

  for await (const { position } of bus.subscribe()) {
    seen.push(position);
    if (position === 5) break;
    await bus.append('a', event);
  }

  expect(seen).toEqual([1, 2, 3, 4, 5]);
});

test('a bus that is closed in the loop of a subscription ends the loop', async () => {
  const bus = await tempBus();
  await bus.append('a', event);
  const seen: number[] = [];

  for await (const { position } of bus.subscribe()) {
    seen.push(position);
    await bus.close();
  }

  expect(seen).toEqual([1]);
});

test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null])(
  'a position %s to start behind is a TypeError of the call',
  async (after) => {
    const bus = await tempBus();

    expect(() => bus.subscribe({ after: after as number })).toThrow(TypeError);
  },
);

async function appendEach(bus: Bus, count: number): Promise<void> {
  for (let done = 0; done < count; done++) await bus.append('a', event);
}
