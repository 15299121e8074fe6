/** What a bus shows of its inside to those who look at it. */
import { expect, onTestFinished, test, vi } from 'vitest';
import type { BusStatus, LaneImage, ProcessorImage } from '#actors/bus-status';
import { type Inspection, inspections } from '#actors/inspection';
import { StoredProjection } from '#actors/projection-reader';
import type { Bus } from '#store';
import { sealedBus } from '../kit/sealed-bus.ts';
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

test('what projections read is looked up only after a commit', async () => {
  const bus = await tempBus();
  const projection = bus.projection({ name: 'r', version: 1, on: { one: () => undefined } });
  projection.start();
  await bus.append('a', { type: 'one' });
  await projection.caughtUp();
  const inspection = inspectionOf(bus);
  inspection.status();
  const look = vi.spyOn(StoredProjection.prototype, 'moment', 'get');
  onTestFinished(() => void vi.restoreAllMocks());

  inspection.status();
  const before = look.mock.calls.length;
  await bus.append('a', { type: 'other' });
  await projection.caughtUp();
  const calls = look.mock.calls.length;
  const status = inspection.status();

  expect(before).toBe(0);
  expect(look.mock.calls.length).toBeGreaterThan(calls);
  expect(imageOf(status, 'r').build?.activePosition).toBe(2);
});

test('a projection that is built anew shows how far that is, and what is read meanwhile', async () => {
  const store = tempStore();
  const before = await store.openBus();
  await before.append('a', [{ type: 'one' }, { type: 'one' }]);
  const old = before.projection({ name: 'r', version: 1, on: { one: () => undefined } });
  old.start();
  await old.caughtUp();
  await before.close();
  const bus = await store.openBus();
  const projection = bus.projection({ name: 'r', version: 2, on: { one: () => undefined } });
  const idle = imageOf(inspectionOf(bus).status(), 'r').build;

  projection.start();
  await projection.caughtUp();

  expect(idle).toMatchObject({ version: 2, activeVersion: 1, activePosition: 2 });
  expect(imageOf(inspectionOf(bus).status(), 'r').build).toEqual({
    version: 2,
    activeVersion: 2,
    activePosition: 2,
    isBuilding: false,
  });
});

test('commits and events read are counted', async () => {
  const bus = await tempBus();
  const inspection = inspectionOf(bus);
  const before = inspection.status();
  await bus.append('a', [{ type: 'one' }, { type: 'two' }]);
  const seen = [];
  for await (const event of bus.read()) seen.push(event);

  const after = inspection.status();

  expect(after.commits.count).toBe(before.commits.count + 1);
  expect(after.eventsRead - before.eventsRead).toBe(2);
});

test('a bus that is closed shows that, and the last head it had', async () => {
  const bus = await tempBus();
  await bus.append('a', { type: 'one' });
  const processor = bus.processor({ name: 'p', handle: () => undefined });
  processor.start();
  await processor.caughtUp();
  const inspection = inspectionOf(bus);
  inspection.attach(() => undefined);
  inspection.status();

  await bus.close();

  expect(inspection.status()).toMatchObject({ state: 'closed', head: 1, processors: [] });
});

test('a dead letter that fails again is one more failure, with the place of its event', async () => {
  const bus = await tempBus();
  bus.errors$.subscribe();
  await bus.append('a', [{ type: 'bad' }, { type: 'good' }]);
  let tries = 0;
  const processor = bus.processor({
    name: 'p',
    retry: { attempts: 0 },
    onFailure: 'dead-letter',
    handle: ({ type }) => {
      if (type === 'bad') throw new Error(`try ${++tries}`);
    },
  });
  processor.start();
  await processor.caughtUp();
  await expect.poll(() => laneOf(bus, 'p').failures).toHaveLength(1);

  await bus.deadLetters('p').retry('all');

  const place = { position: 1, stream: 'a', type: 'bad' };
  expect(laneOf(bus, 'p').failures).toMatchObject([
    { phase: 'work', message: 'try 1', event: place },
    { phase: 'replay', message: 'try 2', event: place },
  ]);
});

test('the failure of one partition is shown by its lane, and the others go on', async () => {
  const bus = await tempBus();
  bus.errors$.subscribe();
  const processor = bus.processor({
    name: 'p',
    partitions: 4,
    retry: { attempts: 0 },
    handle: ({ type }) => {
      if (type === 'bad') throw new Error('no');
    },
  });
  processor.start();
  await bus.append('a', { type: 'bad' });
  for (const stream of ['b', 'c', 'd', 'e', 'f']) await bus.append(stream, { type: 'good' });
  await processor.waitFor('failed');

  const { lanes, status } = imageOf(inspectionOf(bus).status(), 'p');

  expect(lanes).toHaveLength(4);
  expect(lanes.filter(({ failures }) => failures.length > 0)).toHaveLength(1);
  expect(lanes.map(({ active }) => active[0])).toEqual(status.partitions?.map(({ state }) => state));
});

test('of a sealed and of an erased event that fails, its place is shown and what the handler said, nothing else', async () => {
  const { bus } = await sealedBus();
  bus.errors$.subscribe();
  await bus.append('a', { type: 'bad', data: { secret: 'K4n4r13' } });
  const processor = bus.processor({
    name: 'p',
    retry: { attempts: 0 },
    erased: 'include',
    handle: ({ erased }) => {
      throw new Error(erased ? 'it is erased' : 'mine to say');
    },
  });
  processor.start();
  await processor.waitFor('failed');
  const sealed = JSON.stringify(inspectionOf(bus).status());
  await bus.erase({ stream: 'a' });

  processor.retryNow();
  await expect.poll(() => laneOf(bus, 'p').failures).toHaveLength(2);

  expect(sealed).not.toContain('K4n4r13');
  expect(JSON.stringify(inspectionOf(bus).status())).not.toContain('K4n4r13');
  expect(laneOf(bus, 'p').failures.map(({ message, event }) => [message, event?.position])).toEqual([
    ['mine to say', 1],
    ['it is erased', 1],
  ]);
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

test('asked for some processors only, it shows the others as they were when they were looked at last, and new and gone ones as they are', async () => {
  const bus = await tempBus();
  const [p, q] = ['p', 'q'].map((name) => bus.processor({ name, handle: () => undefined }));
  const inspection = inspectionOf(bus);
  const before = inspection.status();
  for (const processor of [p, q]) processor?.start();
  await Promise.all([p?.waitFor('live'), q?.waitFor('live')]);
  const gone = bus.processor({ name: 'gone', handle: () => undefined });
  await bus.append('a', { type: 'x' });

  const partly = inspection.status(new Set(['q']));
  await gone.close();
  const later = inspection.status(new Set());

  const states = ({ processors }: BusStatus) => processors.map(({ name, status }) => [name, status.state]);
  const actorsOf = ({ actors }: BusStatus) => actors.filter(({ kind }) => kind === 'processor');
  const stateByName = (status: BusStatus) => actorsOf(status).map(({ name, state }) => [name, state]);
  expect(states(partly)).toEqual([
    ['p', 'idle'],
    ['q', 'live'],
    ['gone', 'idle'],
  ]);
  expect(stateByName(partly)).toEqual(states(partly));
  expect(imageOf(partly, 'p')).toBe(imageOf(before, 'p'));
  expect(partly.head).toBe(1);
  expect([states(later), stateByName(later)]).toEqual([states(partly).slice(0, 2), states(partly).slice(0, 2)]);
  expect(states(inspection.status())).toEqual([
    ['p', 'live'],
    ['q', 'live'],
  ]);
});

test('news are a processor that comes or goes, another state, a failure, and other attempts; not what it handles', async () => {
  const bus = await tempBus();
  const news: string[] = [];
  const hears = { count: 0 };
  onTestFinished(inspectionOf(bus).hearNews((name) => news.push(name)));
  onTestFinished(
    inspectionOf(bus).hear(() => {
      hears.count++;
    }),
  );
  const taken = () => news.splice(0).length;
  let isBroken = false;
  const processor = bus.processor({
    name: 'p',
    retry: { attempts: 1, minMs: 1 },
    onFailure: 'skip',
    handle: () => {
      if (isBroken) throw new Error('broken');
    },
  });
  const made = taken();
  processor.start();
  await processor.waitFor('live');
  const started = taken();
  hears.count = 0;
  await bus.append('a', { type: 'x' });
  await processor.caughtUp();
  const [handled, heard] = [taken(), hears.count];
  isBroken = true;
  bus.errors$.subscribe();
  await bus.append('a', { type: 'x' });
  await processor.caughtUp();
  const failed = taken();
  await processor.close();

  expect([made, started, handled, failed, taken()].map((count) => count > 0)).toEqual([true, true, false, true, true]);
  expect(heard).toBeGreaterThan(0);
});

test('a failure of one partition is news of its processor, as long as somebody hears them', async () => {
  const bus = await tempBus();
  const news: string[] = [];
  const leave = inspectionOf(bus).hearNews((of) => news.push(of));
  const processor = bus.processor({
    name: 'p',
    partitions: 2,
    retry: { minMs: 30_000 },
    handle: () => {
      throw new Error('broken');
    },
  });
  processor.start();
  await processor.waitFor('live');
  news.length = 0;
  await bus.append('a', { type: 'x' });
  await processor.waitFor('retrying');
  const told = new Set(news);
  leave();
  news.length = 0;
  await processor.stop();

  expect([told, news]).toEqual([new Set(['p']), []]);
});
