import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ErasedSearch } from '#kernel/crypto/erased-search';
import { entryAt, headerBytes, unwrapKey, wrappedEnd } from '#kernel/crypto/key-entry';
import { KeyTable } from '#kernel/crypto/key-table';
import { type VerifyErasedOptions, verifyErased } from '#kernel/log/verify-erased';
import { KeyFileStorage } from '#kernel/storage/key-storage';
import { MemoryKeyStorage } from '#kernel/storage/memory-key-storage';
import { tempDirectory } from '../kit/temp-store.ts';
import { openBook, streamOwner } from './kit/keys.ts';

/** A store's directory with a keys file in which key 1 was erased; and the bytes that are gone. */
function erasedKey() {
  const directory = tempDirectory();
  const storage = new KeyFileStorage({ directory });
  const { book, secrets } = openBook({ storage });
  for (const stream of ['a', 'b']) book.sealing(streamOwner(stream), false);
  book.flush();
  const before = storage.read() as Buffer;
  const { key, wrapId } = secrets.wrapping() as NonNullable<ReturnType<typeof secrets.wrapping>>;
  const raw = unwrapKey({ key, wrapId, cryptoId: book.cryptoId }, before, headerBytes) as Buffer;
  const wrapped = before.subarray(headerBytes + entryAt.wrapped, headerBytes + wrappedEnd);
  book.erase({ stream: 'a' }, 1);
  const options: VerifyErasedOptions = { directory, storage, secrets, signal: undefined, onProgress: undefined };
  return { directory, raw, wrapped, options, before };
}

test('after an erasure nothing of the key is in any file', async () => {
  const { directory, options } = erasedKey();
  writeFileSync(join(directory, 'log.mdb'), randomBytes(3_000_000));

  const report = await verifyErased(options);

  expect(report).toMatchObject({ ok: true, keys: 1, files: 2, problemCount: 0, problems: [] });
  expect(report.bytes).toBe(sizeOf(directory));
});

test.each([
  ['at its beginning', 0],
  ['over the end of a piece', 2 ** 20 - 7],
  ['at the end of the last piece', 3_000_000 - 32],
])('the bytes of an erased key, or of its wrapped form, are found in a file, %s', async (_, offset) => {
  const { directory, raw, wrapped, options } = erasedKey();
  const bytes = randomBytes(3_000_000);
  mkdirSync(join(directory, 'below'));
  writeFileSync(join(directory, 'below', 'plain'), withBytes(bytes, raw, offset));
  writeFileSync(join(directory, 'log.mdb'), withBytes(bytes, wrapped, offset));

  const report = await verifyErased(options);

  expect(report.ok).toBe(false);
  expect(report.problems).toHaveLength(2);
  expect(report.problems).toContainEqual({ file: join('below', 'plain'), offset, keyId: 1, what: 'key' });
  expect(report.problems).toContainEqual({ file: 'log.mdb', offset, keyId: 1, what: 'wrapped key' });
});

test('a copy of the keys file from before the erasure is found', async () => {
  const { directory, options, before } = erasedKey();
  writeFileSync(join(directory, 'keys.old'), before);

  const { problems } = await verifyErased(options);

  expect(problems).toEqual([
    { file: 'keys.old', offset: headerBytes + entryAt.wrapped, keyId: 1, what: 'wrapped key' },
  ]);
});

test('the search tells how far it is, and ends when it is asked to', async () => {
  const { directory, options } = erasedKey();
  writeFileSync(join(directory, 'log.mdb'), Buffer.alloc(4_000_000));
  const total = sizeOf(directory);
  const seen: number[] = [];
  const controller = new AbortController();

  await verifyErased({ ...options, onProgress: ({ bytes, bytesTotal }) => void seen.push(bytes / bytesTotal) });
  const aborted = verifyErased({ ...options, signal: controller.signal, onProgress: () => controller.abort() });

  await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
  expect(seen.at(-1)).toBe(1);
  expect(seen.length).toBe(5);
  expect(total).toBeGreaterThan(4_000_000);
});

test('a thousand erased keys are found among others in memory', () => {
  const storage = new MemoryKeyStorage('keys');
  const { book, secrets } = openBook({ storage });
  for (let key = 0; key < 1000; key += 1) book.sealing(streamOwner('a', `${key}`), false);
  book.sealing(streamOwner('b'), false);
  book.flush();
  const before = Buffer.from(storage.bytes as Buffer);
  book.erase({ stream: 'a' }, 1);

  const search = new ErasedSearch(new KeyTable(storage.bytes as Buffer, 'keys'), secrets);

  expect(search.find(storage.bytes as Buffer)).toEqual([]);
  expect(search.find(before).map(({ keyId }) => keyId)).toEqual([...Array(1000).keys()].map((index) => index + 1));
});

function withBytes(bytes: Buffer, planted: Buffer, offset: number): Buffer {
  const copy = Buffer.from(bytes);
  planted.copy(copy, offset);
  return copy;
}

function sizeOf(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
}
