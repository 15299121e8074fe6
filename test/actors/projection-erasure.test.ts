/** Erasures and projections: what was made of erased events goes, too, and the receipt says when. */
import { expect, test } from 'vitest';
import { Erasures } from '#actors/erasure';
import { ErasureGate } from '#actors/erasure-gate';
import { storeOn } from '#actors/open-store';
import { resolveOptions } from '#actors/options';
import { unlockKeys } from '#actors/store-keys';
import { encodePayload } from '#kernel/codec/payload';
import { encodeMark, markKey } from '#kernel/codec/projection-row';
import type { ErasureCounts } from '#kernel/log/erasure-counts';
import type { LogReader } from '#kernel/log/log-reader';
import { keyIdAt } from '#kernel/log/sealed-payload';
import type { Bus, Projection, ProjectionOptions } from '#store';
import { collect } from '../kit/collect.ts';
import { forged } from '../kit/swapped-rows.ts';
import { type BusOptions, type TempStore, tempStore } from '../kit/temp-store.ts';
import { testKey } from '../kit/test-key.ts';

const encryption = { masterKey: testKey } as const;
const secret = 'what-nobody-else-may-read';

const sealed = (store: TempStore, options: BusOptions = {}): Promise<Bus> => store.openBus({ encryption, ...options });
const said = (text: string, subject?: string) => ({ type: 'said', data: { text }, ...(subject && { subject }) });

/** The last text of each stream, under its name. */
function lastSaid(bus: Bus, options: Partial<ProjectionOptions> = {}): Projection<unknown> {
  return bus.projection<unknown>({
    name: 'last',
    version: 1,
    on: { said: (view, { stream, data }) => view.set(stream, (data as { text: string }).text) },
    ...options,
  });
}

const entriesOf = async (projection: { range: Projection['range'] }) =>
  Object.fromEntries((await collect(projection.range())).map(({ key, value }) => [key, value]));

/** Whether `text` is in a row of the store. */
function isInRows({ storage }: TempStore, text: string): boolean {
  return Object.values(storage.rows).some((rows) => rows.some(({ value }) => Buffer.from(value).includes(text)));
}

const rowsOf = (store: TempStore) => store.storage.rows.projections;

test('values are sealed in the rows, keys are not, and readers see both', async () => {
  const store = tempStore();
  const bus = await sealed(store);
  const projection = lastSaid(bus);
  projection.start();

  await bus.append('diary', said(secret));
  await projection.caughtUp();

  expect(await entriesOf(projection)).toEqual({ diary: secret });
  expect(await bus.view('last').get('diary')).toBe(secret);
  expect(isInRows(store, secret)).toBe(false);
  expect(rowsOf(store).some(({ key }) => Buffer.from(key).includes('diary'))).toBe(true);
  expect((await bus.verify()).problems).toEqual([]);
});

test('a value that is plain in a sealed build is refused, and verify says so', async () => {
  const store = tempStore();
  const bus = await sealed(store);
  const projection = lastSaid(bus);
  projection.start();
  await bus.append('diary', said(secret));
  await projection.caughtUp();
  const { encoding, bytes } = encodePayload('invented', 0, 'data');
  const row = rowsOf(store).find(({ key }) => Buffer.from(key).includes('diary'));

  forged(row as { key: Uint8Array; value: Uint8Array }, Buffer.concat([Buffer.of(encoding), bytes]));

  await expect(bus.view('last').get('diary')).rejects.toMatchObject({ code: 'DECRYPTION_FAILED' });
  expect((await bus.verify()).problems.map(({ table }) => table)).toEqual(['projections']);
});

test('values of a projection with sealed: false are plain, and an erasure leaves them as they are', async () => {
  const store = tempStore();
  const bus = await sealed(store);
  const projection = lastSaid(bus, { sealed: false });
  projection.start();
  const { lastPosition } = await bus.append('diary', said(secret));
  await projection.waitFor(lastPosition);

  const receipt = await bus.erase({ stream: 'diary' });

  expect(receipt).toMatchObject({ events: 1, projections: [], final: true });
  expect(await projection.get('diary')).toBe(secret);
  expect(isInRows(store, secret)).toBe(true);
});

test('without onErased a running projection is built anew before the receipt, and its old key is gone', async () => {
  const store = tempStore();
  const bus = await sealed(store);
  const projection = lastSaid(bus);
  projection.start();
  await bus.append('diary', said(secret));
  await bus.append('news', said('all'));
  await projection.caughtUp();

  const receipt = await bus.erase({ stream: 'diary' });

  expect(receipt).toEqual({
    what: { stream: 'diary' },
    position: 3,
    timeMs: expect.any(Number),
    events: 1,
    timersDropped: 0,
    projections: [{ name: 'last', state: 'rebuilt' }],
    plainEvents: 0,
    final: true,
  });
  expect(await entriesOf(projection)).toEqual({ news: 'all' });
  expect(projection.status).toMatchObject({ isBuilding: false, context: { generation: 2 } });
  expect(rowsOf(store)).toHaveLength(2);
  expect(JSON.parse(JSON.stringify(receipt))).toEqual(receipt);
});

test('with onErased a running projection corrects its entries, in one move and once for each erasure', async () => {
  const store = tempStore();
  const bus = await sealed(store);
  const calls: unknown[] = [];
  const projection = lastSaid(bus, {
    onErased: (view, erased) => {
      calls.push(erased);
      if (erased.stream !== undefined) view.delete(erased.stream);
    },
  });
  projection.start();
  await bus.append('news', said('all'));
  await bus.append('diary', [said(secret), said('more')]);
  await projection.caughtUp();

  const first = await bus.erase({ stream: 'diary' });
  const second = await bus.erase({ stream: 'news' });

  expect([first, second].map(({ projections, final }) => [projections, final])).toEqual([
    [[{ name: 'last', state: 'corrected' }], true],
    [[{ name: 'last', state: 'corrected' }], true],
  ]);
  expect(calls).toEqual([
    { stream: 'diary', firstPosition: 2, events: 2 },
    { stream: 'news', firstPosition: 1, events: 1 },
  ]);
  expect(await entriesOf(projection)).toEqual({});
  expect(projection.status.context.generation).toBe(1);
});

test('of a subject, onErased gets no name, and nothing in the store has it', async () => {
  const store = tempStore();
  const bus = await sealed(store);
  const calls: unknown[] = [];
  const projection = lastSaid(bus, { onErased: (_view, erased) => void calls.push(erased) });
  projection.start();
  await bus.append('news', [said('one', 'person-47'), said('two')]);
  await projection.caughtUp();

  const receipt = await bus.erase({ subject: 'person-47' });

  expect(receipt).toMatchObject({ what: { subject: 'person-47' }, events: 1, final: true });
  expect(calls).toEqual([{ firstPosition: 1, events: 1 }]);
  expect(isInRows(store, 'person-47')).toBe(false);
  expect(JSON.stringify(await collect(bus.read()))).not.toContain('person-47');
});

test('one that does not run is pending, takes it in when it starts, and the same erasure is final then', async () => {
  const store = tempStore();
  const bus = await sealed(store);
  const before = lastSaid(bus);
  before.start();
  await bus.append('diary', said(secret));
  await before.caughtUp();
  await before.close();

  const first = await bus.erase({ stream: 'diary' });
  const projection = lastSaid(bus);
  projection.start();
  await projection.caughtUp();
  const second = await bus.erase({ stream: 'diary' });

  expect(first).toMatchObject({ projections: [{ name: 'last', state: 'pending' }], final: false });
  const { what, position, timeMs, events } = first;
  expect(second).toMatchObject({ what, position, timeMs, events, final: true });
  expect(await entriesOf(projection)).toEqual({});
});

test('an erasure while the store was open elsewhere is taken in by the next process that runs the projection', async () => {
  const store = tempStore();
  const first = await sealed(store);
  const before = lastSaid(first);
  before.start();
  await first.append('diary', said(secret));
  await first.append('news', said('all'));
  await before.caughtUp();
  await before.stop();
  await first.erase({ stream: 'diary' });
  store.crash(first);

  const bus = await sealed(store);
  const calls: unknown[] = [];
  const projection = lastSaid(bus, {
    onErased: (view, erased) => {
      calls.push(erased);
      view.delete(erased.stream as string);
    },
  });
  projection.start();
  await projection.caughtUp();

  expect(calls).toEqual([{ stream: 'diary', firstPosition: 1, events: 1 }]);
  expect(await entriesOf(projection)).toEqual({ news: 'all' });
  expect(await bus.erase({ stream: 'diary' })).toMatchObject({ projections: [], final: true });
});

test('projections that are behind what was erased, or want other streams, are not in the receipt', async () => {
  const bus = await sealed(tempStore());
  const other = lastSaid(bus, { name: 'other', prefix: 'news' });
  const behind = lastSaid(bus, { name: 'behind' });
  other.start();
  behind.start();
  await bus.append('news', said('all'));
  await Promise.all([other.caughtUp(), behind.caughtUp()]);
  await behind.stop();
  await bus.append('diary', said(secret));
  await other.caughtUp();

  const receipt = await bus.erase({ stream: 'diary' });
  behind.start();
  await behind.caughtUp();

  expect(receipt).toMatchObject({ events: 1, projections: [], final: true });
  expect(other.status.context.generation).toBe(1);
  expect(behind.status.context.generation).toBe(1);
  expect(await entriesOf(behind)).toEqual({ news: 'all' });
});

test('erasures that are asked for together are done together, and each has its receipt', async () => {
  const bus = await sealed(tempStore());
  const projection = lastSaid(bus);
  projection.start();
  const names = Array.from({ length: 20 }, (_, index) => `person-${index}`);
  for (const name of names) await bus.append(name, said(secret));
  await bus.append('news', said('all'));
  await projection.caughtUp();

  const receipts = await Promise.all(names.map((stream) => bus.erase({ stream })));

  expect(receipts.every(({ final, events }) => final && events === 1)).toBe(true);
  expect(new Set(receipts.map(({ position }) => position)).size).toBe(20);
  expect(projection.status.context.generation).toBe(2);
  expect(await entriesOf(projection)).toEqual({ news: 'all' });
});

test('who waits for a projection goes on waiting while something is erased', async () => {
  const bus = await sealed(tempStore());
  const projection = lastSaid(bus);
  projection.start();
  await bus.append('diary', said(secret));
  await projection.caughtUp();
  const waiting = projection.waitFor(4);

  await bus.erase({ stream: 'diary' });
  const caughtUp = projection.caughtUp();
  const again = bus.erase({ stream: 'diary' });
  await bus.append('news', [said('one'), said('two')]);

  await Promise.all([waiting, caughtUp, again]);
  expect(await entriesOf(projection)).toEqual({ news: 'two' });
});

test('an onErased that throws is tried again like a handler, and nothing of it remains', async () => {
  const bus = await sealed(tempStore());
  bus.errors$.subscribe();
  let failures = 2;
  const projection = lastSaid(bus, {
    retry: { minMs: 1, maxMs: 1 },
    onErased: (view, { stream }) => {
      view.delete(stream as string);
      view.set('half', true);
      if (failures-- > 0) throw new Error('planted');
      view.delete('half');
    },
  });
  projection.start();
  await bus.append('diary', said(secret));
  await projection.caughtUp();

  const receipt = await bus.erase({ stream: 'diary' });

  expect(receipt).toMatchObject({ projections: [{ name: 'last', state: 'corrected' }], final: true });
  expect(await entriesOf(projection)).toEqual({});
});

test('signal ends the wait for projections, and the erasure stands', async () => {
  const bus = await sealed(tempStore());
  bus.errors$.subscribe();
  const projection = lastSaid(bus, {
    retry: { minMs: 60_000, maxMs: 60_000 },
    onErased: () => {
      throw new Error('planted');
    },
  });
  projection.start();
  await bus.append('diary', said(secret));
  await projection.caughtUp();
  const controller = new AbortController();
  const erased = bus.erase({ stream: 'diary' }, { signal: controller.signal });
  await projection.waitFor('retrying');
  controller.abort();

  await expect(erased).rejects.toMatchObject({ code: 'ABORTED', detail: { outcome: 'unknown' } });
  await expect(bus.append('diary', said('more'))).rejects.toMatchObject({ code: 'KEY_ERASED' });
});

test('signal ends the wait for the count of what was erased, too', async () => {
  const erasures = new Erasures(
    {
      engine: { read: () => [] as never },
      reader: {} as LogReader,
      counts: { of: () => new Promise(() => undefined) } as Partial<ErasureCounts> as ErasureCounts,
      erase: async () => ({ tag: '', ids: [1], timeMs: 1, position: 2 }),
      dropTimers: async () => 0,
    },
    new ErasureGate(),
    () => [],
  );
  const controller = new AbortController();
  const erased = erasures.erase({ stream: 'diary' }, { signal: controller.signal });
  await new Promise(setImmediate);

  controller.abort();

  await expect(erased).rejects.toMatchObject({ code: 'ABORTED', detail: { outcome: 'unknown' } });
});

for (const [what, interrupt] of [
  ['another erasure', (bus: Bus) => bus.erase({ stream: 'news' })],
  ['a rebuild', (_: Bus, projection: Projection) => projection.rebuild()],
] as const) {
  test(`an erasure that waits for a projection is not told that it is pending because of ${what}`, async () => {
    const bus = await sealed(tempStore());
    bus.errors$.subscribe();
    let failures = 1;
    const projection = lastSaid(bus, {
      retry: { minMs: 60_000, maxMs: 60_000 },
      onErased: (view, { stream }) => {
        if (failures-- > 0) throw new Error('planted');
        view.delete(stream as string);
      },
    });
    projection.start();
    await bus.append('diary', said(secret));
    await bus.append('news', said('all'));
    await projection.caughtUp();
    const waiting = bus.erase({ stream: 'diary' });
    await projection.waitFor('retrying');

    await interrupt(bus, projection);

    expect(await waiting).toMatchObject({ projections: [{ name: 'last' }], final: true });
  });
}

test('an erasure waits no longer for a projection that its user stops while another one has it rest', async () => {
  const bus = await sealed(tempStore());
  bus.errors$.subscribe();
  const projection = lastSaid(bus, {
    retry: { minMs: 60_000, maxMs: 60_000 },
    onErased: () => {
      throw new Error('planted');
    },
  });
  projection.start();
  await bus.append('diary', said(secret));
  await bus.append('news', said('all'));
  await projection.caughtUp();
  const erased = [bus.erase({ stream: 'diary' })];
  await projection.waitFor('retrying');
  projection.state$.subscribe(({ state }) => {
    if (state === 'paused') projection.pause();
  });

  erased.push(bus.erase({ stream: 'news' }));

  for (const receipt of await Promise.all(erased)) {
    expect(receipt).toMatchObject({ projections: [{ name: 'last', state: 'pending' }], final: false });
  }
});

test('what a projection has handled and not saved when something is erased does not come back with its next save', async () => {
  const bus = await sealed(tempStore());
  const projection = lastSaid(bus, { checkpoint: { ms: 60_000 } });
  projection.start();
  await projection.caughtUp();
  await bus.append('diary', said(secret));
  await expect.poll(() => projection.status.context.position).toBe(1);
  const durable = projection.position;

  const receipt = await bus.erase({ stream: 'diary' });
  await bus.append('news', said('all'));
  await projection.caughtUp();

  expect(durable).toBe(0);
  expect(receipt).toMatchObject({ projections: [{ name: 'last', state: 'rebuilt' }], final: true });
  expect(await entriesOf(projection)).toEqual({ news: 'all' });
});

test('a projection of a store that had no encryption is built anew with sealed values', async () => {
  const store = tempStore();
  const plain = await store.openBus({ encryption: undefined } as BusOptions);
  const before = lastSaid(plain);
  before.start();
  await plain.append('diary', said(secret));
  await before.caughtUp();
  await plain.close();
  const wasPlain = isInRows(store, secret);

  const bus = await sealed(store);
  const projection = lastSaid(bus);
  projection.start();
  await projection.caughtUp();
  await expect.poll(() => rowsOf(store).length).toBe(2);

  expect(wasPlain).toBe(true);
  expect(isInRows(store, secret)).toBe(false);
  expect(await entriesOf(projection)).toEqual({ diary: secret });
  expect(await bus.erase({ stream: 'diary' })).toMatchObject({ events: 0, plainEvents: 1, final: false });
});

test('a build whose key is gone is read as empty, at position 0, until another one is done', async () => {
  const store = tempStore();
  const bus = await sealed(store);
  const before = lastSaid(bus);
  before.start();
  await bus.append('diary', said(secret));
  await before.caughtUp();
  await bus.close();
  await eraseKey(store, 'last', 1);

  const next = await sealed(store);
  const view = next.view<string>('last');
  const seen: unknown[] = [];
  const watching = view.watch('diary').subscribe((value) => seen.push(value));
  const meanwhile = [view.position, view.version, await view.get('diary'), await collect(view.range())];
  const projection = lastSaid(next);
  projection.start();
  await view.waitFor(1);
  await expect.poll(() => seen).toEqual([undefined, secret]);
  watching.unsubscribe();

  expect(meanwhile).toEqual([0, undefined, undefined, []]);
  expect(await entriesOf(projection)).toEqual({ diary: secret });
  expect(projection.status.context.generation).toBe(2);
  expect((await next.verify()).problems).toEqual([]);
});

test('keys of builds that are swept are erased before their rows go, also when a crash came in between', async () => {
  const store = tempStore();
  const bus = await sealed(store);
  const projection = lastSaid(bus);
  projection.start();
  await bus.append('diary', said(secret));
  await projection.caughtUp();
  await projection.close();
  const left = rowsOf(store).find(({ key }) => Buffer.from(key).includes('diary')) as { value: Uint8Array };
  const other = lastSaid(bus, { version: 2 });
  other.start();
  await other.caughtUp();
  await expect.poll(() => rowsOf(store).length).toBe(2);
  await bus.close();

  expect(await isKeyErased(store, 'last', 1, left.value)).toBe(true);
});

test('verify finds a damaged mark, and one of a build that was never begun', async () => {
  const store = tempStore();
  const bus = await sealed(store);
  const projection = lastSaid(bus);
  projection.start();
  await bus.append('diary', said(secret));
  await projection.caughtUp();
  await projection.stop();
  await bus.erase({ stream: 'diary' });
  const rows = rowsOf(store) as { key: Uint8Array; value: Uint8Array }[];
  const mark = rows.find(({ key }) => key.length === 'last'.length + 15) as { key: Uint8Array; value: Uint8Array };
  const sound = await bus.verify();

  const damaged = Uint8Array.from(mark.value, (byte, index) => (index === 2 ? byte ^ 1 : byte));
  const key = markKey('last', 7, 2);
  rows.splice(rows.indexOf(mark), 1, { key: mark.key, value: damaged }, { key, value: encodeMark(key, 2) });
  const { problems } = await bus.verify();

  expect(sound.problems).toEqual([]);
  expect(problems.map(({ message }) => message)).toEqual([
    expect.stringContaining('a row of projections is damaged'),
    'build 7 of the projection "last" was never begun, and has a mark of an erasure',
  ]);
});

test('what to erase is checked, and where it can be', async () => {
  const store = tempStore();
  const bus = await sealed(store);
  const reader = await sealed(store, { readOnly: true });
  const plain = await tempStore().openBus({ encryption: undefined } as BusOptions);

  await expect(bus.erase({} as never)).rejects.toThrow(TypeError);
  await expect(bus.erase({ stream: 'a', subject: 'b' } as never)).rejects.toThrow('either { stream } or { subject }');
  await expect(bus.erase({ stream: 'a' }, { later: true } as never)).rejects.toThrow('no option "later"');
  await expect(bus.erase({ subject: 'x'.repeat(513) })).rejects.toThrow(
    'the subject to erase is longer than 512 bytes',
  );
  await expect(bus.erase({ stream: '$bus' })).rejects.toMatchObject({ code: 'STREAM_NAME_INVALID' });
  await expect(bus.erase({ stream: 'a' }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'ABORTED',
    detail: { outcome: 'nothing-written' },
  });
  await expect(reader.erase({ stream: 'a' })).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
  await expect(plain.erase({ stream: 'a' })).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    detail: { feature: 'erase' },
  });
  expect(() => lastSaid(bus, { sealed: 'no' as never })).toThrow('sealed must be true or false');
  expect(() => lastSaid(bus, { onErased: (async () => undefined) as never })).toThrow('onErased must be a synchronous');
});

async function writerOf(store: TempStore) {
  const options = resolveOptions({ encryption, path: ':memory:', inline: true });
  const keys = await unlockKeys(store.storage.keys, options.encryption, undefined);
  return storeOn(await store.openEngine(), options, { onFailed: () => undefined }, keys);
}

async function eraseKey(store: TempStore, projection: string, build: number): Promise<void> {
  const writer = await writerOf(store);
  await writer.appender?.erase({ projection, build });
  await writer.stopAppends();
  await writer.release();
}

/** Whether the key that the value of an entry is sealed with can't be opened any more. */
async function isKeyErased(store: TempStore, name: string, build: number, value: Uint8Array): Promise<boolean> {
  const writer = await writerOf(store);
  const id = keyIdAt(value, 0);
  const isErased = writer.engine.read(({ keys }) => keys?.isErased(id, { kind: 'projection', name, build }, undefined));
  await writer.stopAppends();
  await writer.release();
  return isErased === true;
}
