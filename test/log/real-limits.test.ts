/** The limits at their full size: where index, runs, blocks and calls end. */
import { expect, test } from 'vitest';
import { Block } from '#kernel/codec/block';
import { type Bus, limits, type NewEvent } from '#store';
import { collect } from '../kit/collect.ts';
import { EngineSpy } from '../kit/engine-spy.ts';
import { engineKinds, type TempStore, tempBus, tempStore } from '../kit/temp-store.ts';

const event = { type: 'placed' };
const times = (count: number, given: NewEvent = event) => Array.from({ length: count }, () => given);
const oneTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Bytes of an event of which `data` is all that varies: a string of `length` ASCII characters. */
const textOf = (length: number) => ({ type: 'large', data: 'x'.repeat(length) });

/** Header of a record, and of a string of more than 64 KiB. */
const overheadBytes = 56 + 5;

function blockSizes({ storage }: TempStore): number[] {
  return storage.blocks.map(({ bytes }) => bytes.length);
}

test.each(engineKinds)(
  'the index is written when the tail has no room, in the transaction of the next events (%s)',
  async (kind) => {
    let spy: EngineSpy | undefined;
    // A key that is new is one row more.
    const bus = await tempStore(kind).openBus({ durability: 'os', encryption: undefined }, (engine) => {
      spy = new EngineSpy(engine);
      return spy;
    });
    const before = spy?.commits.length as number;

    await bus.append('a', times(10_000));
    await bus.append('b', times(limits.tailEventsMax - 10_000));
    const indexedBefore = bus.info().indexedPosition;
    await bus.append('c', event);

    expect(indexedBefore).toBe(0);
    expect(bus.info()).toMatchObject({ indexedPosition: limits.tailEventsMax, head: limits.tailEventsMax + 1 });
    expect(spy?.commits.slice(before).map(({ rows }) => rows > 0)).toEqual([false, false, true]);
    expect(await bus.stream('a')).toEqual({ version: 10_000, lastPosition: 10_000 });
    expect(await bus.stream('c')).toEqual({ version: 1, lastPosition: limits.tailEventsMax + 1 });
    expect((await bus.verify()).problems).toEqual([]);
  },
);

test('the index is written when the tail has too many blocks', async () => {
  const bus = await tempBus();

  for (let call = 0; call < limits.tailBlocksMax; call++) await bus.append('a', event);
  const before = bus.info().indexedPosition;
  await bus.append('a', event);

  expect([before, bus.info().indexedPosition]).toEqual([0, limits.tailBlocksMax]);
});

test('a stream of several runs is read from any version to any other, forward and backward', async () => {
  const store = tempStore();
  const first = await store.openBus();
  await first.append('a', times(700));
  await first.close();
  const second = await store.openBus();
  await second.append('a', times(68));
  await second.close();
  const bus = await store.openBus();
  await bus.append('a', times(32));
  const versions = oneTo(800);
  const edges = [1, 2, 255, 256, 257, 512, 513, 700, 701, 767, 768, 769, 770, 800];

  for (const from of edges) {
    for (const to of edges) {
      for (const direction of ['forward', 'backward'] as const) {
        const read = (await collect(bus.readStream('a', { from, to, direction }))).map(({ version }) => version);
        const expected = versions.slice(from - 1, Math.max(from - 1, to));
        expect(read).toEqual(direction === 'forward' ? expected : expected.reverse());
      }
    }
  }
  expect(store.storage.rows.stream_index).toHaveLength(3);
});

test.each(engineKinds)('a commit of 10,000 events over many blocks is whole or not at all (%s)', async (kind) => {
  const store = tempStore(kind);
  const bus = await store.openBus();
  const events = oneTo(limits.callEventsMax).map((number) => ({ type: `t-${number % 7}`, data: { number } }));

  const results = await bus.appendMany(
    [
      { stream: 'a', events: events.slice(0, 4000) },
      { stream: 'b', events: events.slice(4000) },
    ],
    { idempotencyKey: 'k' },
  );
  const again = await bus.appendMany(
    [
      { stream: 'a', events: events.slice(0, 4000) },
      { stream: 'b', events: events.slice(4000) },
    ],
    { idempotencyKey: 'k' },
  );

  expect(again).toEqual(results.map((result) => ({ ...result, duplicate: true })));
  expect(results.map(({ lastVersion, lastPosition }) => [lastVersion, lastPosition])).toEqual([
    [4000, 4000],
    [6000, 10_000],
  ]);
  expect((await collect(bus.read())).map(({ data }) => data.number)).toEqual(oneTo(10_000));
  expect(await bus.verify()).toMatchObject({ ok: true, commits: 1, events: 10_000 });
  await expectAllFound(bus);
});

test('a block is no larger than its limit, and nearly full in a long commit', async () => {
  const store = tempStore();
  const bus = await store.openBus();

  await bus.append('a', times(5000, { type: 'placed', data: 'x'.repeat(200) }));

  const sizes = blockSizes(store);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(limits.blockBytesMax);
  for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThan(limits.blockBytesMax - 300);
});

test('a block has at most 4096 events', async () => {
  // Not even the smallest events come near it: this is the bound by bytes.
  const store = tempStore();
  const bus = await store.openBus();

  await bus.append('a', times(10_000));

  const counts = store.storage.blocks.map(
    ({ bytes, firstPosition }) => new Block(bytes, firstPosition, 'whole').eventCount,
  );
  expect(Math.max(...counts)).toBeLessThanOrEqual(limits.blockEventsMax);
});

test.each(engineKinds)(
  'an event of 8 MiB is stored in a block of its own, one byte more is refused (%s)',
  async (kind) => {
    const store = tempStore(kind);
    const bus = await store.openBus({ durability: 'os' });
    const largest = textOf(limits.eventBytesMax - overheadBytes);
    const larger = textOf(limits.eventBytesMax - overheadBytes + 1);

    await bus.append('a', [event, largest, event]);
    const refused = bus.append('a', [event, larger]);

    await expect(refused).rejects.toMatchObject({
      code: 'EVENT_TOO_LARGE',
      detail: { limit: 'eventBytesMax', max: limits.eventBytesMax, actual: limits.eventBytesMax + 1 },
    });
    expect((await bus.event(2))?.data.length).toBe(largest.data.length);
    expect((await bus.verify()).blocks).toBe(3);
    expect(bus.head).toBe(3);
  },
);

test.each(engineKinds)('a call of 12 MiB is stored, one byte more is refused (%s)', async (kind) => {
  const store = tempStore(kind);
  const bus = await store.openBus({ durability: 'os' });
  const half = textOf(limits.callBytesMax / 2 - overheadBytes);
  const more = textOf(limits.callBytesMax / 2 - overheadBytes + 1);

  const stored = await bus.append('a', [half, half]);
  const refused = bus.append('a', [half, more]);

  await expect(refused).rejects.toMatchObject({
    code: 'EVENT_TOO_LARGE',
    detail: { limit: 'callBytesMax', max: limits.callBytesMax, actual: limits.callBytesMax + 1 },
  });
  expect(stored).toMatchObject({ lastPosition: 2 });
  expect((await collect(bus.readStream('a'))).map(({ data }) => data.length)).toEqual(
    [half, half].map(({ data }) => data.length),
  );
});

test('a call of more than 10,000 events is refused', async () => {
  const bus = await tempBus();

  const refused = bus.append('a', times(10_001));
  const refusedToo = bus.appendMany([
    { stream: 'a', events: times(5000) },
    { stream: 'b', events: times(5001) },
  ]);

  const error = { code: 'EVENT_TOO_LARGE', detail: { limit: 'callEventsMax', max: 10_000, actual: 10_001 } };
  await expect(refused).rejects.toMatchObject(error);
  await expect(refusedToo).rejects.toMatchObject(error);
  expect(bus.head).toBe(0);
});

test('names and keys of the largest size are stored and found, in the tail and in the index', async () => {
  const store = tempStore('lmdb');
  const stream = `a${'語'.repeat(170)}b`;
  const type = '😀'.repeat(128);
  const idempotencyKey = 'ж'.repeat(256);
  let bus = await store.openBus();
  await bus.append(stream, { type, id: 'é'.repeat(128) }, { idempotencyKey });

  for (const _ of ['in the tail', 'in the index']) {
    expect(await collect(bus.readStream(stream))).toMatchObject([{ stream, type }]);
    expect(await collect(bus.read({ streams: [stream], types: [type], prefix: stream }))).toHaveLength(1);
    expect(await collect(bus.streams({ prefix: stream }))).toHaveLength(1);
    expect(await collect(bus.streams({ after: stream }))).toEqual([]);
    const again = await bus.append(stream, { type, id: 'é'.repeat(128) }, { idempotencyKey });
    expect(again).toMatchObject({ duplicate: true });
    await bus.close();
    bus = await store.openBus();
  }
  expect((await bus.verify()).problems).toEqual([]);
});

test('many streams in one commit are all found, in the tail and in the index', async () => {
  const store = tempStore();
  const names = oneTo(3000).map((number) => `stream-${number}-${'n'.repeat(number % 90)}`);
  let bus = await store.openBus();
  await bus.appendMany(names.map((stream) => ({ stream, events: times(2) })));

  for (const _ of ['in the tail', 'in the index']) {
    const found = await collect(bus.streams());
    expect(found.map(({ stream }) => stream)).toEqual([...names].sort());
    expect(found.every(({ version }) => version === 2)).toBe(true);
    await expectAllFound(bus);
    await bus.close();
    bus = await store.openBus();
  }
});

/** Each event is found by its position as well. */
async function expectAllFound(bus: Bus): Promise<void> {
  for await (const { position, id } of bus.read()) {
    if (position % 97 === 1) expect((await bus.event(position))?.id).toBe(id);
  }
}
