/** Timers as users of a bus meet them: schedule, cancel, list, restart, and what is refused. */
import { expect, test } from 'vitest';
import { BusError, connectBus, limits, openBus, type ScheduleOptions } from '#store';
import { collect } from '../kit/collect.ts';
import { type EngineKind, engineKinds, type TempStore, tempBus, tempDirectory, tempStore } from '../kit/temp-store.ts';

/** A clock in the test's hand. */
class HandClock {
  nowMs = 1_000_000;
  readonly read = () => this.nowMs;
}

function storeWithClock(kind: EngineKind = 'memory') {
  const clock = new HandClock();
  const store = tempStore(kind);
  return { clock, store, open: () => store.openBus({ clock: clock.read, durability: 'os' }) };
}

async function typesIn(bus: Awaited<ReturnType<TempStore['openBus']>>): Promise<string[]> {
  return (await collect(bus.read())).map(({ type }) => type);
}

test.each(engineKinds)('a timer appends its event when its time has come (%s)', async (kind) => {
  const { clock, open } = storeWithClock(kind);
  const bus = await open();

  const timer = await bus.schedule(
    'order-1',
    { type: 'Expired', data: { reason: 'unpaid' }, metadata: { by: 'test' } },
    { delayMs: 500, key: 'expiry', metadata: { from: 'saga', by: 'call' } },
  );
  await bus.fireTimers();
  const headBefore = bus.head;
  clock.nowMs += 500;
  await bus.fireTimers();

  expect(timer).toEqual({ key: 'expiry', dueMs: 1_000_500, replaced: false });
  expect(headBefore).toBe(0);
  const [event] = await collect(bus.readStream('order-1'));
  expect({ ...event }).toMatchObject({
    type: 'Expired',
    data: { reason: 'unpaid' },
    metadata: { from: 'saga', by: 'test' },
    timeMs: 1_000_500,
    version: 1,
  });
  expect(await collect(bus.timers())).toEqual([]);
  expect(await bus.verify()).toMatchObject({ ok: true });
});

test('a timer wakes up by itself', async () => {
  const bus = await openBus({ path: tempDirectory() });

  const { dueMs } = await bus.schedule('s', { type: 'Rung' }, { delayMs: 20 });

  await expect.poll(() => bus.head).toBe(1);
  const [event] = await collect(bus.read());
  expect(event?.timeMs).toBeGreaterThanOrEqual(dueMs);
  await bus.close();
});

test.each(engineKinds)(
  'timers that are late when the store is opened fire at once, in their order (%s)',
  async (kind) => {
    const { clock, store, open } = storeWithClock(kind);
    const before = await open();
    for (const [type, delayMs] of [
      ['c', 300],
      ['a', 100],
      ['future', 10_000],
      ['b', 200],
    ] as const) {
      await before.schedule(`stream-${type}`, { type }, { delayMs });
    }
    store.crash(before);
    clock.nowMs += 1000;

    const bus = await open();
    await expect.poll(() => bus.head).toBe(3);

    expect(await typesIn(bus)).toEqual(['a', 'b', 'c']);
    expect((await collect(bus.timers())).map(({ type }) => type)).toEqual(['future']);
  },
);

test('one that is cancelled does not fire, and cancelling again says that there is none', async () => {
  const { clock, open } = storeWithClock();
  const bus = await open();
  const { key } = await bus.schedule('s', { type: 'never' }, { delayMs: 10 });
  await bus.schedule('s', { type: 'other' }, { delayMs: 10 });

  const answers = [await bus.cancelTimer(key), await bus.cancelTimer(key), await bus.cancelTimer('unknown')];
  clock.nowMs += 1000;
  await bus.fireTimers();

  expect(answers).toEqual([true, false, false]);
  expect(await typesIn(bus)).toEqual(['other']);
});

test('a cancel is durable', async () => {
  const { clock, store, open } = storeWithClock();
  const before = await open();
  await before.schedule('s', { type: 'never' }, { delayMs: 10, key: 'k' });
  await before.cancelTimer('k');
  store.crash(before);
  clock.nowMs += 1000;

  const bus = await open();
  await bus.fireTimers();

  expect(bus.head).toBe(0);
});

test('a timer of a key that is pending takes the place of the earlier one', async () => {
  const { clock, open } = storeWithClock();
  const bus = await open();
  await bus.schedule('s', { type: 'first' }, { delayMs: 10, key: 'k' });

  const second = await bus.schedule('s', { type: 'second' }, { delayMs: 5000, key: 'k' });
  clock.nowMs += 1000;
  await bus.fireTimers();
  const headBefore = bus.head;
  clock.nowMs += 4000;
  await bus.fireTimers();

  expect(second).toEqual({ key: 'k', dueMs: 1_005_000, replaced: true });
  expect(headBefore).toBe(0);
  expect(await typesIn(bus)).toEqual(['second']);
});

test('a key is free again when its timer has fired', async () => {
  const { clock, open } = storeWithClock();
  const bus = await open();
  await bus.schedule('s', { type: 'first' }, { delayMs: 0, key: 'k' });
  await bus.fireTimers();

  const second = await bus.schedule('s', { type: 'second' }, { delayMs: 10, key: 'k' });
  clock.nowMs += 10;
  await bus.fireTimers();

  expect(second.replaced).toBe(false);
  expect(await typesIn(bus)).toEqual(['first', 'second']);
});

test('the id of the event is given when the timer is made', async () => {
  const { clock, open } = storeWithClock();
  const bus = await open();
  await bus.schedule('s', { type: 'own', id: 'mine' }, { delayMs: 10 });
  await bus.schedule('s', { type: 'made' }, { delayMs: 20 });
  const listed = (await collect(bus.timers())).map(({ id }) => id);
  clock.nowMs += 1000;

  await bus.fireTimers();

  expect(listed).toEqual(['mine', expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)]);
  expect((await collect(bus.read())).map(({ id }) => id)).toEqual(listed);
});

test('pending timers are listed in the order of firing, page by page, between two times', async () => {
  const { open } = storeWithClock();
  const bus = await open();
  const count = 2500;
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      bus.schedule(
        `s-${index}`,
        { type: 'x', data: { index } },
        { at: 2_000_000 + ((index * 7) % count), key: `k-${index}` },
      ),
    ),
  );

  const pages = await collect(bus.timers().pages());
  const all = pages.flat();
  const some = await collect(bus.timers({ from: new Date(2_000_010), to: 2_000_019.5 }));

  expect(pages.map(({ length }) => length)).toEqual([1024, 1024, 452]);
  expect(all.map(({ dueMs }) => dueMs)).toEqual(Array.from({ length: count }, (_, index) => 2_000_000 + index));
  expect(all[7]).toEqual({
    key: 'k-1',
    dueMs: 2_000_007,
    scheduledMs: 1_000_000,
    stream: 's-1',
    type: 'x',
    id: expect.any(String),
    data: { index: 1 },
    metadata: undefined,
  });
  expect(some.map(({ dueMs }) => dueMs)).toEqual(Array.from({ length: 10 }, (_, index) => 2_000_010 + index));
  expect(await collect(bus.timers({ limit: 3 }))).toEqual(all.slice(0, 3));
  expect(await collect(bus.timers({ limit: 0 }))).toEqual([]);
  expect(await collect(bus.timers({ from: 3_000_000 }))).toEqual([]);
});

test('timers of one stream and of others keep the order of the log and the versions of each', async () => {
  const { clock, open } = storeWithClock();
  const bus = await open();
  for (const [index, stream] of ['a', 'b', 'a', 'a', 'b', 'c'].entries()) {
    await bus.schedule(stream, { type: `t${index}` }, { delayMs: 10 + index });
  }
  clock.nowMs += 1000;

  await bus.fireTimers();

  const events = await collect(bus.read());
  expect(events.map(({ type, stream, version }) => [type, stream, version])).toEqual([
    ['t0', 'a', 1],
    ['t1', 'b', 1],
    ['t2', 'a', 2],
    ['t3', 'a', 3],
    ['t4', 'b', 2],
    ['t5', 'c', 1],
  ]);
});

test.each<[string, () => unknown, RegExp]>([
  ['neither a time nor a delay', () => ({}), /either at .* or delayMs/],
  ['both', () => ({ at: 1, delayMs: 1 }), /either at .* or delayMs/],
  ['no options', () => undefined, /either at .* or delayMs/],
  ['a delay below zero', () => ({ delayMs: -1 }), /delayMs must be 0 to 315360000000 .*got -1/],
  ['a delay beyond ten years', () => ({ delayMs: limits.timerDelayMaxMs + 1 }), /delayMs must be 0 to/],
  ['a delay that is text', () => ({ delayMs: '5' }), /delayMs must be 0 to/],
  ['an invalid date', () => ({ at: new Date(Number.NaN) }), /at must be a Date or milliseconds/],
  ['a time that is text', () => ({ at: '2026-01-01' }), /at must be a Date or milliseconds/],
  ['a time before 1970', () => ({ at: -1 }), /at must be/],
  ['an empty key', () => ({ delayMs: 1, key: '' }), /key of a timer must be 1 to 512 bytes/],
  ['a key too long', () => ({ delayMs: 1, key: 'ä'.repeat(257) }), /key of a timer must be 1 to 512 bytes/],
  ['an unknown option', () => ({ delay: 1 }), /schedule has no option "delay"/],
])('schedule refuses %s before anything is written', async (_, options, message) => {
  const bus = await tempBus();

  const refused = bus.schedule('s', { type: 'x' }, options() as ScheduleOptions);

  await expect(refused).rejects.toThrow(TypeError);
  await expect(refused).rejects.toThrow(message);
  expect(await collect(bus.timers())).toEqual([]);
});

test.each<[string, string, unknown, object]>([
  ['a stream that can not be', '$mine', { type: 'x' }, { code: 'STREAM_NAME_INVALID' }],
  ['an event without a type', 's', {}, { code: 'EVENT_INVALID' }],
  ['data that can not be stored', 's', { type: 'x', data: () => 1 }, { code: 'EVENT_INVALID' }],
  ['an event too large', 's', { type: 'x', data: 'x'.repeat(limits.eventBytesMax) }, { code: 'EVENT_TOO_LARGE' }],
  ['several events', 's', [{ type: 'x' }, { type: 'y' }], { name: 'TypeError' }],
])('schedule refuses %s as an append would', async (_, stream, event, error) => {
  const bus = await tempBus();

  await expect(bus.schedule(stream, event as { type: string }, { delayMs: 1 })).rejects.toMatchObject(error);
});

test('the longest names, the longest delay and the largest event fit', async () => {
  const { clock, open } = storeWithClock('lmdb');
  const bus = await open();
  const [stream, type, key] = ['s'.repeat(512), 't'.repeat(512), 'k'.repeat(512)];
  const data = new Uint8Array(limits.eventBytesMax - 100);

  const { dueMs } = await bus.schedule(stream, { type, data }, { delayMs: limits.timerDelayMaxMs, key });
  await bus.schedule(stream, { type, data }, { at: limits.u48Max, key: `${key.slice(1)}2` });
  clock.nowMs = dueMs;
  await bus.fireTimers();

  const [event] = await collect(bus.read());
  expect(event).toMatchObject({ stream, type });
  // Not toEqual, which takes seconds for so many bytes.
  expect(Buffer.compare(event?.data as Uint8Array, data)).toBe(0);
  expect(bus.head).toBe(1);
});

test('a read-only bus lists timers and makes none', async () => {
  const { store, open } = storeWithClock();
  const bus = await open();
  await bus.schedule('s', { type: 'x' }, { delayMs: 60_000, key: 'k' });
  const follower = await store.openBus({ readOnly: true });

  expect((await collect(follower.timers())).map(({ key }) => key)).toEqual(['k']);
  const refused = { code: 'STORE_READ_ONLY' };
  await expect(follower.schedule('s', { type: 'x' }, { delayMs: 1 })).rejects.toMatchObject(refused);
  await expect(follower.cancelTimer('k')).rejects.toMatchObject(refused);
  await expect(follower.fireTimers()).rejects.toMatchObject(refused);
});

test('a connected bus lists timers and leaves making them to the other end', async () => {
  const bus = await openBus({ path: tempDirectory() });
  await bus.schedule('s', { type: 'x' }, { delayMs: 60_000, key: 'k' });
  const connected = await connectBus(bus.port());

  expect((await collect(connected.timers())).map(({ key }) => key)).toEqual(['k']);
  const refused = { code: 'UNSUPPORTED', detail: { feature: 'timers' } };
  await expect(connected.schedule('s', { type: 'x' }, { delayMs: 1 })).rejects.toMatchObject(refused);
  await expect(connected.cancelTimer('k')).rejects.toMatchObject(refused);
  await connected.close();
  await bus.close();
});

test('a closed bus takes no timers', async () => {
  const bus = await tempBus();
  await bus.close();

  const closed = { code: 'STORE_CLOSED' };
  await expect(bus.schedule('s', { type: 'x' }, { delayMs: 1 })).rejects.toMatchObject(closed);
  await expect(bus.cancelTimer('k')).rejects.toMatchObject(closed);
  await expect(bus.fireTimers()).rejects.toMatchObject(closed);
});

test('what was scheduled before a close is durable, and what was due by then fires after the next open', async () => {
  const { clock, open } = storeWithClock();
  const before = await open();
  const scheduled = [1, 2, 3].map((n) => before.schedule('s', { type: `t${n}` }, { delayMs: n }));

  const closed = before.close();
  clock.nowMs += 10;
  const timers = await Promise.all(scheduled);
  await closed;
  const bus = await open();
  await bus.fireTimers();

  expect(timers.map(({ dueMs }) => dueMs)).toEqual([1_000_001, 1_000_002, 1_000_003]);
  expect(await typesIn(bus)).toEqual(['t1', 't2', 't3']);
});

test('a close in the middle of firing leaves each timer either appended or pending', async () => {
  const { clock, open } = storeWithClock('lmdb');
  const before = await open();
  const count = 6000;
  await Promise.all(
    Array.from({ length: count }, (_, n) => before.schedule(`s-${n % 7}`, { type: `t${n}` }, { at: 2_000_000 + n })),
  );
  clock.nowMs = 3_000_000;

  const firing = before.fireTimers().catch((error: unknown) => error);
  await expect.poll(() => before.head, { interval: 1 }).toBeGreaterThan(0);
  await before.close();
  const bus = await open();
  const head = bus.head;
  await bus.fireTimers();

  expect(await firing).toMatchObject({ code: 'STORE_CLOSED' });
  expect(head).toBeLessThan(count);
  expect(await typesIn(bus)).toEqual(Array.from({ length: count }, (_, n) => `t${n}`));
  expect(await bus.verify()).toMatchObject({ ok: true });
});

test('a full store keeps the timers that are due until there is space, and says so', async () => {
  const { clock, store, open } = storeWithClock();
  const bus = await open();
  const errors: unknown[] = [];
  bus.errors$.subscribe((error) => errors.push(error));
  await bus.schedule('s', { type: 'due' }, { delayMs: 10 });
  store.storage.beforeNextCommit = () => {
    throw new BusError('STORE_FULL', 'planted', { path: 'memory' });
  };
  clock.nowMs += 10;

  await expect(bus.fireTimers()).rejects.toMatchObject({ code: 'STORE_FULL' });
  const headBefore = bus.head;
  await bus.fireTimers();

  expect(errors).toMatchObject([{ code: 'STORE_FULL' }]);
  expect([headBefore, bus.head]).toEqual([0, 1]);
});

test.each(['schedule', 'append'] as const)('%s refuses what is no signal, and timers go on working', async (way) => {
  const { clock, open } = storeWithClock();
  const bus = await open();
  const signal = new AbortController() as never;
  await bus.schedule('s', { type: 'before' }, { delayMs: 10 });

  const refused = () =>
    way === 'append'
      ? bus.append('s', { type: 'refused' }, { signal })
      : bus.schedule('s', { type: 'refused' }, { delayMs: 10, signal });
  await expect(refused()).rejects.toThrow(TypeError);
  // Nor is it known from the first time.
  await expect(refused()).rejects.toThrow(TypeError);
  await bus.schedule('s', { type: 'after' }, { delayMs: 10 });
  clock.nowMs += 10;
  await bus.fireTimers();

  expect(await typesIn(bus)).toEqual(['before', 'after']);
  expect(await collect(bus.timers())).toEqual([]);
});

test('once the store has failed, every look at the timers says so', async () => {
  const { clock, store, open } = storeWithClock();
  const bus = await open();
  bus.errors$.subscribe();
  await bus.schedule('s', { type: 'due' }, { delayMs: 10 });
  store.storage.beforeNextCommit = () => {
    throw new Error('planted');
  };
  clock.nowMs += 10;

  await expect(bus.fireTimers()).rejects.toMatchObject({ code: 'STORE_FAILED' });
  await expect(bus.fireTimers()).rejects.toMatchObject({ code: 'STORE_FAILED' });
  await expect(bus.fireTimers()).rejects.toMatchObject({ code: 'STORE_FAILED' });
});
