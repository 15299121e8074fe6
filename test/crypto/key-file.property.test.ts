import { crc32 as crcOf } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { entryBytes, headerBytes } from '#kernel/crypto/key-entry';
import { readMasterKeyId, readSecrets } from '#kernel/crypto/key-file';
import { type BusError, isBusError } from '#kernel/errors';
import { MemoryKeyStorage } from '#kernel/storage/memory-key-storage';
import { factsOf, masterKeyOf, openBook, printOf, streamOwner } from './kit/keys.ts';

const streams = ['a', 'b', 'c', 'd'];

/** A file with keys 1 to 4, of which the second is erased, and a fifth that was appended; and what is known of it. */
function someKeys() {
  const storage = new MemoryKeyStorage('keys');
  const { book } = openBook({ storage, masterKey: masterKeyOf(1, 'the first') });
  for (const stream of streams) book.sealing(streamOwner(stream), false);
  book.erase({ stream: 'b' }, 5);
  book.sealing(streamOwner('e'), false);
  book.flush();
  return { storage, facts: factsOf(book), bytes: storage.bytes as Buffer };
}

/** What every key is, or the code of the refusal. */
function seen(bytes: Buffer, facts: ReturnType<typeof factsOf> | undefined): unknown {
  const storage = new MemoryKeyStorage('keys');
  storage.bytes = Buffer.from(bytes);
  try {
    const { book } = openBook({ storage, facts });
    const ids = [...Array(book.lastKeyId).keys()].map((index) => index + 1);
    return ids.map((id) => printOf(book.open(id, streamOwner([...streams, 'e'][id - 1] as string), 1)));
  } catch (error) {
    return (error as BusError).code;
  }
}

test('any single bit that is changed in a keys file is noticed', () => {
  const { bytes, facts } = someKeys();
  const whole = seen(bytes, facts) as unknown[];

  for (let bit = 0; bit < bytes.length * 8; bit += process.env.TEST_LONG === undefined ? 7 : 1) {
    const changed = Buffer.from(bytes);
    (changed[bit >> 3] as number) ^= 1 << (bit & 7);
    const isLast = bit >> 3 >= bytes.length - entryBytes;

    expect(seen(changed, facts)).toBe('STORE_CORRUPT');
    if (isLast) expect(seen(changed, undefined)).toEqual(whole.slice(0, -1));
  }
  expect(whole.map((print) => print !== undefined)).toEqual([true, false, true, true, true]);
});

test('a file that ends anywhere within what was appended has lost that, and says so if it was used', () => {
  const { bytes, facts } = someKeys();
  const whole = seen(bytes, facts) as unknown[];
  const appended = bytes.length - entryBytes;

  fc.assert(
    fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (end) => {
      const cut = bytes.subarray(0, end);
      expect(seen(cut, facts)).toBe('STORE_CORRUPT');
      expect(seen(cut, undefined)).toEqual(end >= appended ? whole.slice(0, -1) : 'STORE_CORRUPT');
    }),
  );
});

test('what a crash left behind the end is cut off, and new keys follow there', () => {
  const { storage, facts, bytes } = someKeys();
  storage.bytes = Buffer.concat([bytes, Buffer.alloc(3 * entryBytes + 5, 7)]);

  const { book } = openBook({ storage, facts });
  book.sealing(streamOwner('new'), false);
  book.flush();

  expect(storage.bytes.length).toBe(bytes.length + entryBytes);
  expect(openBook({ storage, facts: factsOf(book) }).book.lastKeyId).toBe(6);
});

test('a keys file that is behind the store, or of another store, or missing, is refused', () => {
  const { storage, facts } = someKeys();
  const other = { ...facts, cryptoId: Buffer.alloc(16) };
  const codeOf = (open: () => unknown) => {
    try {
      return open();
    } catch (error) {
      return isBusError(error, 'STORE_CORRUPT') ? error.detail : error;
    }
  };

  for (const said of [
    other,
    { ...facts, lastKeyId: facts.lastKeyId + 1 },
    { ...facts, keyGeneration: facts.keyGeneration + 1 },
  ])
    expect(codeOf(() => openBook({ storage, facts: said }))).toEqual({ table: 'keys', position: undefined });
  expect(codeOf(() => openBook({ facts }))).toEqual({ table: 'keys', position: undefined });
});

test('an entry that was moved to another owner does not open, whatever its checksum says', () => {
  const { bytes, facts } = someKeys();
  const swapped = Buffer.from(bytes);
  const [first, third] = [headerBytes, headerBytes + 2 * entryBytes];
  // The wrapped key of the third in the entry of the first, with a checksum that fits.
  bytes.copy(swapped, first + 60, third + 60, third + 120);
  swapped.writeUInt32LE(crcOf(swapped.subarray(first, first + 124)), first + 124);

  expect(seen(swapped, facts)).toBe('DECRYPTION_FAILED');
});

test('a master key is checked without opening anything else', () => {
  const { storage } = someKeys();

  expect(readMasterKeyId(storage)).toEqual({ masterKeyId: 'the first' });
  expect(readMasterKeyId(new MemoryKeyStorage('keys'))).toBeUndefined();
  expect(readSecrets(new MemoryKeyStorage('keys'), undefined)).toBeUndefined();
  expect(() => readSecrets(storage, undefined)).toThrow(expect.objectContaining({ code: 'MASTER_KEY_REQUIRED' }));
  expect(() => readSecrets(storage, masterKeyOf(2))).toThrow(expect.objectContaining({ code: 'MASTER_KEY_WRONG' }));
  expect(readSecrets(storage, masterKeyOf(1))?.wrappingKey).toHaveLength(32);
});
