import { expect, onTestFinished, test } from 'vitest';
import { createActor, setup } from 'xstate';
import { dashboard } from '#dashboard';
import type {
  ActorRow,
  Chart,
  MachineChange,
  MachineImage,
  ProcessorRow,
  ProcessorTopic,
  StoreTopic,
} from '#kernel/dashboard/wire';
import { openSite } from '../kit/dashboard-site.ts';
import { tempBus, tempStore } from '../kit/temp-store.ts';

test('a read-only bus shows what the process that writes tells of itself, live, and takes no orders', async () => {
  const store = tempStore('lmdb');
  const writer = await store.openBus();
  writer.errors$.subscribe();
  const reader = await store.openBus({ readOnly: true });
  const site = await openSite(reader);
  const live = await site.follow('store', 'processors', 'processor:mailer', 'actors');
  await writer.append('a', { type: 'began' });
  const processor = writer.processor({
    name: 'mailer',
    handle: () => {
      throw new Error('no network');
    },
    retry: { attempts: 0 },
  });
  processor.start();
  const row = () => live.topic<Record<string, ProcessorRow>>('processors').mailer;
  await live.until(() => row()?.state === 'failed' && live.topic<StoreTopic>('store').state === 'open');
  expect(live.topic<StoreTopic>('store')).toMatchObject({
    head: 1,
    about: { source: 'file', actions: [], pid: process.pid },
  });
  await live.until(() => live.topic<ProcessorTopic>('processor:mailer')['lane:0']?.active.includes('failed') === true);
  expect((await site.order('/api/processors/mailer/resume')).status).toBe(403);
  expect((await site.ask('/api/events/1')).status).toBe(200);
  await writer.close();
  await live.until(() => live.topic<StoreTopic>('store').state === 'absent');
});

test('a store that nobody writes is shown as it is', async () => {
  const store = tempStore('lmdb');
  const writer = await store.openBus();
  await writer.append('a', { type: 'began' });
  const processor = writer.processor({ name: 'mailer', handle: () => undefined });
  processor.start();
  await processor.caughtUp();
  await writer.close();
  const site = await openSite(await store.openBus({ readOnly: true }));
  const live = await site.follow('store', 'processors');
  expect(live.topic<StoreTopic>('store')).toMatchObject({ state: 'absent', head: 1 });
  expect(live.topic('processors').mailer).toMatchObject({ state: 'absent', position: 1, lag: 0 });
});

test('orders for a read-only bus are a mistake', async () => {
  const store = tempStore('lmdb');
  await (await store.openBus()).close();
  const reader = await store.openBus({ readOnly: true });
  expect(() => dashboard(reader, { allowActions: true })).toThrow('read-only');
});

const light = setup({ types: { events: {} as { type: 'TURN' } } }).createMachine({
  id: 'light',
  initial: 'red',
  states: { red: { on: { TURN: 'green' } }, green: { on: { TURN: 'red' } } },
});

test("the user's own machines are shown with their transitions, their actors and their chart", async () => {
  const bus = await tempBus();
  const actor = createActor(light, { systemId: 'light' }).start();
  onTestFinished(() => void actor.stop());
  const site = await openSite(bus, { machines: [actor] });
  const live = await site.follow('store', 'machines', 'machine:light', 'actors');
  expect(live.topic<StoreTopic>('store').about.machines).toEqual(['light']);
  actor.send({ type: 'TURN' });
  const image = () => live.topic<{ image?: MachineImage; changes?: readonly MachineChange[] }>('machine:light');
  await live.until(() => image().image?.active.includes('green') === true);
  expect(image().changes?.[0]).toMatchObject({ event: 'TURN', to: ['green'] });
  expect(live.topic('machines').light).toMatchObject({ active: ['green'], transition: { event: 'TURN' } });
  const actors = Object.values(live.topic<Record<string, ActorRow>>('actors'));
  expect(actors.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['bus', 'writer', 'user']));
  const chart = await site.get<Chart>('/api/charts/machine:light');
  expect(chart.edges).toHaveLength(2);
  expect((await site.ask('/api/charts/machine:none')).status).toBe(404);
});

test.each(['processor', 'bus', 'supervisor'])('the chart of our own machine %s is there', async (name) => {
  const site = await openSite(await tempBus());
  expect((await site.get<Chart>(`/api/charts/${name}`)).nodes.length).toBeGreaterThan(2);
});
