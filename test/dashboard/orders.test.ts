import { expect, onTestFinished, test, vi } from 'vitest';
import type { DashboardOptions } from '#dashboard';
import { appSource } from '#kernel/dashboard/app-source';
import { orderProcessor, within } from '#kernel/dashboard/orders';
import type { ActionDone, ActionName, LettersPage, Preview, StoreTopic } from '#kernel/dashboard/wire';
import type { Bus, Processor } from '#store';
import { openSite, type Site } from '../kit/dashboard-site.ts';
import { tempBus } from '../kit/temp-store.ts';
import { unhandledRejections } from '../kit/unhandled-rejections.ts';

const path = '/api/processors/mailer';

/** Ten events, every other one of type `even`. */
async function tenEvents(): Promise<Bus> {
  const bus = await tempBus();
  bus.errors$.subscribe();
  await bus.append(
    'a',
    Array.from({ length: 10 }, (_, index) => ({ type: index % 2 === 0 ? 'odd' : 'even' })),
  );
  return bus;
}

async function running(options: DashboardOptions = { allowActions: true }): Promise<[Site, Processor, Bus]> {
  const bus = await tenEvents();
  const processor = bus.processor({ name: 'mailer', handle: () => undefined });
  processor.start();
  await processor.waitFor('live');
  await processor.caughtUp();
  return [await openSite(bus, options), processor, bus];
}

async function statusOf(answer: Promise<{ readonly status: number }>): Promise<number> {
  return (await answer).status;
}

test('a processor is paused, resumed, stopped and started by orders', async () => {
  const [site, processor] = await running();
  expect(await statusOf(site.order(`${path}/pause`))).toBe(200);
  await processor.waitFor('paused');
  expect(await statusOf(site.order(`${path}/resume`))).toBe(200);
  await processor.waitFor('live');
  const { text } = await site.order(`${path}/stop`);
  expect((JSON.parse(text) as ActionDone).text).toBe('It has stopped.');
  expect(processor.status.state).toBe('stopped');
  expect(await statusOf(site.order(`${path}/start`))).toBe(200);
  await processor.waitFor('live');
});

test('an order goes by what its processor is now, also in the moment in which it was shown as something else', async () => {
  const [, processor, bus] = await running();
  const source = appSource(bus);
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now());
  onTestFinished(() => clock.mockRestore());
  expect(source.status()?.processors[0]?.status.state).toBe('live');
  await processor.stop();

  const { text } = await orderProcessor(source, 'start', { name: 'mailer', body: {} });

  expect(text).toBe('It starts.');
});

test('what the machine does not allow is refused, whatever the page shows', async () => {
  const [site, processor] = await running();
  for (const action of ['start', 'resume', 'retry', 'skip', 'rebuild']) {
    const { status, text } = await site.order(`${path}/${action}`);
    expect([action, status]).toEqual([action, 409]);
    expect(text).toContain('NOT_POSSIBLE');
  }
  expect(processor.status.state).toBe('live');
  expect(await statusOf(site.order('/api/processors/nobody/start'))).toBe(404);
  expect(await statusOf(site.order(`${path}/explode`))).toBe(404);
  expect(await statusOf(site.order(`${path}/constructor`))).toBe(404);
});

test('a reset is previewed and done', async () => {
  const bus = await tenEvents();
  const handled: number[] = [];
  const processor = bus.processor({
    name: 'mailer',
    types: ['even'],
    handle: ({ position }) => void handled.push(position),
  });
  processor.start();
  await processor.caughtUp();
  const site = await openSite(bus, { allowActions: ['reset'] });
  const preview = await site.get<Preview>(`${path}/preview?action=reset&to=4`);
  expect(preview).toMatchObject({ events: 3 });
  expect(preview.text).toContain('handled again');
  expect(await statusOf(site.order(`${path}/reset`, { to: 4 }))).toBe(200);
  await processor.caughtUp();
  expect(handled).toEqual([2, 4, 6, 8, 10, 6, 8, 10]);
  for (const wrong of [{}, { to: 11 }, { to: -1 }, { to: '4' }, { to: 1.5 }, { to: 0, until: 'x' }, { to: null }]) {
    expect(await statusOf(site.order(`${path}/reset`, wrong))).toBe(400);
  }
  expect(await statusOf(site.ask(`${path}/preview?action=reset&to=11`))).toBe(400);
  expect(await statusOf(site.ask(`${path}/preview?action=reset`))).toBe(400);
});

test('every action has a preview', async () => {
  const [site] = await running();
  for (const action of ['start', 'stop', 'pause', 'resume', 'retry', 'skip', 'rebuild']) {
    expect((await site.get<Preview>(`${path}/preview?action=${action}`)).text).not.toBe('');
  }
  expect(await site.get(`${path}/preview?action=reset&to=10`)).toMatchObject({ events: 0 });
  expect(await statusOf(site.ask(`${path}/preview?action=explode`))).toBe(400);
  expect(await statusOf(site.ask('/api/processors/nobody/preview?action=start'))).toBe(404);
});

test('a failing event is skipped, and its preview says which', async () => {
  const bus = await tenEvents();
  const processor = bus.processor({
    name: 'mailer',
    handle: ({ position }) => {
      if (position === 3) throw new Error('no');
    },
    retry: { attempts: 0 },
  });
  processor.start();
  await processor.waitFor('failed');
  const site = await openSite(bus, { allowActions: true });
  expect((await site.get<Preview>(`${path}/preview?action=skip`)).text).toContain('position 3, "odd" of "a"');
  expect(await statusOf(site.order(`${path}/skip`))).toBe(200);
  await processor.caughtUp();
  expect(processor.status.context.skipped).toBe(1);
});

test('a projection is built anew, and not reset', async () => {
  const bus = await tenEvents();
  const projection = bus.projection({ name: 'counts', version: 1, on: { even: (view) => view.set('n', 1) } });
  projection.start();
  await projection.caughtUp();
  const site = await openSite(bus, { allowActions: true });
  expect(await site.get('/api/processors/counts/preview?action=rebuild')).toMatchObject({ events: 5 });
  const { generation } = projection.status.context;
  expect(await statusOf(site.order('/api/processors/counts/rebuild'))).toBe(200);
  await projection.caughtUp();
  expect(projection.status.context.generation).toBeGreaterThan(generation);
  expect(await statusOf(site.order('/api/processors/counts/reset', { to: 0 }))).toBe(409);
});

test('dead letters are tried again and discarded', async () => {
  const bus = await tenEvents();
  let isBroken = true;
  const processor = bus.processor({
    name: 'mailer',
    handle: ({ type }) => {
      if (isBroken && type === 'even') throw new Error('no');
    },
    retry: { attempts: 0 },
    onFailure: 'dead-letter',
    circuit: { failures: 100 },
  });
  processor.start();
  await processor.caughtUp();
  const site = await openSite(bus, { allowActions: ['retry-letters', 'discard-letters'] });
  const letters = () => site.get<LettersPage>(`${path}/letters`);
  expect((await letters()).letters).toHaveLength(5);
  isBroken = false;
  const retried = await site.order(`${path}/letters/retry`, { positions: [2, 4] });
  expect(JSON.parse(retried.text)).toEqual({ text: '2 handled.' });
  const discarded = await site.order(`${path}/letters/discard`, { positions: 'all', reason: 'not <b>needed</b>' });
  expect(JSON.parse(discarded.text)).toEqual({ text: '3 letters discarded.' });
  expect((await letters()).letters).toEqual([]);
  expect((await bus.deadLetters('mailer').get(6))?.reason).toBe('not <b>needed</b>');
  const tooMany = Array.from({ length: 1001 }, (_, index) => index + 1);
  for (const positions of [undefined, [], 'some', [0], ['1'], tooMany, { length: 1 }]) {
    expect(await statusOf(site.order(`${path}/letters/discard`, { positions }))).toBe(400);
  }
  expect(await statusOf(site.order(`${path}/letters/discard`, { positions: [6], reason: 'x'.repeat(2001) }))).toBe(400);
});

const allowed: readonly [DashboardOptions['allowActions'], readonly ActionName[]][] = [
  [undefined, []],
  [false, []],
  [[], []],
  [['pause'], ['pause']],
];

test.each(allowed)('with allowActions %j nothing else is ordered', async (allowActions, actions) => {
  const [site, processor] = await running(allowActions === undefined ? {} : { allowActions });
  const others = [
    'start',
    'stop',
    'pause',
    'resume',
    'retry',
    'skip',
    'reset',
    'rebuild',
    'letters/retry',
    'letters/discard',
  ];
  for (const action of others) {
    if (actions.includes(action as ActionName)) continue;
    const { status, text } = await site.order(`${path}/${action}`, { to: 0, positions: 'all' });
    expect([action, status]).toEqual([action, 403]);
    expect(text).toContain('NOT_ALLOWED');
  }
  expect(processor.status.state).toBe('live');
  const live = await site.follow('store');
  expect(live.topic('store').about).toMatchObject({ actions });
});

test('who may only read is shown no orders, and who may order is, of the same dashboard', async () => {
  const auth = ({ url = '' }) => url.includes('topic=tail') || ('read' as const);
  const site = await openSite(await tempBus(), { auth, allowActions: ['pause'] });
  const [writer, reader] = [await site.follow('store', 'tail'), await site.follow('store')];
  expect(writer.topic<StoreTopic>('store').about.actions).toEqual(['pause']);
  expect(reader.topic<StoreTopic>('store').about.actions).toEqual([]);
});

test('who may only read orders nothing', async () => {
  const [site, processor] = await running({ allowActions: true, auth: () => 'read' });
  expect(await statusOf(site.order(`${path}/pause`))).toBe(403);
  expect(await statusOf(site.ask('/api/streams'))).toBe(200);
  expect(processor.status.state).toBe('live');
});

test('an answer waits for what was ordered for a bounded time, and what fails later harms nobody', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const unhandled = unhandledRejections();
  const { promise, reject } = Promise.withResolvers<void>();
  const isDone = within(promise);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await isDone).toBe(false);
  vi.useRealTimers();
  reject(new Error('too late'));
  expect(await unhandled()).toEqual([]);
  await expect(within(Promise.reject(new Error('at once')))).rejects.toThrow('at once');
  expect(await within(Promise.resolve())).toBe(true);
});
