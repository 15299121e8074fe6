/**
 * One damaged bit anywhere in a stored block, row or key: whoever reads it gets the right answer or a typed error, and verify
 * finds it. The limits are small, so that the log has several blocks, and its index several runs.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { TableName } from '#kernel/storage/engine';
import type { MemoryStorage } from '#kernel/storage/memory-engine';
import { Bus, BusError, type NewEvent, type StoredEvent, type StreamInfo } from '#store';
import { collect } from '../kit/collect.ts';
import { TempStore } from '../kit/temp-store.ts';
import { isSealed } from '../kit/test-key.ts';

vi.mock('#kernel/limits', async (importOriginal) => ({
  ...(await importOriginal<typeof import('#kernel/limits')>()),
  blockBytesMax: 700,
  indexRunEventsMax: 4,
  pageEventsMax: 5,
}));

const streams = ['a', 'b-ö', 'c'];
const options = { clock: () => 5000, idempotencyTtlMs: 1000 };
const keyedEvent: NewEvent = { type: 'keyed', id: 'text id', data: 1 };

/** What is right. */
interface Truth {
  readonly events: StoredEvent[];
  readonly streams: StreamInfo[];
}

/** A store of some blocks, half of it in the index, and what reads of it gave. */
async function storeWithTruth(): Promise<{ store: TempStore; truth: Truth }> {
  const store = new TempStore('memory');
  let bus = await store.openBus(options);
  for (let call = 0; call < 14; call++) {
    if (call === 8) {
      await bus.close();
      bus = await store.openBus(options);
    }
    const data = { call, text: 'x'.repeat((call * 37) % 300), bytes: Uint8Array.of(call) };
    await bus.append(streams[call % 3] as string, [
      { type: `type-${call % 2}`, data },
      { type: 'größe', id: `id-${call}`, metadata: { call } },
    ]);
    await bus.append('c', keyedEvent, { idempotencyKey: `key-${call}` });
  }
  const truth = { events: await collect(bus.read()), streams: await collect(bus.streams()) };
  for (const event of truth.events) structuredClone(event);
  store.crash(bus);
  return { store, truth };
}

/** Everything that can be asked, each answer held against the truth. */
function questions(truth: Truth): [string, (bus: Bus) => Promise<unknown>, unknown][] {
  const ofStream = (stream: string) => truth.events.filter((event) => event.stream === stream);
  return [
    ['read', (bus) => collect(bus.read()), truth.events],
    ['read backward', (bus) => collect(bus.read({ direction: 'backward' })), [...truth.events].reverse()],
    [
      'read with a filter',
      (bus) => collect(bus.read({ types: ['größe'] })),
      truth.events.filter(({ type }) => type === 'größe'),
    ],
    ...streams.map((stream): [string, (bus: Bus) => Promise<unknown>, unknown] => [
      `readStream ${stream}`,
      (bus) => collect(bus.readStream(stream)),
      ofStream(stream),
    ]),
    ...truth.events.map((event): [string, (bus: Bus) => Promise<unknown>, unknown] => [
      `event ${event.position}`,
      (bus) => bus.event(event.position),
      event,
    ]),
    ['streams', (bus) => collect(bus.streams()), truth.streams],
    ...truth.streams.map(({ stream, ...head }): [string, (bus: Bus) => Promise<unknown>, unknown] => [
      `stream ${stream}`,
      (bus) => bus.stream(stream),
      head,
    ]),
  ];
}

const damageCodes = ['STORE_CORRUPT', 'STORE_FORMAT', ...(isSealed ? ['DECRYPTION_FAILED'] : [])];

/** Asks everything; returns the questions that met the damage. */
async function ask(bus: Bus, truth: Truth): Promise<string[]> {
  const failed: string[] = [];
  for (const [name, question, right] of questions(truth)) {
    try {
      const answer = await question(bus);
      if (!isDeepStrictEqual(answer, right)) expect(answer, name).toStrictEqual(right);
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      expect(damageCodes).toContain(error.code);
      failed.push(name);
    }
  }
  return failed;
}

/** A bus on the store; `undefined` when it refuses to open. A writer reads the tail at once, a reader when it is asked. */
async function openDamaged(store: TempStore, readOnly: boolean): Promise<Bus | undefined> {
  const bus = await store.openBus({ ...options, readOnly }).catch((error: unknown) => error);
  if (bus instanceof Bus) return bus;
  expect(bus).toMatchObject({ code: expect.toBeOneOf(damageCodes) });
  return undefined;
}

/** One bit of a block, a row's value or a row's key. */
type Flip = { readonly place: number; readonly byte: number; readonly bit: number };

const flip: fc.Arbitrary<Flip> = fc.record({
  place: fc.nat(),
  byte: fc.oneof(fc.nat(), fc.nat(60)),
  bit: fc.nat(7),
});

function flipBit(bytes: Uint8Array, { byte, bit }: Flip): void {
  const at = byte % bytes.length;
  bytes[at] = (bytes[at] as number) ^ (1 << bit);
}

test('a bit that flips in a block is never served', async () => {
  const { store: intact, truth } = await storeWithTruth();

  await fc.assert(
    fc.asyncProperty(flip, fc.boolean(), async (where, readOnly) => {
      await using store = copyOf(intact);
      const block = store.storage.blocks[where.place % store.storage.blocks.length];
      flipBit(block?.bytes as Uint8Array, where);
      const bus = await openDamaged(store, readOnly);
      if (bus === undefined) return;

      const failed = await ask(bus, truth);

      expect(failed).toContain('read');
      const report = await bus.verify();
      expect(report.problems[0]).toMatchObject({ table: 'events_log', position: expect.any(Number) });
      store.crash(bus);
    }),
  );
});

test.each<TableName>(['streams', 'stream_index', 'idempotency', 'meta'])(
  'a bit that flips in a row of %s is never served',
  async (table) => {
    const { store: intact, truth } = await storeWithTruth();

    await fc.assert(
      fc.asyncProperty(flip, fc.boolean(), async (where, readOnly) => {
        await using store = copyOf(intact);
        const rows = store.storage.rows[table];
        flipBit(rows[where.place % rows.length]?.value as Uint8Array, where);
        const bus = await openDamaged(store, readOnly);
        if (bus === undefined) return;

        await ask(bus, truth);

        const report = await bus.verify();
        expect(report.problems[0]).toMatchObject({ table });
        store.crash(bus);
      }),
    );
  },
);

test.each<TableName>(['streams', 'stream_index', 'idempotency'])(
  'a bit that flips in a key of %s is never served',
  async (table) => {
    const { store: intact, truth } = await storeWithTruth();

    await fc.assert(
      fc.asyncProperty(flip, fc.boolean(), async (where, readOnly) => {
        await using store = copyOf(intact);
        const rows = store.storage.rows[table];
        flipBit(rows[where.place % rows.length]?.key as Uint8Array, where);
        rows.sort((left, right) => Buffer.compare(left.key, right.key));
        const bus = await openDamaged(store, readOnly);
        if (bus === undefined) return;

        await ask(bus, truth);

        const report = await bus.verify();
        expect(report.problems.map((problem) => problem.table)).toContain(table);
        store.crash(bus);
      }),
    );
  },
);

test('a bit that flips in what a retry depends on makes no wrong duplicate', async () => {
  const { store: intact, truth } = await storeWithTruth();
  const firsts = truth.events.filter(({ type }) => type === 'keyed').map(({ position }) => position);

  await fc.assert(
    fc.asyncProperty(flip, fc.constantFrom('blocks', 'idempotency'), async (where, damaged) => {
      await using store = copyOf(intact);
      const values =
        damaged === 'blocks'
          ? store.storage.blocks.map(({ bytes }) => bytes)
          : store.storage.rows.idempotency.map(({ value }) => value);
      flipBit(values[where.place % values.length] as Uint8Array, where);
      const bus = await openDamaged(store, false);
      if (bus === undefined) return;

      for (const [call, firstPosition] of firsts.entries()) {
        const outcome = await bus
          .append('c', keyedEvent, { idempotencyKey: `key-${call}` })
          .catch((error: unknown) => error);

        if (outcome instanceof BusError) expect(damageCodes).toContain(outcome.code);
        else expect(outcome).toMatchObject({ firstPosition, duplicate: true });
      }
      store.crash(bus);
    }),
  );
});

/** A store with the data of another. */
function copyOf(original: TempStore): TempStore {
  const store = new TempStore('memory');
  const { blocks, rows, transactionId, keys } = structuredClone(original.storage) as MemoryStorage;
  store.storage.blocks.push(...blocks);
  Object.assign(store.storage.rows, rows);
  store.storage.transactionId = transactionId;
  if (keys.bytes !== undefined) store.storage.keys.bytes = Buffer.from(keys.bytes);
  return store;
}
