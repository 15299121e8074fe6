/** What a bus counts, in whichever thread it happens. */
import { expect, onTestFinished, test } from 'vitest';
import { busOn } from '#actors/open-bus';
import { type OpenStore, openStore } from '#actors/open-store';
import { resolveOptions } from '#actors/options';
import { SharedCounts } from '#actors/shared-counts';
import { collect } from '../kit/collect.ts';
import { ConnectedThread } from '../kit/connected-thread.ts';
import { type BusOptions, tempDirectory } from '../kit/temp-store.ts';
import { withTestKey } from '../kit/test-key.ts';
import { handlerUrl } from './handler-modules/url.ts';
import { moduleUrl } from './query-modules/module-url.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function countedBus(options: BusOptions & { path?: string } = {}) {
  const resolved = resolveOptions(withTestKey({ path: tempDirectory(), logger: silent, ...options }));
  let store: OpenStore | undefined;
  const open: Parameters<typeof busOn>[0] = async (events) => {
    store = await openStore(resolved, events);
    return store;
  };
  const bus = await busOn(open, resolved);
  onTestFinished(() => bus.close());
  return { bus, counts: (store as OpenStore).counts, path: resolved.path };
}

async function fill(bus: Awaited<ReturnType<typeof countedBus>>['bus'], count: number): Promise<void> {
  const data = { act: 'nothing' };
  await bus.append(
    'a',
    Array.from({ length: count }, () => ({ type: 'told', data })),
  );
}

test('a transaction counts where its duration lies between two powers of two of a microsecond', () => {
  const counts = new SharedCounts();
  for (const micros of [0, 0.4, 1, 1.9, 2, 1023, 1024, 1e12]) counts.addCommit(micros);

  const { count, byMicros } = new SharedCounts(counts.memory).commits;

  const filled = byMicros.flatMap((found, bucket) => (found === 0 ? [] : [[bucket, found]]));
  expect([count, filled]).toEqual([
    8,
    [
      [0, 4],
      [1, 1],
      [9, 1],
      [10, 1],
      [27, 1],
    ],
  ]);
});

test('the counts of transactions are the same object until there is another one', () => {
  const counts = new SharedCounts();
  const before = counts.commits;
  counts.addRead(5);
  const same = counts.commits;
  counts.addCommit(1);

  expect(same).toBe(before);
  expect(counts.commits).toMatchObject({ count: 1 });
});

test.each([{}, { inline: true }])('every write transaction is counted, with %o', async (options) => {
  const { bus, counts } = await countedBus(options);
  const before = counts.commits.count;
  for (let at = 0; at < 10; at++) await bus.append('a', { type: 'told' });
  await bus.append('a', { type: 'told' }, { expectedVersion: 0 }).catch(() => undefined);

  expect([before, counts.commits.count]).toEqual([0, 10]);
});

test('events are counted that reads in this thread and in a connected one, queries, processors and their threads are given', async () => {
  const { bus, counts } = await countedBus({ readers: 1 });
  await fill(bus, 2000);
  const deltas: number[] = [];
  const next = async (read: () => unknown) => {
    const before = counts.eventsRead;
    await read();
    deltas.push(counts.eventsRead - before);
  };

  await next(() => collect(bus.read()));
  await next(() => collect(bus.read({ limit: 3 })));
  await next(() => collect(bus.read({ types: ['other'] })));
  await next(() => collect(bus.readStream('a', { from: 1001 })));
  await next(() => bus.event(7));
  await next(() => bus.event(7000));
  await next(async () => {
    const processor = bus.processor({ name: 'here', handle: () => undefined });
    processor.start();
    await processor.caughtUp();
    await processor.close();
  });
  await next(async () => {
    const processor = bus.processor({ name: 'there', handler: handlerUrl('scripted'), types: ['told'] });
    processor.start();
    await processor.caughtUp();
    await processor.close();
  });
  await next(() => bus.query(moduleUrl('collecting')));
  await next(async () => (await ConnectedThread.start(bus)).read());

  expect(deltas).toEqual([2000, 3, 0, 1000, 1, 0, 2000, 2000, 2000, 2000]);
});

test('a bus that only reads counts its own events, and no transactions', async () => {
  const { bus, path } = await countedBus();
  await fill(bus, 10);
  await bus.close();
  const { bus: reader, counts } = await countedBus({ path, readOnly: true });

  await collect(reader.read());

  expect([counts.eventsRead, counts.commits.count]).toEqual([10, 0]);
});
