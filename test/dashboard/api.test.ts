import { expect, test, vi } from 'vitest';
import type {
  EntriesPage,
  EventDetail,
  EventLinks,
  EventsPage,
  LetterDetail,
  LettersPage,
  StreamsPage,
} from '#kernel/dashboard/wire';
import type { Bus, StoredEvent } from '#store';
import { openSite, type Site } from '../kit/dashboard-site.ts';
import { tempBus } from '../kit/temp-store.ts';

async function allEvents(site: Site, query: string): Promise<number[]> {
  const positions: number[] = [];
  let next = '';
  for (;;) {
    const page = await site.get<EventsPage>(`/api/events?${query}${next}`);
    positions.push(...page.events.map(({ position }) => position));
    if (page.next === undefined) return positions;
    next = `&${query.includes('backward') ? 'to' : 'from'}=${page.next}`;
  }
}

test('streams are paged by name, from a prefix on', async () => {
  const bus = await tempBus();
  for (const stream of ['order-1', 'order-2', 'order-3', 'cart-1']) await bus.append(stream, { type: 'began' });
  const site = await openSite(bus);
  const first = await site.get<StreamsPage>('/api/streams?prefix=order-&limit=2');
  expect(first).toEqual({
    streams: [
      { stream: 'order-1', version: 1, lastPosition: 1 },
      { stream: 'order-2', version: 1, lastPosition: 2 },
    ],
    next: 'order-2',
  });
  const second = await site.get<StreamsPage>(`/api/streams?prefix=order-&limit=2&after=${first.next}`);
  expect(second.streams.map(({ stream }) => stream)).toEqual(['order-3']);
  expect(second.next).toBeUndefined();
});

test('events are paged both ways, by type and prefix, without a gap', async () => {
  const bus = await tempBus();
  const events = Array.from({ length: 30 }, (_, index) => ({ type: index % 3 === 0 ? 'fizz' : 'other' }));
  await bus.append('order-1', events);
  await bus.append('cart-1', events);
  const site = await openSite(bus);
  const all = Array.from({ length: 60 }, (_, index) => index + 1);
  expect(await allEvents(site, 'limit=7')).toEqual(all);
  expect(await allEvents(site, 'limit=7&direction=backward')).toEqual(all.toReversed());
  const fizz = all.filter((position) => ((position - 1) % 30) % 3 === 0);
  expect(await allEvents(site, 'limit=4&type=fizz')).toEqual(fizz);
  expect(await allEvents(site, 'limit=4&type=fizz&prefix=cart-&direction=backward')).toEqual(
    fizz.filter((position) => position > 30).toReversed(),
  );
  expect(await allEvents(site, 'limit=4&stream=cart-1')).toEqual(all.slice(30));
  expect(await allEvents(site, 'limit=4&stream=cart-1&type=fizz&direction=backward')).toEqual(
    fizz.filter((position) => position > 30).toReversed(),
  );
  expect(await allEvents(site, 'stream=none')).toEqual([]);
  expect(await allEvents(site, 'from=100')).toEqual([]);
});

test('one event is shown with its data as text, and what it says of its correlation', async () => {
  const bus = await tempBus();
  const data = { at: new Date(0), total: 12n, '<b>': '</script><img src=x onerror=alert(1)>' };
  await bus.append('order-1', { type: 'began', data, metadata: { correlationId: 'c', causationId: 'x', by: 'me' } });
  const site = await openSite(bus);
  const answer = await site.ask('/api/events/1');
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(answer.headers['x-content-type-options']).toBe('nosniff');
  const detail = JSON.parse(answer.text) as EventDetail;
  expect(detail).toMatchObject({ position: 1, stream: 'order-1', version: 1, correlationId: 'c', causationId: 'x' });
  expect(JSON.parse(detail.data as string)).toEqual({
    at: { $date: '1970-01-01T00:00:00.000Z' },
    total: { $bigint: '12' },
    '<b>': '</script><img src=x onerror=alert(1)>',
  });
  expect(detail.cut).toBeUndefined();
  expect((await site.ask('/api/events/2')).status).toBe(404);
  for (const wrong of ['0', '-1', '1.5', 'x', '1e3', '99999999999999999999']) {
    expect((await site.ask(`/api/events/${wrong}`)).status).toBe(400);
  }
});

test('the largest event there can be is shown cut, and everything else goes on', async () => {
  const bus = await tempBus();
  await bus.append('big', { type: 'big', data: { text: 'x'.repeat(8 * 2 ** 20 - 1000) } });
  await expect(bus.append('big', { type: 'big', data: 'x'.repeat(10 * 2 ** 20) })).rejects.toThrow();
  const site = await openSite(bus);
  const live = await site.follow('tail');
  expect(JSON.stringify(live.topic('tail')).length).toBeLessThan(1000);
  const detail = await site.get<EventDetail>('/api/events/1');
  expect(detail.cut).toBe(true);
  expect(detail.data?.length).toBe(256 * 1024);
});

test('what an event led to, and what led to it, is found around it', async () => {
  const bus = await tempBus();
  const metadata = { correlationId: 'c' };
  await bus.append('a', { type: 'cause', id: 'one', metadata });
  await bus.append('a', { type: 'other' });
  await bus.append('b', { type: 'middle', id: 'two', metadata: { ...metadata, causationId: 'one' } });
  await bus.append('c', { type: 'effect', id: 'three', metadata: { ...metadata, causationId: 'two' } });
  const site = await openSite(bus);
  const links = await site.get<EventLinks>('/api/events/3/links');
  expect(links.cause?.type).toBe('cause');
  expect(links.effects.map(({ type }) => type)).toEqual(['effect']);
  expect(links.correlated.map(({ position }) => position)).toEqual([4, 1]);
  expect([links.searchedFrom, links.searchedTo]).toEqual([1, 4]);
  expect((await site.ask('/api/events/9/links')).status).toBe(404);
});

test('links are looked for in a bounded part of the log, and one can ask for what is before', async () => {
  const bus = await tempBus();
  await bus.append('a', { type: 'cause', id: 'one' });
  for (let index = 0; index < 4; index++) {
    await bus.append(
      'a',
      Array.from({ length: 6000 }, () => ({ type: 'noise' })),
    );
  }
  await bus.append('b', { type: 'effect', metadata: { causationId: 'one' } });
  const site = await openSite(bus);
  const links = await site.get<EventLinks>('/api/events/24002/links');
  expect(links.cause).toBeUndefined();
  expect(links.searchedFrom).toBeGreaterThanOrEqual(4002);
  let from = links.searchedFrom;
  let before = links;
  while (before.cause === undefined && from > 1) {
    before = await site.get<EventLinks>(`/api/events/24002/links?from=${from - 1}`);
    expect(before.searchedFrom).toBeLessThan(from);
    from = before.searchedFrom;
  }
  expect(before.cause?.position).toBe(1);
});

async function withLetters(): Promise<Bus> {
  const bus = await tempBus();
  bus.errors$.subscribe();
  const types = ['good', 'bad', 'bad', 'worse'];
  await bus.append(
    'a',
    types.map((type) => ({ type, data: { secret: 's3cret' } })),
  );
  const processor = bus.processor({
    name: 'mailer',
    handle: ({ type }) => {
      if (type !== 'good') throw new TypeError(`can't mail <i>${type}</i>`);
    },
    retry: { attempts: 0 },
    onFailure: 'dead-letter',
  });
  processor.start();
  await processor.caughtUp();
  return bus;
}

test('dead letters are listed by state and type, and one is shown with its stack and its event', async () => {
  const site = await openSite(await withLetters());
  const path = '/api/processors/mailer/letters';
  const first = await site.get<LettersPage>(`${path}?limit=2`);
  expect(first.letters.map(({ position }) => position)).toEqual([2, 3]);
  expect(first.letters[0]).toMatchObject({
    state: 'dead',
    error: { name: 'TypeError', message: "can't mail <i>bad</i>" },
  });
  const second = await site.get<LettersPage>(`${path}?limit=2&after=${first.next}`);
  expect(second.letters.map(({ position }) => position)).toEqual([4]);
  expect(second.next).toBeUndefined();
  expect((await site.get<LettersPage>(`${path}?type=worse&state=dead`)).letters).toHaveLength(1);
  expect((await site.get<LettersPage>(`${path}?state=discarded`)).letters).toEqual([]);
  const letter = await site.get<LetterDetail>(`${path}/2`);
  expect(letter.stack).toContain('api.test.ts');
  expect(letter.event.data).toContain('s3cret');
  expect((await site.ask(`${path}/1`)).status).toBe(404);
  expect((await site.ask(`${path}?state=odd`)).status).toBe(400);
  expect((await site.get<LettersPage>('/api/processors/nobody/letters')).letters).toEqual([]);
});

test('the entries of a projection are paged by key', async () => {
  const bus = await tempBus();
  await bus.append('a', { type: 'began' });
  const projection = bus.projection({
    name: 'counts',
    version: 1,
    on: {
      began: (view) => {
        for (const key of ['a', 'b', '__proto__', 'é/&?']) view.set(key, { key, long: 'x'.repeat(10_000) });
      },
    },
  });
  projection.start();
  await projection.caughtUp();
  const site = await openSite(bus);
  const first = await site.get<EntriesPage>('/api/projections/counts?limit=3');
  expect(first.entries.map(({ key }) => key)).toEqual(['__proto__', 'a', 'b']);
  expect(first.entries[0]?.cut).toBe(true);
  const last = await site.get<EntriesPage>(
    `/api/projections/counts?limit=3&from=${encodeURIComponent(first.next ?? '')}`,
  );
  expect(last.entries.map(({ key }) => key)).toEqual(['é/&?']);
  expect(last.next).toBeUndefined();
  const one = await site.get<EntriesPage>('/api/projections/counts?limit=1&from=a');
  expect(one.entries[0]?.cut).toBeUndefined();
  expect((await site.get<EntriesPage>('/api/projections/none')).entries).toEqual([]);
});

const redactions: readonly [string, (event: StoredEvent) => StoredEvent | undefined][] = [
  ['says undefined', () => undefined],
  [
    'throws',
    () => {
      throw new Error('no');
    },
  ],
  ['returns a promise', (async () => ({})) as unknown as () => undefined],
  ['returns what is none', () => 7 as unknown as undefined],
  [
    'returns data that throws when it is looked at',
    (event) => ({
      ...event,
      data: Object.defineProperty({}, 'a', {
        enumerable: true,
        get: () => {
          throw new Error('no');
        },
      }),
    }),
  ],
  ['gives other data', (event) => ({ ...event, data: { secret: '***' }, metadata: undefined })],
];

test.each(redactions)('a redact that %s lets no data out, of an event or a letter', async (_, redact) => {
  const bus = await withLetters();
  const site = await openSite(bus, { redact });
  for (const path of ['/api/events/2', '/api/processors/mailer/letters/2', '/api/events/2/links', '/api/events']) {
    const { status, text } = await site.ask(path);
    expect(status).toBe(200);
    expect(text).not.toContain('s3cret');
  }
  expect((await site.get<EventDetail>('/api/events/2')).redacted).toBe(true);
});

test('ids that redact hides link nothing, on either side', async () => {
  const bus = await tempBus();
  await bus.append('a', { type: 'asked', id: 'first', metadata: { correlationId: 'c' } });
  await bus.append('a', { type: 'done', metadata: { correlationId: 'c', causationId: 'first' } });
  await bus.append('a', { type: 'hidden', id: 'third', metadata: { correlationId: 'c', causationId: 'first' } });
  const redact = (event: StoredEvent) => (event.type === 'hidden' ? undefined : event);
  const site = await openSite(bus, { redact });
  const links = await site.get<EventLinks>('/api/events/1/links');
  expect(links.effects.map(({ position }) => position)).toEqual([2]);
  expect(links.correlated.map(({ position }) => position)).toEqual([2]);
  const ofHidden = await site.get<EventLinks>('/api/events/3/links');
  expect(ofHidden).toMatchObject({ effects: [], correlated: [] });
  expect(ofHidden.cause).toBeUndefined();
});

test('where events are redacted, entries of projections are shown as redactEntry says, or not at all', async () => {
  const bus = await tempBus();
  const last = bus.projection({
    name: 'last',
    version: 1,
    on: { told: (view, event) => void view.set(event.stream, event.data) },
  });
  last.start();
  for (const stream of ['a', 'b']) await bus.append(stream, { type: 'told', data: { secret: 's3cret' } });
  await last.caughtUp();
  const path = '/api/projections/last';
  const closed = await (await openSite(bus, { redact: (event) => event })).ask(path);
  expect([closed.status, closed.text.includes('s3cret')]).toEqual([403, false]);
  const some = await openSite(bus, {
    redact: () => undefined,
    redactEntry: ({ projection, key }) => (key === 'a' ? { value: projection } : undefined),
  });
  expect((await some.get<EntriesPage>(path)).entries).toEqual([
    { key: 'a', value: '"last"' },
    { key: 'b', redacted: true },
  ]);
  const broken = await openSite(bus, {
    redactEntry: (() => Promise.reject(new Error('no'))) as unknown as () => undefined,
  });
  expect((await broken.get<EntriesPage>(path)).entries.map(({ redacted }) => redacted)).toEqual([true, true]);
});

test('reading much of the log gives the event loop its turns', async () => {
  const bus = await tempBus();
  for (let index = 0; index < 4; index++) {
    await bus.append(
      'a',
      Array.from({ length: 10_000 }, () => ({ type: 'noise', metadata: { correlationId: 'c' } })),
    );
  }
  const site = await openSite(bus);
  let turn = 0;
  let next = setImmediate(function count() {
    turn++;
    next = setImmediate(count);
  });
  const positionsByTurn = new Map<number, number>();
  const read = bus.read.bind(bus);
  vi.spyOn(bus, 'read').mockImplementation((options) => {
    const { from = 1, to = bus.head } = options ?? {};
    positionsByTurn.set(turn, (positionsByTurn.get(turn) ?? 0) + to - from + 1);
    return read(options);
  });
  await site.ask('/api/events?type=nothing');
  await site.ask('/api/events/20000/links');
  clearImmediate(next);
  const positions = [...positionsByTurn.values()];
  expect(positions.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(20_000);
  expect(Math.max(...positions)).toBeLessThan(10_000);
});
