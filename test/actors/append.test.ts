import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { AppendOptions, ExpectedVersion, NewEvent } from '#store';
import { collect } from '../kit/collect.ts';
import { EngineSpy } from '../kit/engine-spy.ts';
import { engineKinds, tempBus, tempStore } from '../kit/temp-store.ts';

const event = { type: 'placed' };

test('an append tells where its events are', async () => {
  const bus = await tempBus();
  await bus.append('other', event);

  const result = await bus.append('order-1', [event, event, event]);

  expect(result).toStrictEqual({
    stream: 'order-1',
    firstVersion: 1,
    lastVersion: 3,
    firstPosition: 2,
    lastPosition: 4,
    duplicate: false,
  });
  expect(bus.head).toBe(4);
});

test('an append over several streams tells of each in the order of the call', async () => {
  const bus = await tempBus();
  await bus.append('b', event);

  const results = await bus.appendMany([
    { stream: 'b', events: [event, event] },
    { stream: 'a', events: event },
  ]);

  expect(results).toStrictEqual([
    { stream: 'b', firstVersion: 2, lastVersion: 3, firstPosition: 2, lastPosition: 3, duplicate: false },
    { stream: 'a', firstVersion: 1, lastVersion: 1, firstPosition: 4, lastPosition: 4, duplicate: false },
  ]);
});

test.each(engineKinds)('appends of one turn share one transaction (%s)', async (kind) => {
  let spy: EngineSpy | undefined;
  // A key that is new is one row more.
  const bus = await tempStore(kind).openBus({ encryption: undefined }, (engine) => {
    spy = new EngineSpy(engine);
    return spy;
  });
  const before = spy?.commits.length as number;

  const results = await Promise.all(Array.from({ length: 100 }, (_, index) => bus.append(`s-${index % 7}`, event)));

  expect(spy?.commits.slice(before)).toEqual([{ blocks: expect.any(Number), rows: 0 }]);
  expect(results.map((result) => result.firstPosition)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
});

test('appends of different turns have a transaction each', async () => {
  let spy: EngineSpy | undefined;
  const bus = await tempStore().openBus({}, (engine) => {
    spy = new EngineSpy(engine);
    return spy;
  });
  const before = spy?.commits.length as number;

  await bus.append('a', event);
  await setImmediate();
  await bus.append('a', event);

  expect(spy?.commits.length).toBe(before + 2);
});

test('a conflict among the appends of one turn is its own and leaves no trace in the others', async () => {
  const bus = await tempBus();

  const outcomes = await Promise.allSettled([
    bus.append('a', { type: 'first' }, { expectedVersion: 'no-stream' }),
    bus.append('a', { type: 'refused' }, { expectedVersion: 'no-stream' }),
    bus.append('a', { type: 'second' }, { expectedVersion: 1 }),
  ]);

  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(outcomes[1]).toMatchObject({
    reason: {
      name: 'BusError',
      code: 'CONCURRENCY_CONFLICT',
      detail: { stream: 'a', expected: 'no-stream', actual: 1 },
    },
  });
  const types = (await collect(bus.read())).map(({ type, position }) => [position, type]);
  expect(types).toEqual([
    [1, 'first'],
    [2, 'second'],
  ]);
});

test('a commit of several streams is refused whole when one of them has another version', async () => {
  const bus = await tempBus();
  await bus.append('b', event);

  const refused = bus.appendMany([
    { stream: 'a', events: event, expectedVersion: 'no-stream' },
    { stream: 'b', events: event, expectedVersion: 2 },
  ]);

  await expect(refused).rejects.toMatchObject({ detail: { stream: 'b', expected: 2, actual: 1 } });
  expect(bus.head).toBe(1);
  expect(await bus.stream('a')).toBeUndefined();
});

test.each<[ExpectedVersion | undefined, number, boolean]>([
  [undefined, 0, true],
  [undefined, 2, true],
  ['any', 0, true],
  ['any', 2, true],
  ['no-stream', 0, true],
  ['no-stream', 2, false],
  ['stream-exists', 0, false],
  ['stream-exists', 2, true],
  [0, 0, true],
  [-0, 0, true],
  [0, 2, false],
  [2, 2, true],
  [1, 2, false],
  [3, 2, false],
  [Number.MAX_SAFE_INTEGER, 2, false],
])('an append that expects %s of a stream at version %i is taken: %s', async (expectedVersion, version, isTaken) => {
  const bus = await tempBus();
  for (let count = 0; count < version; count++) await bus.append('a', event);
  const options = expectedVersion === undefined ? {} : { expectedVersion };

  const outcome = await bus.append('a', event, options).catch((error: unknown) => error);

  expect(outcome).toMatchObject(
    isTaken
      ? { firstVersion: version + 1 }
      : { code: 'CONCURRENCY_CONFLICT', detail: { stream: 'a', expected: expectedVersion, actual: version } },
  );
  expect(bus.head).toBe(version + (isTaken ? 1 : 0));
});

test('events are stored as they are when append is called, not when they are committed', async () => {
  const bus = await tempBus();
  const data = { count: 1 };

  const appended = bus.append('a', { type: 'placed', data });
  data.count = 2;
  await appended;

  expect((await bus.event(1))?.data).toEqual({ count: 1 });
});

test('metadata of the call goes to every event, under the metadata of its own', async () => {
  const bus = await tempBus();

  await bus.append('a', [event, { ...event, metadata: { user: 'eve', trace: 2 } }], {
    metadata: { user: 'ann', at: 'shop' },
  });
  await bus.appendMany([{ stream: 'b', events: event }], { metadata: { user: 'bob' } });

  const metadata = (await collect(bus.read())).map((stored) => stored.metadata);
  expect(metadata).toEqual([{ user: 'ann', at: 'shop' }, { user: 'eve', trace: 2, at: 'shop' }, { user: 'bob' }]);
});

test('an event without data and metadata reads as having them undefined', async () => {
  const bus = await tempBus();

  await bus.append('a', [{ type: 'x' }, { type: 'x', data: null }]);

  expect(await collect(bus.read())).toMatchObject([
    { data: undefined, metadata: undefined },
    { data: null, metadata: undefined },
  ]);
});

test('an event gets a UUID of version 7 that ascends', async () => {
  const bus = await tempBus();

  await bus.append(
    'a',
    Array.from({ length: 50 }, () => event),
  );

  const ids = (await collect(bus.read())).map(({ id }) => id);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(ids).toEqual([...ids].sort());
  expect(new Set(ids).size).toBe(50);
});

test.each([
  'order/7',
  '0188d0c8-0000-7000-8000-00000000abcd',
  '0188D0C8-0000-7000-8000-00000000ABCD',
  '00000000-0000-0000-0000-000000000000',
  '0188d0c800007000800000000000abcd',
  'größe 語 😀',
  'x'.repeat(256),
  'é'.repeat(128),
])('the id %j stays as given', async (id) => {
  const bus = await tempBus();

  await bus.append('a', { type: 'placed', id, data: 'd', metadata: { m: 1 } });

  expect(await bus.event(1)).toMatchObject({ id, data: 'd', metadata: { m: 1 } });
});

test('the same id may be given twice', async () => {
  const bus = await tempBus();

  await bus.append('a', [
    { type: 'x', id: 'same' },
    { type: 'x', id: 'same' },
  ]);

  expect(bus.head).toBe(2);
});

const loneSurrogate = '\ud800';

test.each<[string, unknown]>([
  ['empty', ''],
  ['longer than 512 bytes', 'x'.repeat(513)],
  ['longer than 512 bytes in UTF-8', 'é'.repeat(257)],
  ['not well-formed', `a${loneSurrogate}`],
  ['with a line feed', 'a\nb'],
  ['with a zero byte', 'a\0b'],
  ['with a C1 control character', 'a\u0085b'],
  ['with a name of ours', '$bus'],
  ['a number', 7],
  ['undefined', undefined],
  ['null', null],
  ['a bigint', 7n],
  ['a symbol', Symbol('a')],
  ['an object without prototype', Object.create(null)],
])('a stream name that is %s is refused', async (_, stream) => {
  const bus = await tempBus();

  const refused = bus.append(stream as string, event);
  const refusedToo = bus.appendMany([
    { stream: 'a', events: event },
    { stream: stream as string, events: event },
  ]);

  await expect(refused).rejects.toMatchObject({ code: 'STREAM_NAME_INVALID', detail: { stream: expect.any(String) } });
  await expect(refusedToo).rejects.toMatchObject({ code: 'STREAM_NAME_INVALID' });
  await expectNothingWritten(bus);
});

test.each(['x'.repeat(512), 'é'.repeat(256), '😀'.repeat(128), 'a$', ' ', '\u00a0', 'a/b:c'])(
  'the stream name %j is taken',
  async (stream) => {
    const bus = await tempBus();

    await bus.append(stream, event);

    expect(await collect(bus.readStream(stream))).toMatchObject([{ stream }]);
    expect(await bus.stream(stream)).toEqual({ version: 1, lastPosition: 1 });
  },
);

test.each<[string, unknown, string]>([
  ['that is undefined', undefined, ''],
  ['that is null', null, ''],
  ['that is a string', 'placed', ''],
  ['without a type', {}, 'type'],
  ['with an empty type', { type: '' }, 'type'],
  ['with a type that is a number', { type: 7 }, 'type'],
  ['with a type that is a bigint', { type: 7n }, 'type'],
  ['with a type that can not be shown', { type: Object.create(null) }, 'type'],
  ['with a type longer than 512 bytes', { type: 'x'.repeat(513) }, 'type'],
  ['with a type of ours', { type: '$erased' }, 'type'],
  ['with a type that is not well-formed', { type: loneSurrogate }, 'type'],
  ['with an empty id', { type: 'x', id: '' }, 'id'],
  ['with an id that is a number', { type: 'x', id: 7 }, 'id'],
  ['with an id that is a bigint', { type: 'x', id: 7n }, 'id'],
  ['with an id that is null', { type: 'x', id: null }, 'id'],
  ['with an id longer than 256 bytes', { type: 'x', id: 'x'.repeat(257) }, 'id'],
  ['with an id that has a control character', { type: 'x', id: 'a\tb' }, 'id'],
  ['with a function in its data', { type: 'x', data: { on: { click() {} } } }, 'data.on.click'],
  ['with a class instance in its data', { type: 'x', data: [1, /x/] }, 'data[1]'],
  ['with metadata that is null', { type: 'x', metadata: null }, 'metadata'],
  ['with metadata that is an array', { type: 'x', metadata: [] }, 'metadata'],
  ['with a symbol in its metadata', { type: 'x', metadata: { who: Symbol('me') } }, 'metadata.who'],
])('an event %s is refused with its place and path', async (_, wrong, path) => {
  const bus = await tempBus();

  const refused = bus.append('a', [event, wrong as NewEvent]);
  const refusedToo = bus.appendMany(
    [
      { stream: 'a', events: [event, event] },
      { stream: 'b', events: [event, wrong as NewEvent] },
    ],
    { metadata: { common: true } },
  );

  await expect(refused).rejects.toMatchObject({ code: 'EVENT_INVALID', detail: { index: 1, path } });
  await expect(refusedToo).rejects.toMatchObject({ code: 'EVENT_INVALID', detail: { index: 3, path } });
  await expectNothingWritten(bus);
});

test('an event whose property throws is refused with what it threw', async () => {
  const bus = await tempBus();
  const cause = new Error('no type today');
  const throwing = {
    get type(): string {
      throw cause;
    },
  };

  const refused = bus.append('a', throwing);

  await expect(refused).rejects.toMatchObject({ code: 'EVENT_INVALID', detail: { index: 0, path: '' }, cause });
  await expectNothingWritten(bus);
});

test('metadata of the call that throws when it is read is refused with what it threw', async () => {
  const bus = await tempBus();
  const cause = new Error('nobody');
  const metadata = {
    get user(): string {
      throw cause;
    },
  };

  const refused = bus.append('a', event, { metadata });
  const refusedToo = bus.append('a', { ...event, metadata: { own: 1 } }, { metadata });

  await expect(refused).rejects.toMatchObject({ code: 'EVENT_INVALID', cause });
  await expect(refusedToo).rejects.toMatchObject({ code: 'EVENT_INVALID', cause });
  await expectNothingWritten(bus);
});

test('an append without events is refused', async () => {
  const bus = await tempBus();

  await expect(bus.append('a', [])).rejects.toMatchObject({ code: 'APPEND_EMPTY', detail: { stream: 'a' } });
  await expect(bus.appendMany([])).rejects.toMatchObject({ code: 'APPEND_EMPTY', detail: { stream: undefined } });
  await expect(
    bus.appendMany([
      { stream: 'a', events: event },
      { stream: 'b', events: [] },
    ]),
  ).rejects.toMatchObject({ code: 'APPEND_EMPTY', detail: { stream: 'b' } });
  await expectNothingWritten(bus);
});

test.each<[string, object]>([
  ['an expected version below zero', { expectedVersion: -1 }],
  ['an expected version that is not whole', { expectedVersion: 1.5 }],
  ['an expected version that is not a number', { expectedVersion: Number.NaN }],
  ['an expected version beyond the safe integers', { expectedVersion: 2 ** 53 }],
  ['an expected version that is another word', { expectedVersion: 'latest' }],
  ['an expected version that is null', { expectedVersion: null }],
  ['an expected version that is a bigint', { expectedVersion: 1n }],
  ['an empty idempotency key', { idempotencyKey: '' }],
  ['an idempotency key that is too long', { idempotencyKey: 'é'.repeat(257) }],
  ['an idempotency key that is not well-formed', { idempotencyKey: loneSurrogate }],
  ['an idempotency key that is a number', { idempotencyKey: 7 }],
  ['an idempotency key that is null', { idempotencyKey: null }],
  ['metadata that is a string', { metadata: 'me' }],
  ['metadata that is an array', { metadata: [] }],
  ['metadata that is null', { metadata: null }],
])('%s is a TypeError', async (_, options) => {
  const bus = await tempBus();

  const refused = bus.append('a', event, options as AppendOptions);

  await expect(refused).rejects.toThrow(TypeError);
  await expectNothingWritten(bus);
});

test('a stream named twice in one call is a TypeError', async () => {
  const bus = await tempBus();

  const refused = bus.appendMany([
    { stream: 'a', events: event },
    { stream: 'b', events: event },
    { stream: 'a', events: event },
  ]);

  await expect(refused).rejects.toThrow(TypeError);
  await expectNothingWritten(bus);
});

/** The refused call left nothing behind, and the bus goes on. */
async function expectNothingWritten(bus: Awaited<ReturnType<typeof tempBus>>): Promise<void> {
  expect(bus.head).toBe(0);
  expect(await bus.append('next', event)).toMatchObject({ firstPosition: 1, firstVersion: 1 });
}
