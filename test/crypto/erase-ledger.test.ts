import { expect, test } from 'vitest';
import { applyLedger, encodeLedger } from '#kernel/crypto/erase-ledger';
import { MemoryKeyStorage } from '#kernel/storage/memory-key-storage';
import { factsOf, masterKeyOf, openBook, streamOwner } from './kit/keys.ts';

/** A store with keys 1 to 3 of stream a, person eve in b, and c; and an older copy of it. */
function storeAndCopy() {
  const store = openBook();
  store.book.sealing(streamOwner('a'), false);
  store.book.sealing(streamOwner('b', 'eve'), false);
  store.book.sealing(streamOwner('c'), false);
  store.book.flush();
  const storage = new MemoryKeyStorage('copy');
  storage.bytes = store.storage.read();
  return { store, copy: () => openBook({ storage }) };
}

test('an older copy that is given the ledger erases what was erased since, and tells its log', () => {
  const { store, copy } = storeAndCopy();
  store.book.erase({ stream: 'a' }, 7);
  store.book.erase({ subject: 'eve' }, 8);
  const ledger = encodeLedger(store.book.table, store.secrets);

  const { book, secrets, storage } = copy();
  const applied = applyLedger(book, secrets, ledger);

  expect(applied.map(({ kind, ids, timeMs }) => [kind, ids, timeMs])).toEqual([
    ['stream', [1], 7],
    ['subject', [2], 8],
  ]);
  expect(book.unrecorded).toEqual(applied);
  expect(book.open(1, streamOwner('a'), 1)).toBeUndefined();
  expect(book.open(2, streamOwner('b'), 1)).toBeUndefined();
  expect(book.open(3, streamOwner('c'), 1)).toBeDefined();
  expect(() => book.sealing(streamOwner('c', 'eve'), false)).toThrow(expect.objectContaining({ code: 'KEY_ERASED' }));
  expect(openBook({ storage }).book.unrecorded.map(({ tag }) => tag)).toEqual(applied.map(({ tag }) => tag));
});

test('a ledger changes nothing in a copy that knows all of it', () => {
  const { store } = storeAndCopy();
  store.book.erase({ stream: 'a' }, 7);
  const ledger = encodeLedger(store.book.table, store.secrets);
  const facts = factsOf(store.book);

  expect(applyLedger(store.book, store.secrets, ledger)).toEqual([]);
  expect(factsOf(store.book)).toEqual(facts);
});

test('keys that were made after an erasure stay when its ledger is applied again', () => {
  const { store } = storeAndCopy();
  store.book.erase({ stream: 'a' }, 7);
  const ledger = encodeLedger(store.book.table, store.secrets);
  store.book.sealing(streamOwner('a'), true);
  store.book.flush();

  expect(applyLedger(store.book, store.secrets, ledger)).toEqual([]);
  expect(store.book.open(4, streamOwner('a'), 1)).toBeDefined();
});

test('a ledger outlives a rotation of the master key', () => {
  const { store, copy } = storeAndCopy();
  store.book.erase({ stream: 'a' }, 7);
  store.book.rotate(masterKeyOf(2));

  const { book, secrets } = copy();

  expect(applyLedger(book, secrets, encodeLedger(store.book.table, store.secrets))).toHaveLength(1);
});

test('a ledger with any bit changed, or cut short, or of another store, is refused and erases nothing', () => {
  const { store, copy } = storeAndCopy();
  store.book.erase({ stream: 'a' }, 7);
  const ledger = encodeLedger(store.book.table, store.secrets);
  const { book, secrets } = copy();
  const refused = (bytes: Buffer) => {
    try {
      return applyLedger(book, secrets, bytes);
    } catch (error) {
      return error;
    }
  };
  const damaged = { code: 'LEDGER_INVALID', detail: { reason: 'damaged' } };

  for (let bit = 0; bit < ledger.length * 8; bit += 1) {
    const changed = Buffer.from(ledger);
    (changed[bit >> 3] as number) ^= 1 << (bit & 7);
    expect(refused(changed)).toMatchObject({ code: 'LEDGER_INVALID' });
  }
  for (let end = 0; end < ledger.length; end += 1) expect(refused(ledger.subarray(0, end))).toMatchObject(damaged);
  const other = openBook();
  other.book.erase({ stream: 'a' }, 7);
  expect(refused(encodeLedger(other.book.table, other.secrets))).toMatchObject({
    code: 'LEDGER_INVALID',
    detail: { reason: 'other-store' },
  });
  expect(book.generation).toBe(0);
});
