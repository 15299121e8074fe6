/** What a later release wrote is not read, and not taken for damage. */
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { Block, blockField } from '#kernel/codec/block';
import { writeU32 } from '#kernel/codec/bytes';
import { recordField } from '#kernel/codec/record';
import { metaNumberRow } from '#kernel/log/store-meta';
import { collect } from '../kit/collect.ts';
import { type TempStore, tempStore } from '../kit/temp-store.ts';

/** Position 1 is in the index, position 2 in the tail. Plain: what is sealed has other bytes than these tests write. */
async function storeOfTwo(): Promise<TempStore> {
  const store = tempStore();
  const before = await store.openBus({ encryption: undefined });
  await before.append('a', { type: 'x' });
  await before.close();
  const bus = await store.openBus({ encryption: undefined });
  await bus.append('a', { type: 'x' });
  store.crash(bus);
  return store;
}

/** Changes one byte of the header of the block at `position` and makes its checksums right again. */
function rewriteHeader(store: TempStore, position: number, at: number, value: number): void {
  const { bytes } = store.storage.blocks[position - 1] as { bytes: Uint8Array };
  bytes[at] = value;
  seal(bytes);
}

/** Changes one byte of the record at `position`, and all checksums. */
function rewriteRecord(store: TempStore, position: number, field: number, value: number): void {
  const { bytes } = store.storage.blocks[position - 1] as { bytes: Uint8Array };
  const block = new Block(bytes, position, 'whole');
  const at = block.recordAt(0);
  bytes[at + field] = value;
  writeU32(bytes, at + recordField.crc, crc32(bytes.subarray(at + recordField.flags, block.recordEnd(0))));
  seal(bytes);
}

function seal(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const directoryAt = view.getUint32(blockField.directoryAt, true);
  const directory = crc32(bytes.subarray(directoryAt, bytes.length - 8), crc32(bytes.subarray(0, 48)));
  writeU32(bytes, bytes.length - 8, directory);
  writeU32(bytes, bytes.length - 4, crc32(bytes.subarray(0, bytes.length - 4)));
}

const laterFormat = { code: 'STORE_FORMAT', detail: { supported: 1 } };

test('the helpers of this file leave a block that is not changed as it is', async () => {
  const store = await storeOfTwo();
  const before = Buffer.from(store.storage.blocks[0]?.bytes as Uint8Array);

  rewriteHeader(store, 1, blockField.cipher, 0);
  rewriteRecord(store, 1, recordField.sealBytes, 0);

  expect(Buffer.from(store.storage.blocks[0]?.bytes as Uint8Array)).toEqual(before);
});

test.each([
  ['format version', blockField.formatVersion, 2, 2],
  ['cipher', blockField.cipher, 2, 1],
] as const)('a block of a later %s is refused by every read with STORE_FORMAT', async (_, field, value, found) => {
  const store = await storeOfTwo();
  rewriteHeader(store, 1, field, value);
  const bus = await store.openBus({ readOnly: true, encryption: undefined });

  await expect(bus.event(1)).rejects.toMatchObject({ ...laterFormat, detail: { found } });
  await expect(collect(bus.read())).rejects.toMatchObject(laterFormat);
  await expect(collect(bus.readStream('a'))).rejects.toMatchObject(laterFormat);
  expect(await bus.event(2)).toMatchObject({ position: 2 });
  const report = await bus.verify();
  expect(report.problems).toMatchObject([{ table: 'events_log', message: /later release/ }]);
});

test('a later format version without the right checksum is damage', async () => {
  const store = await storeOfTwo();
  (store.storage.blocks[0]?.bytes as Uint8Array)[blockField.formatVersion] = 2;
  const bus = await store.openBus({ readOnly: true, encryption: undefined });

  await expect(bus.event(1)).rejects.toMatchObject({ code: 'STORE_CORRUPT', detail: { position: 1 } });
});

test.each([
  ['flag', recordField.flags, 4],
  ['reserved bit', recordField.reserved, 1],
] as const)('a record with a %s of a later release is refused and not misread', async (_, field, value) => {
  const store = await storeOfTwo();
  rewriteRecord(store, 1, field, value);
  const bus = await store.openBus({ readOnly: true, encryption: undefined });

  await expect(bus.event(1)).rejects.toMatchObject(laterFormat);
  await expect(collect(bus.readStream('a'))).rejects.toMatchObject(laterFormat);
  await expect(collect(bus.read())).rejects.toMatchObject(laterFormat);
  expect((await bus.verify()).ok).toBe(false);
});

test('a writer does not open a store whose tail has a block of a later format', async () => {
  const store = await storeOfTwo();
  rewriteHeader(store, 2, blockField.formatVersion, 2);

  await expect(store.openBus({ encryption: undefined })).rejects.toMatchObject({
    ...laterFormat,
    detail: { found: 2 },
  });
});

test.each([true, false])('a store of a later format is not opened (read-only: %s)', async (readOnly) => {
  const store = await storeOfTwo();
  const row = metaNumberRow('formatVersion', 2);
  const rows = store.storage.rows.meta as { key: Uint8Array; value: Uint8Array }[];
  const stored = rows.find(({ key }) => Buffer.compare(key, row.key) === 0) as { value: Uint8Array };
  stored.value = row.value;
  const before = structuredClone(store.storage.rows);

  const opened = store.openBus({ readOnly });

  await expect(opened).rejects.toMatchObject({ code: 'STORE_FORMAT', detail: { found: 2, supported: 1 } });
  expect(store.storage.rows).toEqual(before);
});
