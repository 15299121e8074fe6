import { expect, test } from 'vitest';
import type { EventRow, ProcessorRow, ProcessorTopic, ProjectionRow, StoreTopic } from '#kernel/dashboard/wire';
import { openSite } from '../kit/dashboard-site.ts';
import { tempBus } from '../kit/temp-store.ts';

test('a page that follows the store sees its head move', async () => {
  const bus = await tempBus();
  const site = await openSite(bus, { title: 'Flights' });
  const live = await site.follow('store');
  await bus.append('a', { type: 'began' });
  await live.until(() => live.topic<StoreTopic>('store').head === 1);
  const { about, state, file } = live.topic<StoreTopic>('store');
  expect(about).toMatchObject({ title: 'Flights', source: 'app', actions: [], machines: [], durability: 'none' });
  expect(state).toBe('open');
  expect(file.fileBytes).toBeGreaterThan(0);
});

test('a processor is shown as it goes through its states, with its lanes, changes and failures', async () => {
  const bus = await tempBus();
  const site = await openSite(bus);
  const live = await site.follow('processors', 'processor:mailer');
  expect(live.topic('processors')).toEqual({});
  expect(live.topic('processor:mailer')).toEqual({});
  await bus.append('a', { type: 'began' });
  const processor = bus.processor({
    name: 'mailer',
    handle: () => {
      throw new Error('no network');
    },
    retry: { attempts: 1 },
  });
  processor.start();
  const row = () => live.topic<Record<string, ProcessorRow>>('processors').mailer;
  await live.until(() => row()?.state === 'failed');
  const topic = live.topic<ProcessorTopic>('processor:mailer');
  expect(row()).toMatchObject({ kind: 'processor', lag: 1, lastError: { message: 'no network' } });
  expect(topic.image.status.state).toBe('failed');
  expect(topic['lane:0']?.active).toContain('failed');
  expect(topic['lane:0']?.can).toContain('RESUME');
  expect(topic.failures[0]).toMatchObject({ lane: 0, message: 'no network' });
  expect(topic.failures[0]?.stack).toContain('live.test.ts');
  expect(topic.changes.map(({ to }) => to)).toContain('retrying');
});

test('a consumer that does not run is shown where its cursor is, and one of any name', async () => {
  const bus = await tempBus();
  await bus.append('a', { type: 'began' });
  const names = ['__proto__', 'constructor', 'a/b c', 'ü?&#'];
  for (const name of names) {
    const processor = bus.processor({ name, handle: () => undefined });
    processor.start();
    await processor.caughtUp();
    await processor.close();
  }
  const site = await openSite(bus);
  const live = await site.follow('processors', ...names.map((name) => `processor:${name}`));
  const rows = live.topic<Record<string, ProcessorRow>>('processors');
  expect(Object.keys(rows).toSorted()).toEqual(names.toSorted());
  for (const name of names) {
    expect(Object.getOwnPropertyDescriptor(rows, name)?.value).toMatchObject({ name, state: 'absent', position: 1 });
  }
});

test('a projection is shown with its version and how far it is', async () => {
  const bus = await tempBus();
  const site = await openSite(bus);
  const live = await site.follow('projections', 'processors');
  await bus.append('a', { type: 'began' });
  const projection = bus.projection({ name: 'counts', version: 3, on: { began: (view) => view.set('n', 1) } });
  projection.start();
  const row = () => live.topic<Record<string, ProjectionRow>>('projections').counts;
  await live.until(() => row()?.version === 3 && row()?.position === 1 && row()?.building === undefined);
  expect(row()).toMatchObject({ name: 'counts', lag: 0 });
  expect(live.topic<Record<string, ProcessorRow>>('processors').counts?.kind).toBe('projection');
  await projection.close();
  await live.until(() => row()?.state === 'absent');
  expect(row()).toMatchObject({ version: 3, position: 1 });
});

test('the tail has the newest 200 events, and drops older ones', async () => {
  const bus = await tempBus();
  await bus.append(
    'a',
    Array.from({ length: 150 }, () => ({ type: 'old' })),
  );
  const site = await openSite(bus);
  const live = await site.follow('tail');
  const rows = () => Object.values(live.topic<Record<string, EventRow>>('tail'));
  expect(rows()).toHaveLength(150);
  await bus.append(
    'b',
    Array.from({ length: 100 }, () => ({ type: 'new' })),
  );
  await live.until(() => rows().some(({ position }) => position === 250));
  expect(rows()).toHaveLength(200);
  expect(Math.min(...rows().map(({ position }) => position))).toBe(51);
});

test('two pages follow topics of their own, and each gets all of a topic that the other has followed for long', async () => {
  const bus = await tempBus();
  const site = await openSite(bus);
  const first = await site.follow('store', 'tail');
  await bus.append('a', { type: 'began' });
  await first.until(() => first.topic<StoreTopic>('store').head === 1);
  const second = await site.follow('tail');
  expect(Object.keys(second.topic('tail'))).toEqual(['1']);
  expect(second.topic('store')).toEqual({});
});

test('a topic that is none is answered 404, and no topic, or too many, 400', async () => {
  const site = await openSite(await tempBus());
  expect((await site.ask('/api/live?topic=nothing')).status).toBe(404);
  expect((await site.ask('/api/live?topic=processor:')).status).toBe(404);
  expect((await site.ask('/api/live')).status).toBe(400);
  const many = Array.from({ length: 17 }, (_, index) => `topic=processor:${index}`).join('&');
  expect((await site.ask(`/api/live?${many}`)).status).toBe(400);
});

test('a bus that closes ends nothing but what it shows, and the dashboard can be closed after it', async () => {
  const bus = await tempBus();
  const site = await openSite(bus);
  const live = await site.follow('store', 'tail', 'processors', 'projections', 'actors');
  await bus.close();
  await live.until(() => live.topic<StoreTopic>('store').state === 'closed');
  expect((await site.ask('/api/streams')).status).toBe(503);
  expect((await site.ask('/')).status).toBe(200);
  await site.board.close();
  await live.ended();
});
