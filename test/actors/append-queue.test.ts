/** The queue in front of the writer, with small limits: 6 events in a group, 10 in the queue. */
import { getEventListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { Appender } from '#actors/appender';
import { queueEventsMax } from '#kernel/limits';
import { encodeRequest } from '#kernel/log/append-request';
import type { Bus } from '#store';
import { collect } from '../kit/collect.ts';
import { tempBus, tempStore } from '../kit/temp-store.ts';

vi.mock('#kernel/limits', async (importOriginal) => ({
  ...(await importOriginal<typeof import('#kernel/limits')>()),
  groupEventsMax: 6,
  groupBytesMax: 4000,
  queueEventsMax: 10,
  queueBytesMax: 6000,
}));

const event = { type: 'placed' };
const times = (count: number) => Array.from({ length: count }, () => event);

/** How many events each commit of the bus took, by the steps of its head. */
async function groupsOf(bus: Bus, appends: Promise<unknown>[]): Promise<number[]> {
  const heads = [bus.head];
  const settled = Promise.allSettled(appends).then(() => true);
  while (!(await Promise.race([settled, setImmediate(false)]))) heads.push(bus.head);
  heads.push(bus.head);
  return heads.map((head, index) => head - (heads[index - 1] ?? 0)).filter((step) => step > 0);
}

test('the limits are small in this file', () => {
  expect(queueEventsMax).toBe(10);
});

test('appends beyond the bound of the queue wait, and all are committed in the order of the calls', async () => {
  const bus = await tempBus();
  const ids = Array.from({ length: 50 }, (_, index) => `id-${index}`);

  const results = await Promise.all(ids.map((id) => bus.append('a', { ...event, id })));

  expect(results.map(({ firstPosition }) => firstPosition)).toEqual(ids.map((_, index) => index + 1));
  expect((await collect(bus.read())).map(({ id }) => id)).toEqual(ids);
});

test('a transaction takes at most so many events, unless one call alone brings more', async () => {
  const bus = await tempBus();

  const groups = await groupsOf(bus, [
    ...Array.from({ length: 8 }, () => bus.append('a', event)),
    bus.append('a', times(5)),
    bus.append('a', times(9)),
    bus.append('a', event),
  ]);

  expect(groups).toEqual([6, 2, 5, 9, 1]);
});

test('a transaction takes at most so many bytes, unless one call alone brings more', async () => {
  const bus = await tempBus();
  const big = { type: 'big', data: 'x'.repeat(1500) };

  const groups = await groupsOf(bus, [
    bus.append('a', big),
    bus.append('a', big),
    bus.append('a', big),
    bus.append('a', [big, big, big, big]),
    bus.append('a', event),
  ]);

  expect(groups).toEqual([2, 1, 4, 1]);
});

test('an append that is aborted while it waits for room is not written', async () => {
  const bus = await tempBus();
  const controller = new AbortController();
  const reason = new Error('too slow');
  const before = Array.from({ length: 10 }, () => bus.append('a', event));
  const waiting = bus.append('a', event, { signal: controller.signal });
  const behind = bus.append('b', event);

  controller.abort(reason);

  await expect(waiting).rejects.toMatchObject({
    code: 'ABORTED',
    detail: { outcome: 'nothing-written' },
    cause: reason,
  });
  await Promise.all(before);
  expect(await behind).toMatchObject({ firstPosition: 11 });
  expect(await bus.stream('a')).toMatchObject({ version: 10 });
});

test('an append that waits for room may be aborted after others were committed', async () => {
  const bus = await tempBus();
  const controller = new AbortController();
  const before = Array.from({ length: 20 }, () => bus.append('a', event));
  const waiting = bus.append('a', event, { signal: controller.signal });

  await before[0];
  controller.abort();

  await expect(waiting).rejects.toMatchObject({ detail: { outcome: 'nothing-written' } });
  await Promise.all(before);
  expect(bus.head).toBe(20);
});

test('an append does not overtake those that wait, when others make room by being withdrawn', async () => {
  const bus = await tempBus();
  const controller = new AbortController();
  const withdrawn = Promise.allSettled(
    Array.from({ length: 10 }, () => bus.append('a', event, { signal: controller.signal })),
  );
  const waiting = bus.append('b', event);

  controller.abort();
  const later = bus.append('c', event);

  expect([await waiting, await later]).toMatchObject([{ firstPosition: 1 }, { firstPosition: 2 }]);
  await withdrawn;
});

test('an append that is aborted in the turn of its call is not written', async () => {
  const bus = await tempBus();
  const controller = new AbortController();

  const aborted = bus.append('a', event, { signal: controller.signal });
  const other = bus.append('b', event);
  controller.abort();

  await expect(aborted).rejects.toMatchObject({ code: 'ABORTED', detail: { outcome: 'nothing-written' } });
  expect(await other).toMatchObject({ firstPosition: 1 });
  expect(await bus.stream('a')).toBeUndefined();
});

test('an append with an aborted signal is refused, whatever else is queued', async () => {
  const bus = await tempBus();

  const other = bus.append('b', event);
  const aborted = bus.append('a', event, { signal: AbortSignal.abort('never') });

  await expect(aborted).rejects.toMatchObject({ code: 'ABORTED', cause: 'never' });
  expect(await other).toMatchObject({ firstPosition: 1 });
});

test('a signal that is aborted once the commit has begun ends the wait, and leaves the outcome open', async () => {
  const controller = new AbortController();
  const store = tempStore();
  const bus = await store.openBus();
  store.storage.beforeNextCommit = () => controller.abort('late');

  const appended = bus.append('a', event, { signal: controller.signal });

  await expect(appended).rejects.toMatchObject({ code: 'ABORTED', detail: { outcome: 'unknown' }, cause: 'late' });
  expect(bus.head).toBe(1);
  expect(await bus.append('a', event)).toMatchObject({ firstPosition: 2 });
});

test('a signal that is aborted after the append changes nothing', async () => {
  const bus = await tempBus();
  const controller = new AbortController();

  await bus.append('a', event, { signal: controller.signal });
  controller.abort();

  expect(bus.head).toBe(1);
});

test('one signal for many appends gives no warning and aborts all that still wait', async () => {
  const bus = await tempBus();
  const controller = new AbortController();
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);

  const appends = Array.from({ length: 200 }, () => bus.append('a', event, { signal: controller.signal }));
  controller.abort();
  const outcomes = await Promise.allSettled(appends);
  await setImmediate();
  process.off('warning', onWarning);

  expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
  expect(bus.head).toBe(0);
  expect(warnings).toEqual([]);
});

test('close commits what waits for room, also when all before it was withdrawn', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  const controller = new AbortController();
  const withdrawn = Array.from({ length: 10 }, () => bus.append('a', event, { signal: controller.signal }));
  const waiting = [bus.append('b', event), bus.append('b', times(30)), bus.append('b', event)];
  controller.abort();
  const refusals = Promise.allSettled(withdrawn);

  await bus.close();

  expect((await refusals).every(({ status }) => status === 'rejected')).toBe(true);
  expect(await Promise.all(waiting)).toMatchObject([{ lastPosition: 1 }, { lastPosition: 31 }, { lastPosition: 32 }]);
  expect((await store.openBus()).head).toBe(32);
});

test('an appender that is closed takes nothing', async () => {
  const appender = new Appender({ path: 'memory', onReady: () => undefined });
  const request = encodeRequest([{ stream: 'a', events: event }], {}, 0);

  await appender.close();

  await expect(appender.append(request, undefined, (results) => results)).rejects.toMatchObject({
    code: 'STORE_CLOSED',
  });
});

test('a signal shared by many has one listener, which goes with the last of them', async () => {
  const { signal } = new AbortController();
  const bus = await tempBus();

  const appends = Array.from({ length: 30 }, () => bus.append('a', event, { signal }));
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  await Promise.all(appends);

  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('an append that is refused at once leaves no listener on its signal', async () => {
  const { signal } = new AbortController();
  const appender = new Appender({ path: 'memory', onReady: () => undefined });
  const request = encodeRequest([{ stream: 'a', events: event }], {}, 0);
  await appender.close();

  await expect(appender.append(request, signal, (results) => results)).rejects.toMatchObject({ code: 'STORE_CLOSED' });

  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
