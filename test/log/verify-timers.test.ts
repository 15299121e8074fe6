/** Damage and defects in the table of timers: verify names each, and those that are sound fire nevertheless. */
import { expect, test } from 'vitest';
import {
  decodeTimerNameRow,
  encodeTimerNameRow,
  encodeTimerState,
  timerDueKey,
  timerNameKey,
  timerStateKey,
} from '#kernel/codec/timer-row';
import type { MemoryStorage } from '#kernel/storage/memory-engine';
import type { Bus } from '#store';
import { collect } from '../kit/collect.ts';
import { type TempStore, tempStore } from '../kit/temp-store.ts';

const dueMs = 5000;
const due = (sequence: number) => timerDueKey({ dueMs, sequence });

/** Three timers, `a`, `b` and `c` with the sequences 1, 2 and 3, in a store that nobody has open. */
async function storeToDamage(): Promise<TempStore> {
  const store = tempStore();
  const bus = await store.openBus({ clock: () => 1000 });
  for (const key of ['a', 'b', 'c']) await bus.schedule(key, { type: key }, { at: dueMs, key });
  await bus.close();
  return store;
}

const rowsOf = (storage: MemoryStorage) => storage.rows.timers as { key: Uint8Array; value: Uint8Array }[];
const rowAt = (storage: MemoryStorage, key: Uint8Array) =>
  rowsOf(storage).findIndex((row) => Buffer.compare(row.key, key) === 0);

function put(storage: MemoryStorage, key: Uint8Array, value: Uint8Array): void {
  remove(storage, key);
  rowsOf(storage).push({ key, value });
  rowsOf(storage).sort((left, right) => Buffer.compare(left.key, right.key));
}

function remove(storage: MemoryStorage, key: Uint8Array): void {
  const at = rowAt(storage, key);
  if (at >= 0) rowsOf(storage).splice(at, 1);
}

/** Changes one bit of a row. */
function damage(storage: MemoryStorage, key: Uint8Array): void {
  const { value } = rowsOf(storage)[rowAt(storage, key)] as { value: Uint8Array };
  value[value.length >> 1] = (value[value.length >> 1] as number) ^ 1;
}

async function problemsOf(bus: Bus): Promise<string[]> {
  const { problems } = await bus.verify();
  for (const { table } of problems) expect(table).toBe('timers');
  return problems.map(({ message }) => message);
}

/** The types of what fires once all is due, and what is told meanwhile. */
async function fired(store: TempStore): Promise<{ types: string[]; errors: unknown[]; bus: Bus }> {
  const bus = await store.openBus({ clock: () => dueMs });
  const errors: unknown[] = [];
  bus.errors$.subscribe((error) => errors.push(error));
  await bus.fireTimers();
  return { types: (await collect(bus.read())).map(({ type }) => type), errors, bus };
}

test.each<[string, (storage: MemoryStorage) => void, RegExp[]]>([
  ['a damaged timer', (storage) => damage(storage, due(2)), [/a row of timers is damaged/]],
  ['a damaged key', (storage) => damage(storage, timerNameKey('b')), [/is damaged/, /is damaged/]],
  ['a timer without its key', (storage) => remove(storage, timerNameKey('b')), [/the timer "b" has no row of its key/]],
  [
    'a key without its timer',
    (storage) => remove(storage, due(2)),
    [/the key "b" has no timer/, /2 timers .* 3 are counted/],
  ],
  [
    'a key that leads to another timer',
    (storage) => put(storage, timerNameKey('b'), encodeTimerNameRow(timerNameKey('b'), { dueMs, sequence: 1 })),
    [/the row of the key "b" is of another timer/],
  ],
  [
    'a wrong count',
    (storage) => put(storage, timerStateKey, encodeTimerState({ pending: 7, nextSequence: 4 })),
    [/3 timers are pending, and 7 are counted/],
  ],
  [
    'a sequence that would be given again',
    (storage) => put(storage, timerStateKey, encodeTimerState({ pending: 3, nextSequence: 3 })),
    [/the sequence 3 would be given again: 3 is next/],
  ],
  ['a damaged count', (storage) => damage(storage, timerStateKey), [/is damaged/, /is damaged/]],
  [
    'a row of no known kind',
    (storage) => put(storage, Buffer.from('zzz'), new Uint8Array(5)),
    [/a key that no row of this table has/],
  ],
])('verify finds %s', async (_, plant, messages) => {
  const store = await storeToDamage();
  plant(store.storage);
  const bus = await store.openBus({ readOnly: true });

  const problems = await problemsOf(bus);

  expect(problems).toEqual(messages.map((message) => expect.stringMatching(message)));
});

test('verify finds nothing wrong in timers that come and go meanwhile', async () => {
  const store = tempStore();
  const bus = await store.openBus({ clock: () => 1000 });
  let isDone = false;
  const busy = (async () => {
    for (let n = 0; !isDone; n++) {
      await bus.schedule('s', { type: 'x' }, { delayMs: n % 3 === 0 ? 0 : 60_000 + (n % 7), key: `k${n % 50}` });
      if (n % 5 === 0) await bus.cancelTimer(`k${(n * 3) % 50}`);
    }
  })();

  for (let round = 0; round < 30; round++) expect(await problemsOf(bus)).toEqual([]);
  isDone = true;
  await busy;
});

test('a damaged timer is told once, does not fire, and holds up none of the others', async () => {
  const store = await storeToDamage();
  damage(store.storage, due(1));

  const { types, errors, bus } = await fired(store);
  await bus.fireTimers();
  await bus.fireTimers();

  expect(types).toEqual(['b', 'c']);
  expect(errors).toMatchObject([{ code: 'STORE_CORRUPT', detail: { table: 'timers' } }]);
});

test('a damaged timer can be taken back by its key', async () => {
  const store = await storeToDamage();
  damage(store.storage, due(1));
  const { bus } = await fired(store);

  expect(await bus.cancelTimer('a')).toBe(true);

  expect(await bus.verify()).toMatchObject({ ok: true });
});

test('a damaged count is told and made again', async () => {
  const store = await storeToDamage();
  damage(store.storage, timerStateKey);

  const { types, errors, bus } = await fired(store);

  expect(types).toEqual(['a', 'b', 'c']);
  expect(errors).toMatchObject([{ code: 'STORE_CORRUPT' }]);
  await bus.schedule('d', { type: 'd' }, { at: dueMs + 1, key: 'd' });
  const key = timerNameKey('d');
  const { value } = rowsOf(store.storage)[rowAt(store.storage, key)] as { value: Uint8Array };
  expect(decodeTimerNameRow(key, value).sequence).toBe(4);
  expect(await bus.verify()).toMatchObject({ ok: true });
});

test('an order of a key whose row is damaged is refused, and those beside it are not', async () => {
  const store = await storeToDamage();
  damage(store.storage, timerNameKey('b'));
  const bus = await store.openBus({ clock: () => 1000 });

  const [cancelled, other] = await Promise.allSettled([bus.cancelTimer('b'), bus.cancelTimer('c')]);

  expect(cancelled).toMatchObject({ status: 'rejected', reason: { code: 'STORE_CORRUPT' } });
  expect(other).toEqual({ status: 'fulfilled', value: true });
});

test('a list of timers with a damaged one among them ends there with an error', async () => {
  const store = await storeToDamage();
  damage(store.storage, due(2));
  const bus = await store.openBus({ readOnly: true });

  await expect(collect(bus.timers())).rejects.toMatchObject({ code: 'STORE_CORRUPT', detail: { table: 'timers' } });
});
