/** Defects that no checksum shows, planted in a store: verify names each, and changes nothing. */
import { expect, test } from 'vitest';
import { Block } from '#kernel/codec/block';
import { BlockPacker } from '#kernel/codec/block-packer';
import {
  decodeIdempotencyRow,
  decodeIndexRun,
  decodeStreamRow,
  encodeIdempotencyRow,
  encodeIndexRun,
  encodeStreamRow,
  indexKey,
  openRow,
  sealRow,
  textKey,
} from '#kernel/codec/row';
import { encodeRequest } from '#kernel/log/append-request';
import { metaNumberRow } from '#kernel/log/store-meta';
import type { RowWrite, TableName } from '#kernel/storage/engine';
import type { MemoryStorage } from '#kernel/storage/memory-engine';
import { type Bus, limits } from '#store';
import { engineKinds, type TempStore, tempStore } from '../kit/temp-store.ts';
import { isSealed } from '../kit/test-key.ts';

const options = { clock: () => 5000 };

/** A store with streams `a` (600 versions, three runs), `b` and `c`, two keys, all in the index; then a tail of two events. */
async function storeToDamage(): Promise<TempStore> {
  const store = tempStore();
  const before = await store.openBus(options);
  await before.append(
    'a',
    Array.from({ length: 600 }, () => ({ type: 'x' })),
    { idempotencyKey: 'key-a' },
  );
  await before.append('b', [{ type: 'x' }, { type: 'y' }], { idempotencyKey: 'key-b' });
  await before.append('c', { type: 'x' });
  await before.close();
  const bus = await store.openBus(options);
  await bus.append('c', { type: 'tail' });
  await bus.append('d', { type: 'tail' }, { idempotencyKey: 'key-d' });
  store.crash(bus);
  return store;
}

/** Opens the damaged store without changing it. */
function openReader(store: TempStore): Promise<Bus> {
  return store.openBus({ readOnly: true });
}

interface Defect {
  readonly table: string;
  readonly position?: number;
  readonly message: RegExp;
}

const rowsOf = (storage: MemoryStorage, table: TableName) =>
  storage.rows[table] as { key: Uint8Array; value: Uint8Array }[];

/** Puts a row in its place. */
function put(storage: MemoryStorage, { table, key, value }: RowWrite): void {
  remove(storage, table, key);
  if (value === undefined) return;
  rowsOf(storage, table).push({ key, value });
  rowsOf(storage, table).sort((left, right) => Buffer.compare(left.key, right.key));
}

function remove(storage: MemoryStorage, table: TableName, key: Uint8Array): void {
  const rows = rowsOf(storage, table);
  const at = rows.findIndex((row) => Buffer.compare(row.key, key) === 0);
  if (at >= 0) rows.splice(at, 1);
}

function valueAt(storage: MemoryStorage, table: TableName, key: Uint8Array): Uint8Array {
  return rowsOf(storage, table).find((row) => Buffer.compare(row.key, key) === 0)?.value as Uint8Array;
}

/** Changes fields of a row, checksum and all. */
function changeStream(storage: MemoryStorage, stream: string, change: object): void {
  const key = textKey(stream);
  const row = decodeStreamRow(key, valueAt(storage, 'streams', key));
  put(storage, { table: 'streams', key, value: encodeStreamRow(key, { ...row, ...change }) });
}

function changeKey(storage: MemoryStorage, text: string, change: object): void {
  const key = textKey(text);
  const row = decodeIdempotencyRow(key, valueAt(storage, 'idempotency', key));
  put(storage, { table: 'idempotency', key, value: encodeIdempotencyRow(key, { ...row, ...change }) });
}

function changeRun(
  storage: MemoryStorage,
  stream: string,
  version: number,
  change: (entries: ReturnType<typeof decodeIndexRun>) => ReturnType<typeof decodeIndexRun>,
): void {
  const key = indexKey(stream, version);
  const entries = change(decodeIndexRun(key, valueAt(storage, 'stream_index', key)));
  put(storage, { table: 'stream_index', key, value: encodeIndexRun(key, entries) });
}

/** Moves a value under another key, with a checksum that fits. */
function moveRow(storage: MemoryStorage, table: TableName, from: Uint8Array, to: Uint8Array): void {
  const payload = openRow(table, from, valueAt(storage, table, from));
  put(storage, { table, key: to, value: sealRow(to, payload) });
  remove(storage, table, from);
}

const blockOf = (storage: MemoryStorage, position: number) =>
  storage.blocks.findIndex(
    ({ firstPosition, bytes }) =>
      firstPosition <= position && new Block(bytes, firstPosition, 'whole').lastPosition >= position,
  );

test.each(engineKinds)('verify finds nothing wrong in a sound store and counts what is there (%s)', async (kind) => {
  const store = tempStore(kind);
  const before = await store.openBus({ ...options, durability: 'os' });
  await before.append('a', [{ type: 'x' }, { type: 'x' }], { idempotencyKey: 'k' });
  await before.append('b', { type: 'x' });
  await before.close();
  const bus = await store.openBus({ ...options, durability: 'os' });
  await bus.append('a', { type: 'x' }, { idempotencyKey: 'l' });

  const report = await bus.verify();

  expect(report).toStrictEqual({
    ok: true,
    head: 4,
    indexedPosition: 3,
    blocks: 3,
    commits: 3,
    events: 4,
    streams: 2,
    idempotencyKeys: 1,
    encryption: isSealed ? { sealedEvents: 4, erasedEvents: 0, plainEvents: 0 } : undefined,
    erased: undefined,
    problemCount: 0,
    problems: [],
  });
});

test('verify finds nothing wrong in an empty store', async () => {
  const bus = await tempStore().openBus();

  const report = await bus.verify();

  expect(report).toMatchObject({ ok: true, head: 0, events: 0 });
});

test.each<[string, (storage: MemoryStorage) => void, Defect]>([
  [
    'a missing row of streams',
    (storage) => remove(storage, 'streams', textKey('b')),
    { table: 'streams', message: /"b" has no row/ },
  ],
  [
    'an extra row of streams',
    (storage) => {
      const key = textKey('ghost');
      const row = { version: 1, lastPosition: 1, runVersion: 1, keyId: 0 };
      put(storage, { table: 'streams', key, value: encodeStreamRow(key, row) });
    },
    { table: 'streams', message: /"ghost"/ },
  ],
  [
    'an extra row of streams that is ahead of the log',
    (storage) => {
      const key = textKey('ghost');
      const row = { version: 1, lastPosition: 10_000, runVersion: 1, keyId: 0 };
      put(storage, { table: 'streams', key, value: encodeStreamRow(key, row) });
    },
    { table: 'streams', message: /"ghost"/ },
  ],
  [
    'a wrong version in streams',
    (storage) => changeStream(storage, 'b', { version: 3 }),
    { table: 'streams', message: /"b" says version 3/ },
  ],
  [
    'a wrong last position in streams',
    (storage) => changeStream(storage, 'b', { lastPosition: 601 }),
    { table: 'streams', message: /"b"/ },
  ],
  [
    'a row of streams that knows of the tail',
    (storage) => changeStream(storage, 'c', { version: 2, lastPosition: 604 }),
    { table: 'streams', message: /"c"/ },
  ],
  [
    'a wrong newest run in streams',
    (storage) => changeStream(storage, 'a', { runVersion: 257 }),
    { table: 'streams', message: /"a".*257.*513/ },
  ],
  [
    'a row of streams under another name',
    (storage) => moveRow(storage, 'streams', textKey('b'), textKey('bb')),
    { table: 'streams', message: /"bb"/ },
  ],
  [
    'a missing run',
    (storage) => remove(storage, 'stream_index', indexKey('a', 257)),
    { table: 'stream_index', message: /"a" has a run at version 513 instead of 257/ },
  ],
  [
    'a missing newest run',
    (storage) => remove(storage, 'stream_index', indexKey('a', 513)),
    { table: 'stream_index', message: /runs of "a"/ },
  ],
  [
    'an extra run of a stream that does not exist',
    (storage) => {
      const key = indexKey('ghost', 1);
      put(storage, { table: 'stream_index', key, value: encodeIndexRun(key, [{ position: 1, block: 1 }]) });
    },
    { table: 'stream_index', message: /"ghost"/ },
  ],
  [
    'an extra run behind the newest',
    (storage) => {
      const key = indexKey('b', 3);
      put(storage, { table: 'stream_index', key, value: encodeIndexRun(key, [{ position: 601, block: 601 }]) });
    },
    { table: 'stream_index', message: /runs of "b"/ },
  ],
  [
    'an empty run',
    (storage) => {
      const key = indexKey('b', 3);
      put(storage, { table: 'stream_index', key, value: encodeIndexRun(key, []) });
    },
    { table: 'stream_index', message: /"b" is empty/ },
  ],
  [
    'a run with an event too many',
    (storage) => changeRun(storage, 'b', 1, (entries) => [...entries, { position: 603, block: 603 }]),
    { table: 'stream_index', message: /runs of "b"/ },
  ],
  [
    'a run that knows of the tail',
    (storage) => changeRun(storage, 'c', 1, (entries) => [...entries, { position: 604, block: 604 }]),
    { table: 'stream_index', message: /"c".*behind what is indexed/ },
  ],
  [
    'a run with an event too few',
    (storage) => changeRun(storage, 'b', 1, (entries) => entries.slice(1)),
    { table: 'stream_index', message: /runs of "b"/ },
  ],
  [
    'a run with a wrong position',
    (storage) => changeRun(storage, 'b', 1, ([first]) => [first!, { ...first!, position: 603 }]),
    { table: 'stream_index', message: /runs of "b"/ },
  ],
  [
    'a run with a wrong block',
    (storage) => changeRun(storage, 'b', 1, ([first, second]) => [first!, { ...second!, block: second!.position }]),
    { table: 'stream_index', message: /runs of "b"/ },
  ],
  [
    'a run under another version',
    (storage) => moveRow(storage, 'stream_index', indexKey('a', 257), indexKey('a', 258)),
    { table: 'stream_index', message: /"a" has a run at version 258 instead of 257/ },
  ],
  [
    'a missing row of a key',
    (storage) => remove(storage, 'idempotency', textKey('key-b')),
    { table: 'idempotency', position: 601, message: /"key-b" has no row/ },
  ],
  [
    'an extra row of a key',
    (storage) => {
      const key = textKey('ghost');
      const row = { firstPosition: 601, eventCount: 2, timeMs: 5000, hash: new Uint8Array(32) };
      put(storage, { table: 'idempotency', key, value: encodeIdempotencyRow(key, row) });
    },
    { table: 'idempotency', position: 601, message: /no such commit of the key "ghost"/ },
  ],
  [
    'a row of a key that names an earlier commit',
    (storage) => changeKey(storage, 'key-b', { firstPosition: 1 }),
    { table: 'idempotency', position: 601, message: /"key-b" is of another commit/ },
  ],
  [
    'a row of a key that names a later commit',
    (storage) => changeKey(storage, 'key-b', { firstPosition: 603 }),
    { table: 'idempotency', position: 603, message: /no such commit of the key "key-b"/ },
  ],
  [
    'a row of a key with another hash',
    (storage) => changeKey(storage, 'key-b', { hash: new Uint8Array(32) }),
    { table: 'idempotency', position: 601, message: /"key-b"/ },
  ],
  [
    'a row of a key with another number of events',
    (storage) => changeKey(storage, 'key-b', { eventCount: 1 }),
    { table: 'idempotency', position: 601, message: /"key-b"/ },
  ],
  [
    'a row of a key with another time',
    (storage) => changeKey(storage, 'key-b', { timeMs: 4999 }),
    { table: 'idempotency', position: 601, message: /"key-b"/ },
  ],
  [
    'a row of a key under another name',
    (storage) => moveRow(storage, 'idempotency', textKey('key-b'), textKey('key-x')),
    { table: 'idempotency', message: /key-/ },
  ],
  [
    'a missing block',
    (storage) => storage.blocks.splice(blockOf(storage, 601), 1),
    { table: 'events_log', position: 603, message: /a gap: position 601 is missing/ },
  ],
  [
    'a missing block in the middle of a commit',
    (storage) => storage.blocks.splice(blockOf(storage, 300), 1),
    { table: 'events_log', message: /a gap/ },
  ],
  [
    'a missing first block',
    (storage) => storage.blocks.splice(0, 1),
    { table: 'events_log', message: /a gap: position 1 is missing/ },
  ],
  [
    'a missing end of the log',
    (storage) => storage.blocks.splice(blockOf(storage, 603)),
    { table: 'meta', position: 602, message: /indexedPosition is 603, the log ends at 602/ },
  ],
  [
    'a block under another position',
    (storage) => {
      const block = storage.blocks.at(-1) as { firstPosition: number };
      block.firstPosition++;
    },
    { table: 'events_log', position: 606, message: /position of the block/ },
  ],
  [
    'an index that is said to reach further than the log',
    (storage) => put(storage, metaNumberRow('indexedPosition', 1000)),
    { table: 'meta', message: /indexedPosition is 1000, the log ends at 605/ },
  ],
  [
    'an index that is said to reach further than it does',
    (storage) => put(storage, metaNumberRow('indexedPosition', 605)),
    { table: 'streams', message: /"c" says version 1/ },
  ],
  [
    'an index that is said to reach less far than it does',
    (storage) => put(storage, metaNumberRow('indexedPosition', 602)),
    { table: 'streams', message: /"c" says version 1/ },
  ],
  [
    'a missing row of meta',
    (storage) => remove(storage, 'meta', textKey('writerEpoch')),
    { table: 'meta', message: /writerEpoch/ },
  ],
  [
    'a row of meta of a wrong length',
    (storage) =>
      put(storage, {
        table: 'meta',
        key: textKey('sweptPosition'),
        value: sealRow(textKey('sweptPosition'), new Uint8Array(5)),
      }),
    { table: 'meta', message: /sweptPosition/ },
  ],
  [
    'a durability that nobody knows',
    (storage) =>
      put(storage, {
        table: 'meta',
        key: textKey('durability'),
        value: sealRow(textKey('durability'), Uint8Array.of(9)),
      }),
    { table: 'meta', message: /durability/ },
  ],
])('verify finds %s', async (_, damage, { table, position, message }) => {
  const store = await storeToDamage();
  // A bus reads the identity at once; verify may be asked of one that is open already.
  const bus = await openReader(store);

  damage(store.storage);
  const before = structuredClone(store.storage);
  const report = await bus.verify();

  expect(report.ok).toBe(false);
  expect(report.problemCount).toBe(report.problems.length);
  const where = position === undefined ? { table } : { table, position };
  expect(report.problems).toContainEqual(
    expect.objectContaining({ ...where, message: expect.stringMatching(message) }),
  );
  expect(structuredClone(store.storage)).toEqual(before);
});

test.each<[string, (packer: BlockPacker) => void, RegExp]>([
  ['a version that is left out', (packer) => add(packer, { stream: 'd', version: 3 }), /"d" goes from version 1 to 3/],
  ['a version that comes twice', (packer) => add(packer, { stream: 'd', version: 1 }), /"d" goes from version 1 to 1/],
  ['a time that goes back', (packer) => add(packer, { timeMs: 4999 }), /the time goes back/],
  ['a commit that is not whole', (packer) => add(packer, { eventCount: 2 }), /the last commit is not whole/],
])('verify finds %s in the log', async (_, write, message) => {
  const store = await storeToDamage();
  const packer = new BlockPacker(new Uint8Array(16));
  packer.start(606);
  write(packer);
  for (const { firstPosition, bytes } of packer.finish())
    (store.storage.blocks as { firstPosition: number; bytes: Uint8Array }[]).push({
      firstPosition,
      bytes: Uint8Array.from(bytes),
    });

  const report = await (await openReader(store)).verify();

  expect(report.problems).toContainEqual({
    table: 'events_log',
    position: 606,
    message: expect.stringMatching(message),
  });
});

/** Writes a block of one event. */
function add(
  packer: BlockPacker,
  place: { stream?: string; version?: number; timeMs?: number; eventCount?: number },
): void {
  const { records } = encodeRequest([{ stream: 'd', events: { type: 'x' } }], {}, 0);
  packer.beginCommit(place.eventCount ?? 1, undefined);
  const { stream = 'd', version = 2, timeMs = 5000 } = place;
  packer.add({ stream, type: 'x', version, timeMs }, records, 0, records.length);
}

test('verify goes on behind a damaged block and finds the next one', async () => {
  const store = await storeToDamage();
  const { blocks } = store.storage;
  const first = blockOf(store.storage, 300);
  const last = blocks.length - 1;
  for (const at of [first, last]) {
    const { bytes } = blocks[at] as { bytes: Uint8Array };
    bytes[60] = (bytes[60] as number) ^ 1;
  }

  const report = await (await openReader(store)).verify();

  expect(report.problems.map(({ table, position }) => [table, position])).toEqual([
    ['events_log', blocks[first]?.firstPosition],
    ['events_log', blocks[last]?.firstPosition],
  ]);
  expect(report.blocks).toBe(blocks.length);
});

test('verify lists at most 100 problems and counts the others', async () => {
  const store = tempStore();
  const bus = await store.openBus();
  for (let call = 0; call < 150; call++) await bus.append('a', { type: 'x' });
  store.crash(bus);
  for (const { bytes } of store.storage.blocks) bytes[60] = (bytes[60] as number) ^ 1;

  const report = await (await openReader(store)).verify();

  expect(report.problems).toHaveLength(limits.verifyProblemsMax);
  expect(report.problemCount).toBe(150);
});

test('verify tells how far it has come, and what its listener throws ends it', async () => {
  const store = await storeToDamage();
  const bus = await openReader(store);
  const seen: { position: number; head: number }[] = [];
  const cause = new Error('enough');

  await bus.verify({ onProgress: (progress) => seen.push(progress) });
  const ended = bus.verify({
    onProgress: () => {
      throw cause;
    },
  });

  expect(seen[0]).toMatchObject({ head: 605 });
  expect(seen.at(-1)).toEqual({ position: 605, head: 605 });
  await expect(ended).rejects.toBe(cause);
});

test('verify ends when its signal is aborted', async () => {
  const store = await storeToDamage();
  const bus = await openReader(store);
  const controller = new AbortController();

  const ended = bus.verify({ signal: controller.signal, onProgress: () => controller.abort('enough') });

  await expect(ended).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' });
});

test('verify of a store that is being written finds nothing wrong', async () => {
  const bus = await tempStore().openBus();
  let isDone = false;
  const appending = (async () => {
    for (let call = 0; !isDone; call++) {
      await bus.append(
        `s-${call % 50}`,
        Array.from({ length: 500 }, () => ({ type: 'x' })),
        { idempotencyKey: `key-${call}` },
      );
    }
  })();

  const reports = [];
  for (let round = 0; round < 20; round++) reports.push(await bus.verify());
  isDone = true;
  await appending;

  for (const report of reports) expect(report.problems).toEqual([]);
  expect(bus.info().indexedPosition).toBeGreaterThan(0);
});
