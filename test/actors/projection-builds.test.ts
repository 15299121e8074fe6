/** Builds of a projection: one version takes the place of another at once, whoever reads; what is left over goes. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import type { WriteSet } from '#kernel/storage/engine';
import { type Bus, limits, openBus, type Projection } from '#store';
import { collect } from '../kit/collect.ts';
import { Program } from '../kit/crash-process.ts';
import { HookedEngine } from '../kit/hooked-engine.ts';
import { builtIn } from '../kit/projection-model.ts';
import { type TempStore, tempDirectory, tempStore } from '../kit/temp-store.ts';
import { nodeArguments } from '../kit/test-key.ts';
import type { ViewReaderReport } from './threads/view-reader.ts';

const readerFile = new URL('threads/view-reader.ts', import.meta.url);
const keys = ['a', 'b', 'c', 'd'];

/** All keys have the version as their value; old versions have keys of their own, too. */
function versioned(bus: Bus, version: number, options: object = {}): Projection<number> {
  return bus.projection<number>({
    name: 'looked-at',
    version,
    on: {
      called: (view) => {
        for (const key of keys) view.set(key, version);
        view.set(`only-${version}`, version);
      },
    },
    ...options,
  });
}

const calls = (count: number) => Array.from({ length: count }, () => ({ type: 'called' }));
const keysOf = async (projection: Projection<number>) => (await collect(projection.range())).map(({ key }) => key);

/** A store with `count` events and version 1 built. */
async function storeOfVersion1(kind: 'memory' | 'lmdb' = 'memory', count = 3): Promise<TempStore> {
  const store = tempStore(kind);
  const bus = await store.openBus();
  await bus.append('calls', calls(count));
  const projection = versioned(bus, 1);
  projection.start();
  await projection.caughtUp();
  await bus.close();
  return store;
}

/** What is in the table, by the store itself. */
async function builds(store: TempStore) {
  const engine = await store.openEngine({ readOnly: true });
  const built = builtIn(engine, 'looked-at');
  let rows = 0;
  let cursors = 0;
  engine.read((snapshot) => {
    snapshot.walkRows('projections', {}, () => void rows++ === undefined);
    snapshot.walkRows('consumer_cursors', {}, () => void cursors++ === undefined);
  });
  return { built, rows, cursors };
}

test('a new version is built beside the old one, which is read until the new one has caught up', async () => {
  const store = await storeOfVersion1();
  const bus = await store.openBus();
  let isBroken = true;
  const projection = bus.projection<number>({
    name: 'looked-at',
    version: 2,
    on: {
      called: (view, { position }) => {
        if (position === 3 && isBroken) throw new Error('planted');
        for (const key of keys) view.set(key, 2);
      },
    },
    retry: { attempts: 0 },
    checkpoint: { events: 1 },
  });
  bus.errors$.subscribe();

  projection.start();
  await projection.waitFor('failed');
  const meanwhile = { status: projection.status, keys: await keysOf(projection), a: await projection.get('a') };
  isBroken = false;
  projection.start();
  await projection.caughtUp();

  expect(meanwhile.status).toMatchObject({ version: 2, active: { version: 1, position: 3 }, isBuilding: true });
  expect(meanwhile.status.context).toMatchObject({ position: 2, head: 3, generation: 2 });
  expect([meanwhile.a, meanwhile.keys]).toEqual([1, [...keys, 'only-1']]);
  expect(projection.status).toMatchObject({ version: 2, active: { version: 2, position: 3 }, isBuilding: false });
  expect([await projection.get('a'), await keysOf(projection)]).toEqual([2, keys]);
});

test('a build that was interrupted goes on where it was, and older versions are built anew as well', async () => {
  const store = await storeOfVersion1();
  const interrupted = await store.openBus();
  interrupted.errors$.subscribe();
  const failing = versioned(interrupted, 2, { checkpoint: { events: 2 } });
  failing.start();
  await expect.poll(() => failing.status.context.cursor).toBeGreaterThan(0);
  store.crash(interrupted);

  const bus = await store.openBus();
  const second = versioned(bus, 2);
  second.start();
  await second.caughtUp();
  const handledAgain = second.status.context.handled;
  await second.close();
  const older = versioned(bus, 1);
  older.start();
  await older.caughtUp();

  expect(handledAgain).toBeLessThan(3);
  expect(await keysOf(older)).toEqual([...keys, 'only-1']);
  expect(older.status).toMatchObject({ active: { version: 1 }, context: { generation: 3 } });
});

test('a new version that wants none of the events takes over all the same', async () => {
  const store = await storeOfVersion1();
  const bus = await store.openBus();
  const projection = versioned(bus, 2, { prefix: 'nobody' });

  projection.start();
  await projection.caughtUp();

  expect(projection.version).toBe(2);
  expect(await keysOf(projection)).toEqual([]);
});

/** A projection that counts the events of each stream; those at `broken` fail. */
function counting(bus: Bus, version: number, broken: ReadonlySet<number>, options: object = {}): Projection<number> {
  return bus.projection<number>({
    name: 'looked-at',
    version,
    on: {
      called: (view, { stream, position }) => {
        if (broken.has(position)) throw new Error('planted');
        view.update(stream, (count = 0) => count + 1);
      },
    },
    retry: { attempts: 0 },
    checkpoint: { events: 1 },
    ...options,
  });
}

test.each([
  ['dead-letter', 1],
  ['park-stream', 2],
] as const)(
  'a return to the version that is read, when another build had begun, counts each event once (%s)',
  async (onFailure, keepMax) => {
    const bus = await tempStore().openBus();
    bus.errors$.subscribe();
    await bus.append('calls', calls(5));
    const first = counting(bus, 1, new Set(), { onFailure });
    first.start();
    await first.caughtUp();
    await first.close();
    const next = counting(bus, 2, new Set([2, 4]), { onFailure, keepMax });
    next.start();
    await next.waitFor('failed');
    const { isBuilding } = next.status;
    await next.close();

    const back = counting(bus, 1, new Set(), { onFailure });
    back.start();
    await back.caughtUp();
    const { generation } = back.status.context;
    await bus.append('calls', calls(1));
    await back.caughtUp();
    const count = await back.get('calls');
    await bus.deadLetters('looked-at').retry('all');

    expect(isBuilding).toBe(true);
    expect([count, await back.get('calls'), generation]).toEqual([6, 6, 3]);
  },
);

test('a return to the version that is read counts what it had given up before another build had begun', async () => {
  const bus = await tempStore().openBus();
  bus.errors$.subscribe();
  await bus.append('calls', calls(5));
  const first = counting(bus, 1, new Set([2]), { onFailure: 'dead-letter' });
  first.start();
  await first.caughtUp();
  const countBefore = await first.get('calls');
  await first.close();
  const next = counting(bus, 2, new Set([4]));
  next.start();
  await next.waitFor('failed');
  await next.close();

  const back = counting(bus, 1, new Set(), { onFailure: 'dead-letter' });
  back.start();
  await back.caughtUp();
  await bus.deadLetters('looked-at').retry('all');

  expect([countBefore, await back.get('calls')]).toEqual([4, 5]);
});

test('rebuild makes the same version anew beside what is read', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  await bus.append('calls', calls(3));
  let value = 1;
  let seenMeanwhile: Promise<unknown> | undefined;
  const projection = bus.projection<number>({
    name: 'looked-at',
    version: 1,
    on: {
      called: (view, { position }) => {
        if (value === 2 && position === 2) seenMeanwhile = projection.get('a');
        view.set('a', value);
        view.set(`value-${value}`, value);
      },
    },
  });
  projection.start();
  await projection.caughtUp();
  value = 2;

  await projection.rebuild();
  await projection.caughtUp();

  expect(await seenMeanwhile).toBe(1);
  expect(await keysOf(projection)).toEqual(['a', 'value-2']);
  expect(projection.status).toMatchObject({ state: 'live', version: 1, isBuilding: false, context: { generation: 2 } });
});

test('rebuild starts what had failed, and leaves behind what it fails on', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  bus.errors$.subscribe();
  await bus.append('calls', calls(2));
  let isBroken = true;
  const projection = bus.projection({
    name: 'looked-at',
    version: 1,
    on: {
      called: (view, { position }) => {
        if (position === 2 && isBroken) throw new Error('planted');
        view.set('last', position);
      },
    },
    retry: { attempts: 0 },
  });
  projection.start();
  await projection.waitFor('failed');
  isBroken = false;

  await projection.rebuild();
  await projection.caughtUp();

  expect(await projection.get('last')).toBe(2);
  expect(projection.status.context.generation).toBe(2);
});

test('rebuild does not start what rests, and is done by the next start, also of another bus', async () => {
  const store = await storeOfVersion1();
  const first = await store.openBus();
  const resting = versioned(first, 1);
  await resting.rebuild();
  const { state } = resting.status;
  await first.close();

  const bus = await store.openBus();
  const projection = versioned(bus, 1);
  projection.start();
  await projection.caughtUp();

  expect(state).toBe('stopped');
  expect(projection.status.context).toMatchObject({ generation: 2, handled: 3 });
});

test('what an older build has left is removed, also when a crash came in between', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  const count = 2 * limits.projectionSweepRows + 500;
  await bus.append('calls', calls(1));
  const on = {
    called: (view: { set(key: string, value: number): void }) => {
      for (let index = 0; index < count; index++) view.set(`key-${index}`, index);
    },
  };
  const first = bus.projection({ name: 'looked-at', version: 1, on });
  first.start();
  await first.caughtUp();
  await bus.close();
  // The first portion of the sweep works, then the store is gone.
  let portions = 0;
  const breaking = (commit: () => void, { rows }: WriteSet) => {
    if (rows.some(({ table, value }) => table === 'projections' && value === undefined)) portions++;
    if (portions === 2) throw new Error('planted');
    commit();
  };
  const broken = await store.openBus({}, (engine) => new HookedEngine(engine, breaking));
  broken.errors$.subscribe();
  const second = versioned(broken, 2);
  second.start();
  await second.waitFor(1);
  await expect.poll(() => portions).toBe(2);
  store.crash(broken);
  const before = await builds(store);

  const last = await store.openBus();
  const third = versioned(last, 2);
  third.start();
  await expect.poll(async () => (await builds(store)).cursors).toBe(1);
  const after = await builds(store);

  expect(before.rows).toBe(count - limits.projectionSweepRows + 5 + 1);
  expect(after.rows).toBe(5 + 1);
  expect(after.built).toMatchObject([{ build: 2, version: 2, isActive: true, position: 1 }]);
});

test('a range that a switch came between says so', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  await bus.append('calls', calls(1));
  const projection = bus.projection({
    name: 'p',
    version: 1,
    on: {
      called: (view) => {
        for (let index = 0; index < 1500; index++) view.set(`key-${index}`, index);
      },
    },
  });
  projection.start();
  await projection.caughtUp();
  const pages = projection.range().pages()[Symbol.asyncIterator]();
  await pages.next();
  await projection.rebuild();
  await projection.caughtUp();

  await expect(pages.next()).rejects.toMatchObject({ code: 'PROJECTION_SWITCHED', detail: { projection: 'p' } });
});

test('readers in a connected thread and in another process never see two builds mixed', {
  timeout: 20_000,
}, async () => {
  const path = tempDirectory();
  const bus = await openBus({ path });
  onTestFinished(() => bus.close());
  for (let part = 0; part < 4; part++) await bus.append('calls', calls(500));
  const first = versioned(bus, 1);
  first.start();
  await first.caughtUp();
  const until = 6;
  const child = Program.start(readerFile, { path, until });
  const port = bus.port();
  const execArgv = [...nodeArguments];
  const thread = new Worker(readerFile, { workerData: { port, until }, transferList: [port], execArgv });
  onTestFinished(async () => void (await thread.terminate()));
  await Promise.all([child.expectLine('"reading"'), once(thread, 'message')]);
  const told = once(thread, 'message');

  let last = first;
  for (let version = 2; version <= until; version++) {
    await last.close();
    last = versioned(bus, version, { checkpoint: { events: 300 } });
    last.start();
    await last.caughtUp();
    await bus.append('calls', calls(1));
  }
  const reports = [(await told)[0] as ViewReaderReport, JSON.parse(await child.line()) as ViewReaderReport];

  for (const { seen, watched, pages, wentBack } of reports) {
    expect(seen).not.toContain('mixed');
    expect(seen.length).toBeGreaterThan(1);
    expect(watched).toEqual([...new Set(watched)].sort());
    expect(watched.at(-1)).toBe(until);
    expect(pages).toBeGreaterThan(2);
    expect(wentBack).toBe(false);
  }
});

test('verify finds damaged rows of projections, and rows of builds that never were', async () => {
  const store = await storeOfVersion1();
  const { rows } = store.storage as unknown as { rows: Record<string, { key: Uint8Array; value: Uint8Array }[]> };
  const table = rows.projections as { key: Uint8Array; value: Uint8Array }[];
  const sound = await (await store.openBus({ readOnly: true })).verify();
  const entry = table.at(-1) as { key: Uint8Array; value: Uint8Array };
  const damage = Buffer.from(entry.value);
  damage[1] = (damage[1] as number) ^ 1;
  table[table.length - 1] = { key: entry.key, value: damage };

  const bus = await store.openBus({ readOnly: true });
  const report = await bus.verify();

  expect(sound.problems).toEqual([]);
  expect(report.problems).toMatchObject([{ table: 'projections', message: /a row of projections is damaged/ }]);
  await expect(bus.view('looked-at').get('only-1')).rejects.toMatchObject({
    code: 'STORE_CORRUPT',
    detail: { table: 'projections' },
  });
});
