import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Bus, limits, type Pages, type ReadOptions, type StreamInfo } from '#store';
import { collect, take } from '../kit/collect.ts';
import { engineKinds, tempBus, tempStore } from '../kit/temp-store.ts';

const event = { type: 'placed' };
const times = (count: number, type = 'placed') => Array.from({ length: count }, () => ({ type }));
const positions = async (read: Pages<{ position: number }>) => (await collect(read)).map(({ position }) => position);
const versions = async (read: Pages<{ version: number }>) => (await collect(read)).map(({ version }) => version);

/** Ten events: odd positions in stream `a`, even ones in `b`; every third is `paid`, the others `placed`. */
async function tenEvents(): Promise<Bus> {
  const bus = await tempBus();
  for (let position = 1; position <= 10; position++) {
    await bus.append(position % 2 === 1 ? 'a' : 'b', { type: position % 3 === 0 ? 'paid' : 'placed' });
  }
  return bus;
}

test.each<[ReadOptions, number[]]>([
  [{}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
  [{ from: 4 }, [4, 5, 6, 7, 8, 9, 10]],
  [{ to: 3 }, [1, 2, 3]],
  [{ from: 4, to: 6 }, [4, 5, 6]],
  [{ from: 4, to: 4 }, [4]],
  [{ from: 5, to: 4 }, []],
  [{ from: 0, to: 2 }, [1, 2]],
  [{ to: 0 }, []],
  [{ from: 11 }, []],
  [{ from: 9, to: 1000 }, [9, 10]],
  [{ from: Number.MAX_SAFE_INTEGER }, []],
  [{ to: Number.MAX_SAFE_INTEGER, from: 10 }, [10]],
  [{ limit: 2 }, [1, 2]],
  [{ limit: 0 }, []],
  [{ limit: 2, direction: 'backward' }, [10, 9]],
  [{ from: 4, to: 6, direction: 'backward' }, [6, 5, 4]],
  [{ from: 9, to: 1000, direction: 'backward' }, [10, 9]],
  [{ types: ['paid'] }, [3, 6, 9]],
  [{ types: ['paid'], direction: 'backward', limit: 2 }, [9, 6]],
  [{ types: ['paid', 'placed'], to: 3 }, [1, 2, 3]],
  [{ types: [] }, []],
  [{ types: ['nothing'] }, []],
  [{ streams: ['b'], types: ['paid'] }, [6]],
  [{ streams: ['a', 'nothing'], to: 4 }, [1, 3]],
  [{ streams: [] }, []],
  [{ prefix: 'b', from: 7 }, [8, 10]],
  [{ prefix: '', to: 2 }, [1, 2]],
  [{ prefix: 'a', streams: ['b'] }, []],
])('a read of %j gives the positions %j', async (options, expected) => {
  const bus = await tenEvents();

  const found = await positions(bus.read(options));

  expect(found).toEqual(expected);
});

test('a read of a stream gives its versions, and nothing of a stream that does not exist', async () => {
  const bus = await tenEvents();

  expect(await versions(bus.readStream('a'))).toEqual([1, 2, 3, 4, 5]);
  expect(await versions(bus.readStream('a', { from: 2, to: 4 }))).toEqual([2, 3, 4]);
  expect(await versions(bus.readStream('a', { direction: 'backward', limit: 2 }))).toEqual([5, 4]);
  expect(await versions(bus.readStream('a', { from: 5, to: 99 }))).toEqual([5]);
  expect(await versions(bus.readStream('a', { from: 6 }))).toEqual([]);
  expect(await versions(bus.readStream('a', { from: 3, to: 2 }))).toEqual([]);
  expect(await versions(bus.readStream('a', { from: 0, limit: 0 }))).toEqual([]);
  expect(await versions(bus.readStream('nothing'))).toEqual([]);
});

test('the event at a position is there, and nothing outside the log', async () => {
  const bus = await tenEvents();

  const found = await Promise.all([-1, 0, 1, 10, 11, 2 ** 48, Number.MAX_SAFE_INTEGER].map((at) => bus.event(at)));

  expect(found.map((stored) => stored?.position)).toEqual([
    undefined,
    undefined,
    1,
    10,
    undefined,
    undefined,
    undefined,
  ]);
});

test('streams come in the byte order of their names', async () => {
  const bus = await tempBus();
  const names = ['b', '\ufffd', 'a', '😀', 'é', 'a!', 'ab', 'Z'];
  for (const name of names) await bus.append(name, event);

  const streams = (await collect(bus.streams())).map(({ stream }) => stream);

  const ordered = [...names].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
  expect(streams).toEqual(ordered);
  expect(streams.slice(-2)).toEqual(['\ufffd', '😀']);
});

test('streams are listed by prefix, behind a name, and up to a limit', async () => {
  const bus = await tempBus();
  for (const name of ['a', 'a-1', 'a-2', 'ab', 'b']) await bus.append(name, event);
  const names = async (read: Pages<StreamInfo>) => (await collect(read)).map(({ stream }) => stream);

  expect(await names(bus.streams({ prefix: 'a-' }))).toEqual(['a-1', 'a-2']);
  expect(await names(bus.streams({ after: 'a-1' }))).toEqual(['a-2', 'ab', 'b']);
  expect(await names(bus.streams({ after: 'a-15' }))).toEqual(['a-2', 'ab', 'b']);
  expect(await names(bus.streams({ after: '' }))).toHaveLength(5);
  expect(await names(bus.streams({ prefix: 'a', after: 'a-2', limit: 1 }))).toEqual(['ab']);
  expect(await names(bus.streams({ limit: 0 }))).toEqual([]);
  expect(await names(bus.streams({ prefix: 'c' }))).toEqual([]);
});

test.each(engineKinds)(
  'a prefix and a name longer than any stream find nothing, with and without index (%s)',
  async (kind) => {
    const store = tempStore(kind);
    let bus = await store.openBus();
    await bus.append('a', event);
    const long = 'a'.repeat(3000);

    for (const _ of ['in the tail', 'in the index']) {
      expect(await collect(bus.streams({ prefix: long }))).toEqual([]);
      expect(await collect(bus.streams({ after: long }))).toEqual([]);
      expect(await collect(bus.streams({ after: `A${long}` }))).toHaveLength(1);
      expect(await collect(bus.read({ prefix: long, streams: [long] }))).toEqual([]);
      await bus.close();
      bus = await store.openBus();
    }
  },
);

test.each<[string, object]>([
  ['from', { from: -1 }],
  ['from', { from: 1.5 }],
  ['from', { from: Number.NaN }],
  ['from', { from: '1' }],
  ['from', { from: 2 ** 53 }],
  ['to', { to: -1 }],
  ['to', { to: null }],
  ['limit', { limit: -1 }],
  ['limit', { limit: 2n }],
  ['direction', { direction: 'up' }],
])('an option %s out of range is a TypeError of the call: %o', async (option, options) => {
  const bus = await tempBus();

  expect(() => bus.read(options)).toThrow(new RegExp(`^${option} must be`));
  expect(() => bus.readStream('a', options)).toThrow(TypeError);
});

test.each<[string, object]>([
  ['types', { types: 'placed' }],
  ['types', { types: [1] }],
  ['streams', { streams: 'a' }],
  ['streams', { streams: [undefined] }],
  ['prefix', { prefix: 1 }],
  ['prefix', { prefix: null }],
  ['prefix', { prefix: 'half of a pair \ud83d' }],
])('a filter %s of the wrong shape is a TypeError of the call: %o', async (option, options) => {
  const bus = await tempBus();

  expect(() => bus.read(options)).toThrow(new RegExp(`^${option} must be`));
  expect(() => bus.subscribe(options)).toThrow(new RegExp(`^${option} must be`));
});

test.each([{ prefix: 1 }, { prefix: '\udc00' }, { after: 1 }, { after: '\ud83d' }, { limit: -1 }, { limit: 0.5 }])(
  'an option of streams out of range is a TypeError of the call: %o',
  async (options) => {
    const bus = await tempBus();

    expect(() => bus.streams(options as object)).toThrow(TypeError);
  },
);

test('a stream name that can not exist is refused by reads', async () => {
  const bus = await tempBus();

  expect(() => bus.readStream('')).toThrow(expect.objectContaining({ code: 'STREAM_NAME_INVALID' }));
  await expect(bus.stream('$mine')).rejects.toMatchObject({ code: 'STREAM_NAME_INVALID' });
});

test.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, '1', 2n, undefined])(
  'a position %s is a TypeError of event',
  async (position) => {
    const bus = await tempBus();

    await expect(bus.event(position as number)).rejects.toThrow(TypeError);
  },
);

describe.each([
  ['read', (bus: Bus) => bus.read()],
  ['readStream', (bus: Bus) => bus.readStream('a')],
  ['read backward', (bus: Bus) => bus.read({ direction: 'backward' })],
  ['readStream backward', (bus: Bus) => bus.readStream('a', { direction: 'backward' })],
] as const)('an iteration of %s', (_, open) => {
  test('does not see what was appended after its start', async () => {
    const bus = await tempBus();
    await bus.append('a', times(2500));
    const read = open(bus).pages()[Symbol.asyncIterator]();
    const first = await take(read, 1);

    await bus.append('a', times(2500));
    const rest = await take(read, 100);

    expect([...first, ...rest].flat()).toHaveLength(2500);
  });

  test('sees what was appended between the call and its start', async () => {
    const bus = await tempBus();
    await bus.append('a', event);
    const read = open(bus);

    await bus.append('a', event);

    expect(await collect(read)).toHaveLength(2);
  });

  test('starts anew each time', async () => {
    const bus = await tempBus();
    const read = open(bus);
    expect(await collect(read)).toEqual([]);

    await bus.append('a', event);

    expect(await collect(read)).toHaveLength(1);
  });

  test('has pages of at most 1024 events', async () => {
    const bus = await tempBus();
    await bus.append('a', times(2500));

    const pages = await collect(open(bus).pages());

    expect(pages.map((page) => page.length)).toEqual([1024, 1024, 452]);
  });

  test('lets other work go on between its pages', async () => {
    const bus = await tempBus();
    await bus.append('a', times(3000));
    let turns = 0;
    const count = () => {
      turns++;
      setTurn();
    };
    let setTurn = () => void setImmediate().then(count);
    setTurn();

    await collect(open(bus));
    setTurn = () => undefined;

    expect(turns).toBeGreaterThanOrEqual(2);
  });

  test('ends with ABORTED when its signal is aborted between two pages', async () => {
    const bus = await tempBus();
    await bus.append('a', times(3000));
    const controller = new AbortController();
    const seen: number[] = [];

    const reading = (async () => {
      const pages = _.startsWith('readStream')
        ? bus.readStream('a', { signal: controller.signal })
        : bus.read({ signal: controller.signal });
      for await (const page of pages.pages()) {
        seen.push(page.length);
        controller.abort(new Error('enough'));
      }
    })();

    await expect(reading).rejects.toMatchObject({ code: 'ABORTED', cause: { message: 'enough' } });
    expect(seen).toEqual([1024]);
  });
});

test('a filter that rejects much lets other work go on between its pages', async () => {
  const bus = await tempBus();
  const data = 'x'.repeat(10_000);
  for (let call = 0; call < 6; call++) {
    await bus.append(
      'a',
      Array.from({ length: 100 }, () => ({ type: 'large', data })),
    );
  }
  await bus.append('b', event);
  const turn = setImmediate('turn');

  const read = collect(bus.read({ types: ['placed'] }).pages());

  expect(await Promise.race([turn, read])).toBe('turn');
  expect((await read).flat().map(({ stream }) => stream)).toEqual(['b']);
});

test('a page of large events ends early', async () => {
  const bus = await tempBus();
  const data = 'x'.repeat(limits.pageBytesMax / 4);
  for (let call = 0; call < 10; call++) await bus.append('a', { type: 'large', data });

  const scanned = await collect(bus.read().pages());
  const read = await collect(bus.readStream('a', { direction: 'backward' }).pages());

  expect(scanned.map((page) => page.length)).toEqual([4, 4, 2]);
  expect(read.map((page) => page.length)).toEqual([4, 4, 2]);
});

test('the arrays of a filter may be changed after the call', async () => {
  const bus = await tempBus();
  await bus.append('a', times(1, 'placed'));
  await bus.append('a', times(1, 'paid'));
  const types = ['placed'];
  const read = bus.read({ types });

  types[0] = 'paid';

  expect((await collect(read)).map(({ type }) => type)).toEqual(['placed']);
});

test('iterations of one read do not disturb each other', async () => {
  const bus = await tempBus();
  await bus.append('a', times(2000));
  const read = bus.read();

  const both = await Promise.all([collect(read), collect(read)]);

  expect(both.map((events) => events.length)).toEqual([2000, 2000]);
});

test('info says what the store is and how far it is indexed', async () => {
  const store = tempStore('lmdb');
  const bus = await store.openBus();
  await bus.append('a', times(3));
  const before = bus.info();
  await bus.close();

  const after = (await store.openBus()).info();

  expect(before).toMatchObject({ head: 3, indexedPosition: 0, durability: 'sync', path: store.directory });
  expect(before.storeId).toMatch(/^[0-9a-f-]{36}$/);
  expect(before.incarnation).toMatch(/^[0-9a-f]{32}$/);
  expect(before.sizeBytes).toBeGreaterThan(0);
  expect(after).toMatchObject({
    head: 3,
    indexedPosition: 3,
    storeId: before.storeId,
    incarnation: before.incarnation,
  });
});

test('info tells of the weakest durability a writer ever chose, from the moment it was chosen', async () => {
  const store = tempStore('lmdb');
  await (await store.openBus({ durability: 'sync' })).close();

  const weaker = await store.openBus({ durability: 'os' });
  const chosen = weaker.info().durability;
  await weaker.close();
  const later = await store.openBus({ durability: 'sync' });

  expect(chosen).toBe('os');
  expect(later.info().durability).toBe('os');
});
