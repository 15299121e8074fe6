import { expect, test } from 'vitest';
import { LogWriter } from '#kernel/log/log-writer';
import type { Bus, NewEvent } from '#store';
import { collect } from '../kit/collect.ts';
import { type TempStore, tempStore } from '../kit/temp-store.ts';

const event = { type: 'placed', data: { n: 1 } };
const ttlMs = 1000;

/** A bus whose clock is in the test's hand. */
async function timedBus() {
  const time = { nowMs: 1_000_000 };
  const store = tempStore();
  const open = () => store.openBus({ clock: () => time.nowMs, idempotencyTtlMs: ttlMs });
  return { store, time, open, bus: await open() };
}

/** The keys in the index table. */
function storedKeys(store: TempStore): string[] {
  return store.storage.rows.idempotency.map(({ key }) => Buffer.from(key).toString());
}

/** Enough appends for the index to be written once. */
async function fillTail(bus: Bus): Promise<void> {
  for (let call = 0; call < 4; call++) {
    await bus.append(
      'filler',
      Array.from({ length: 5000 }, () => ({ type: 'x' })),
    );
  }
}

test('the same key with the same content gives the first result again and writes nothing', async () => {
  const { bus } = await timedBus();
  const first = await bus.append('a', [event, event], { idempotencyKey: 'k' });
  await bus.append('a', event);

  const again = await bus.append('a', [event, event], { idempotencyKey: 'k' });

  expect(again).toStrictEqual({ ...first, duplicate: true });
  expect(bus.head).toBe(3);
});

test('a retry over several streams gives the result of each', async () => {
  const { bus } = await timedBus();
  const appends = [
    { stream: 'b', events: [event, event] },
    { stream: 'a', events: event },
  ];
  const first = await bus.appendMany(appends, { idempotencyKey: 'k' });

  const again = await bus.appendMany(appends, { idempotencyKey: 'k' });

  expect(again).toStrictEqual(first.map((result) => ({ ...result, duplicate: true })));
});

test('a retry does not look at the expected version, which the first append has changed', async () => {
  const { bus } = await timedBus();
  const options = { idempotencyKey: 'k', expectedVersion: 'no-stream' } as const;
  await bus.append('a', event, options);

  const again = await bus.append('a', event, options);

  expect(again).toMatchObject({ firstVersion: 1, duplicate: true });
});

test('the same key within one turn is a duplicate of the first', async () => {
  const { bus } = await timedBus();

  const results = await Promise.all([
    bus.append('a', event, { idempotencyKey: 'k' }),
    bus.append('a', event, { idempotencyKey: 'k' }),
    bus.append('a', event),
  ]);

  expect(results.map(({ firstPosition, duplicate }) => [firstPosition, duplicate])).toEqual([
    [1, false],
    [1, true],
    [2, false],
  ]);
});

test.each<[string, string, NewEvent | NewEvent[]]>([
  ['other data', 'a', { ...event, data: { n: 2 } }],
  ['another type', 'a', { ...event, type: 'paid' }],
  ['another id', 'a', { ...event, id: 'mine' }],
  ['other metadata', 'a', { ...event, metadata: {} }],
  ['another stream', 'b', event],
  ['more events', 'a', [event, event]],
])('the same key with %s is refused', async (_, stream, events) => {
  const { bus } = await timedBus();
  await bus.append('x', event);
  await bus.append('a', event, { idempotencyKey: 'k' });

  const refused = bus.append(stream, events, { idempotencyKey: 'k' });

  await expect(refused).rejects.toMatchObject({
    code: 'IDEMPOTENCY_KEY_REUSED',
    detail: { key: 'k', firstPosition: 2 },
  });
  expect(bus.head).toBe(2);
});

test('the same key with other content within one turn is refused', async () => {
  const { bus } = await timedBus();

  const outcomes = await Promise.allSettled([
    bus.append('a', event, { idempotencyKey: 'k' }),
    bus.append('b', event, { idempotencyKey: 'k' }),
  ]);

  expect(outcomes).toMatchObject([
    { value: { firstPosition: 1 } },
    { reason: { code: 'IDEMPOTENCY_KEY_REUSED', detail: { firstPosition: 1 } } },
  ]);
});

test('a key of a refused append is not used up', async () => {
  const { bus } = await timedBus();
  await expect(bus.append('a', event, { idempotencyKey: 'k', expectedVersion: 'stream-exists' })).rejects.toMatchObject(
    { code: 'CONCURRENCY_CONFLICT' },
  );

  const result = await bus.append('a', event, { idempotencyKey: 'k', expectedVersion: 'no-stream' });

  expect(result).toMatchObject({ duplicate: false });
});

test('a key is known after the store was closed and after a crash', async () => {
  const { store, open, bus } = await timedBus();
  await bus.append('a', event, { idempotencyKey: 'k' });
  await bus.close();

  const afterClose = await open();
  expect(await afterClose.append('a', event, { idempotencyKey: 'k' })).toMatchObject({ duplicate: true });
  await afterClose.append('a', event, { idempotencyKey: 'l' });
  store.crash(afterClose);

  const afterCrash = await open();
  expect(await afterCrash.append('a', event, { idempotencyKey: 'l' })).toMatchObject({ duplicate: true });
  expect(afterCrash.head).toBe(2);
});

test('a key is remembered to the last millisecond of its time, and not longer', async () => {
  const { bus, time } = await timedBus();
  await bus.append('a', event, { idempotencyKey: 'k' });

  time.nowMs += ttlMs;
  const before = await bus.append('a', event, { idempotencyKey: 'k' });
  time.nowMs += 1;
  const after = await bus.append('a', event, { idempotencyKey: 'k' });
  const again = await bus.append('a', event, { idempotencyKey: 'k' });

  expect([before, after, again].map(({ firstPosition, duplicate }) => [firstPosition, duplicate])).toEqual([
    [1, true],
    [2, false],
    [2, true],
  ]);
});

test('expired keys leave the index when it is written, and the others stay', async () => {
  const { bus, store, time } = await timedBus();
  await bus.append('a', event, { idempotencyKey: 'old' });
  await bus.append('a', event, { idempotencyKey: 'used again' });
  await fillTail(bus);
  const before = storedKeys(store);

  time.nowMs += ttlMs + 1;
  await bus.append('a', event, { idempotencyKey: 'used again' });
  await bus.append('a', event, { idempotencyKey: 'new' });
  await fillTail(bus);
  await fillTail(bus);

  expect(before).toEqual(['old', 'used again']);
  expect(storedKeys(store)).toEqual(['new', 'used again']);
  expect((await bus.verify()).problems).toEqual([]);
  expect(await bus.append('a', event, { idempotencyKey: 'used again' })).toMatchObject({ duplicate: true });
});

test('a key in the last millisecond of its time stays when the index is written', async () => {
  const { bus, time } = await timedBus();
  await bus.append('a', event, { idempotencyKey: 'k' });
  await fillTail(bus);

  time.nowMs += ttlMs;
  await fillTail(bus);
  await fillTail(bus);

  expect(await bus.append('a', event, { idempotencyKey: 'k' })).toMatchObject({ duplicate: true });
});

test('a damaged block keeps its keys and those behind it from being removed, and no append from being made', async () => {
  const { bus, store, time } = await timedBus();
  for (const idempotencyKey of ['before', 'damaged', 'behind']) await bus.append('a', event, { idempotencyKey });
  await fillTail(bus);
  const bytes = store.storage.blocks[1]?.bytes as Uint8Array;
  bytes[70] = (bytes[70] as number) ^ 1;

  time.nowMs += ttlMs + 1;
  await fillTail(bus);
  await fillTail(bus);

  expect(storedKeys(store)).toEqual(['behind', 'damaged']);
  expect((await bus.verify()).problems[0]).toMatchObject({ table: 'events_log', position: 2 });
});

test('a clock that was ahead for a while makes no key expire', async () => {
  const { bus, open, time } = await timedBus();
  await bus.append('a', event, { idempotencyKey: 'k' });

  time.nowMs += 100 * ttlMs;
  await bus.close();
  time.nowMs -= 100 * ttlMs;
  const again = await open();

  expect(await again.append('a', event, { idempotencyKey: 'k' })).toMatchObject({ duplicate: true });
});

test('keys are found again when the index is built anew', async () => {
  const { bus, store, open } = await timedBus();
  await bus.append('a', event, { idempotencyKey: 'k' });
  await bus.close();
  const engine = await store.openEngine();
  new LogWriter(engine, { clock: () => 1_000_000, idempotencyTtlMs: ttlMs, rebuildIndex: true });
  engine.close();

  const again = await open();

  expect(await again.append('a', event, { idempotencyKey: 'k' })).toMatchObject({ duplicate: true });
  expect(await collect(again.read())).toHaveLength(1);
});
