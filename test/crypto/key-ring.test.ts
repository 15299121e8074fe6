import { expect, test } from 'vitest';
import { UnwrappedKeys } from '#kernel/crypto/unwrapped-keys';
import { KeyFileStorage } from '#kernel/storage/key-storage';
import { MemoryKeyStorage } from '#kernel/storage/memory-key-storage';
import { tempDirectory } from '../kit/temp-store.ts';
import { masterKeyOf, openBook, openRing, printOf, streamOwner } from './kit/keys.ts';

test('a key does not open for another stream, nor does one that does not exist', () => {
  const { book, storage, secrets } = openBook();
  book.sealing(streamOwner('a', 'eve'), false);
  book.flush();
  const ring = openRing(storage, secrets);
  const failed = expect.objectContaining({ code: 'DECRYPTION_FAILED', detail: { table: 'keys', position: 9 } });

  for (const view of [ring, book]) {
    expect(view.open(1, streamOwner('a'), 9)).toBeDefined();
    expect(() => view.open(1, streamOwner('b'), 9)).toThrow(failed);
    expect(() => view.open(1, { kind: 'projection', name: 'a', build: 1 }, 9)).toThrow(failed);
    expect(() => view.open(2, streamOwner('a'), 9)).toThrow(failed);
    expect(() => view.isErased(2, streamOwner('a'), 9)).toThrow(failed);
  }
});

test('whether a key is erased is told without opening it, for its owner only', () => {
  const { book, storage, secrets } = openBook();
  for (const stream of ['a', 'b']) book.sealing(streamOwner(stream), false);
  book.erase({ stream: 'a' }, 1);
  const ring = openRing(storage, secrets);

  for (const view of [ring, book]) {
    expect(view.isErased(1, streamOwner('a'), 1)).toBe(true);
    expect(view.isErased(2, streamOwner('b'), 1)).toBe(false);
    expect(() => view.isErased(1, streamOwner('b'), 1)).toThrow(expect.objectContaining({ code: 'DECRYPTION_FAILED' }));
  }
});

test('a ring that had a key before it was erased does not open it any more, nor what another process has wrapped anew', () => {
  const directory = tempDirectory();
  const { book, secrets } = openBook({ storage: new KeyFileStorage({ directory }) });
  for (const stream of ['a', 'b']) book.sealing(streamOwner(stream), false);
  book.flush();
  // The secrets of another process: they do not follow a rotation.
  const { secrets: others } = openBook({ storage: new KeyFileStorage({ directory }) });
  const ring = openRing(new KeyFileStorage({ directory }), secrets);
  const other = openRing(new KeyFileStorage({ directory }), others);
  for (const one of [ring, other]) expect(one.open(1, streamOwner('a'), 1)).toBeDefined();

  book.erase({ stream: 'a' }, 1);
  for (const one of [ring, other]) {
    one.refresh(book.generation);
    expect(one.open(1, streamOwner('a'), 1)).toBeUndefined();
    expect(one.open(2, streamOwner('b'), 1)).toBeDefined();
  }
  book.rotate(masterKeyOf(2));
  for (const one of [ring, other]) one.refresh(book.generation);

  expect(ring.open(2, streamOwner('b'), 1)).toBeDefined();
  expect(() => other.open(2, streamOwner('b'), 1)).toThrow(expect.objectContaining({ code: 'MASTER_KEY_WRONG' }));
});

test('a ring reads on behind a file that was replaced under it', () => {
  const { book, storage, secrets } = openBook();
  book.sealing(streamOwner('a'), false);
  book.flush();
  const ring = openRing(storage, secrets);
  ring.open(1, streamOwner('a'), 1);

  book.erase({ stream: 'a' }, 1);
  book.sealing(streamOwner('b'), false);
  book.flush();

  expect(ring.open(2, streamOwner('b'), 1)).toBeDefined();
});

test('a ring looks again when it met a file in the middle of a change', () => {
  const { book, storage, secrets } = openBook();
  for (const stream of ['a', 'b', 'c']) book.sealing(streamOwner(stream), false);
  book.flush();
  const whole = (storage as MemoryKeyStorage).bytes as Buffer;
  let looks = 0;
  const changing: typeof storage = Object.create(storage);
  changing.read = () => {
    looks += 1;
    const bytes = Buffer.from(whole);
    return looks < 4 ? bytes.fill(0, 800, 900) : bytes;
  };

  const ring = openRing(changing, secrets);

  expect(ring.open(3, streamOwner('c'), 1)).toBeDefined();
  expect(looks).toBe(4);
});

test('a ring whose generation the file has not reached says that the file is damaged', () => {
  const { storage, secrets } = openBook();
  const ring = openRing(storage, secrets);

  ring.refresh(1);

  expect(() => ring.plainUntil).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }));
});

test('as many keys are kept unwrapped as were allowed, the ones used lately among them', () => {
  const keys = new UnwrappedKeys(10);
  const opened = new Map<number, boolean>();
  for (let id = 1; id <= 1000; id += 1) {
    keys.set(id, streamOwner('a'), undefined);
    keys.get(1, streamOwner('a'));
    opened.set(id, keys.size <= 10);
  }

  expect([...opened.values()].every(Boolean)).toBe(true);
  expect(keys.get(1, streamOwner('a'))).toBeUndefined();
  expect(keys.get(1000, streamOwner('a'))).toBeUndefined();
  expect(keys.get(500, streamOwner('a'))).toBeNull();
  expect(keys.get(1000, streamOwner('b'))).toBeNull();
});

test('a ring that keeps two keys opens a hundred, again and again', () => {
  const { book, storage, secrets } = openBook({ storage: new MemoryKeyStorage('keys') });
  const prints = [...Array(100).keys()].map((index) => printOf(book.sealing(streamOwner(`${index}`), false)?.key));
  book.flush();
  const ring = openRing(storage, secrets, 2);

  for (let round = 0; round < 2; round += 1)
    expect(prints.map((_, index) => printOf(ring.open(index + 1, streamOwner(`${index}`), 1)))).toEqual(prints);
});
