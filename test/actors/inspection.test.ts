/** What a bus shows of its inside to those who look at it. */
import { expect, test } from 'vitest';
import type { BusStatus, LaneImage, ProcessorImage } from '#actors/bus-status';
import { type Inspection, inspections } from '#actors/inspection';
import type { Bus } from '#store';
import { tempBus, tempStore } from '../kit/temp-store.ts';

function inspectionOf(bus: Bus): Inspection {
  return inspections.get(bus) as Inspection;
}

function imageOf(status: BusStatus, name: string): ProcessorImage {
  return status.processors.find((image) => image.name === name) as ProcessorImage;
}

function laneOf(bus: Bus, name: string, index = 0): LaneImage {
  return imageOf(inspectionOf(bus).status(), name).lanes[index] as LaneImage;
}

test('a bus shows its state, its head, and its processors and projections in the order in which they were made', async () => {
  const bus = await tempBus();
  await bus.append('a', [{ type: 'one' }, { type: 'two' }]);
  bus.processor({ name: 'q', types: ['one'], prefix: 'a', handle: () => undefined });
  const projection = bus.projection({ name: 'r', version: 3, on: { one: () => undefined } });
  bus.processor({ name: 'p', streams: ['a'], handle: () => undefined });
  projection.start();
  await projection.caughtUp();

  const status = inspectionOf(bus).status();

  expect(status).toMatchObject({ pid: process.pid, state: 'open', head: 2 });
  expect(status.atMs).toBeGreaterThanOrEqual(status.startedMs);
  expect(status.processors.map(({ name, kind, wants }) => ({ name, kind, wants }))).toEqual([
    { name: 'q', kind: 'processor', wants: { types: ['one'], prefix: 'a' } },
    { name: 'r', kind: 'projection', wants: { types: ['one'] } },
    { name: 'p', kind: 'processor', wants: { streams: ['a'] } },
  ]);
  expect(imageOf(status, 'r').build).toEqual({ version: 3, activeVersion: 3, activePosition: 2, isBuilding: false });
});

test('a lane shows the paths of its active states, what it may be ordered, and how it got there', async () => {
  const bus = await tempBus();
  const processor = bus.processor({ name: 'p', handle: () => undefined });
  const before = laneOf(bus, 'p');

  processor.start();
  await processor.waitFor('live');

  const lane = laneOf(bus, 'p');
  expect(before).toEqual({ active: ['idle'], can: ['START', 'RESET', 'STOP'], changes: [], failures: [] });
  expect(lane.active).toEqual(['live', 'live.waiting']);
  expect(lane.can).toEqual(['PAUSE', 'RESET', 'STOP']);
  expect(lane.changes.map(({ from, to }) => `${from} ${to}`)).toEqual(['idle loading', 'loading live']);
});

test('a failure is shown with its stack and the place of its event, and skipping is possible then', async () => {
  const bus = await tempBus();
  await bus.append('a', [{ type: 'good' }, { type: 'bad' }]);
  const error = Object.assign(new RangeError('not that one'), { code: 'NO' });
  const processor = bus.processor({
    name: 'p',
    retry: { attempts: 0 },
    handle: ({ type }) => {
      if (type === 'bad') throw error;
    },
  });

  processor.start();
  await processor.waitFor('failed');

  const lane = laneOf(bus, 'p');
  expect(lane.active).toEqual(['failed']);
  expect(lane.can).toEqual(['START', 'RESUME', 'RETRY_NOW', 'SKIP', 'RESET', 'STOP']);
  expect(lane.failing).toMatchObject({ position: 2, stream: 'a', type: 'bad' });
  expect(lane.failures).toHaveLength(1);
  expect(lane.failures[0]).toMatchObject({
    phase: 'work',
    attempt: 1,
    name: 'RangeError',
    code: 'NO',
    message: 'not that one',
    stack: error.stack,
    event: { position: 2, stream: 'a', type: 'bad' },
  });
});

test('what has not changed is the same object', async () => {
  const bus = await tempBus();
  const [p, q] = ['p', 'q'].map((name) => bus.processor({ name, handle: () => undefined }));
  p?.start();
  await p?.waitFor('live');
  const inspection = inspectionOf(bus);
  const first = inspection.status();

  const second = inspection.status();
  q?.start();
  await q?.waitFor('live');
  const third = inspection.status();

  expect(second.processors).toBe(first.processors);
  expect(second.actors).toBe(first.actors);
  expect(imageOf(third, 'p')).toBe(imageOf(first, 'p'));
  expect(imageOf(third, 'q')).not.toBe(imageOf(first, 'q'));
});

test('a bus that only reads has an inspection, too', async () => {
  const store = tempStore('lmdb');
  const writing = await store.openBus();
  await writing.append('a', { type: 'one' });

  const bus = await store.openBus({ readOnly: true });
  const inspection = inspectionOf(bus);
  const detach = inspection.attach(() => undefined);

  expect(inspection.status()).toMatchObject({ state: 'open', head: 1, processors: [] });
  detach();
});
