import { expect, test } from 'vitest';
import type { BusError } from '#kernel/errors';
import { MemoryKeyStorage } from '#kernel/storage/memory-key-storage';
import { factsOf, masterKeyOf, openBook, openRing, printOf, streamOwner } from './kit/keys.ts';

test('a key that was made opens after the book was opened again, and in a ring', () => {
  const { book, storage, secrets } = openBook();
  const made = book.sealing(streamOwner('orders'), false);
  book.flush();

  const again = openBook({ storage, facts: factsOf(book) });
  const ring = openRing(storage, secrets);

  expect(made?.id).toBe(1);
  expect(printOf(again.book.open(1, streamOwner('orders'), 1))).toBe(printOf(made?.key));
  expect(printOf(again.book.sealing(streamOwner('orders'), false)?.key)).toBe(printOf(made?.key));
  expect(printOf(ring.open(1, streamOwner('orders'), 1))).toBe(printOf(made?.key));
});

test('the same owner has the same key, others have others', () => {
  const { book } = openBook();
  const owners = [
    streamOwner('a'),
    streamOwner('b'),
    streamOwner('a', 'eve'),
    streamOwner('a', 'bob'),
    { kind: 'projection', name: 'a', build: 1 },
    { kind: 'projection', name: 'a', build: 2 },
  ] as const;

  const first = owners.map((owner) => book.sealing(owner, false)?.id);
  const second = owners.map((owner) => book.sealing(owner, false)?.id);

  expect(first).toEqual([1, 2, 3, 4, 5, 6]);
  expect(second).toEqual(first);
});

test('a ring finds a key that was appended after it had read the file', () => {
  const { book, storage, secrets } = openBook();
  const ring = openRing(storage, secrets);
  book.sealing(streamOwner('a'), false);
  book.flush();
  ring.open(1, streamOwner('a'), 1);
  const later = book.sealing(streamOwner('b'), false);
  book.flush();

  expect(printOf(ring.open(2, streamOwner('b'), 2))).toBe(printOf(later?.key));
});

test('an erased stream is erased everywhere, with the keys of its subjects', () => {
  const { book, storage, secrets } = openBook();
  for (const owner of [streamOwner('a'), streamOwner('a', 'eve'), streamOwner('b', 'eve')]) book.sealing(owner, false);
  book.flush();
  const ring = openRing(storage, secrets);
  ring.open(2, streamOwner('a'), 1);

  const erased = book.erase({ stream: 'a' }, 5);
  ring.refresh(book.generation);

  expect(erased).toMatchObject({ kind: 'stream', ids: [1, 2], timeMs: 5, isNew: true });
  expect([1, 2].map((id) => ring.open(id, streamOwner('a'), 1))).toEqual([undefined, undefined]);
  expect([1, 2].map((id) => book.open(id, streamOwner('a'), 1))).toEqual([undefined, undefined]);
  expect(ring.open(3, streamOwner('b'), 1)).toBeDefined();
  expect(() => book.sealing(streamOwner('a'), false)).toThrow(expect.objectContaining({ code: 'KEY_ERASED' }));
  expect(() => book.sealing(streamOwner('a', 'new'), false)).toThrow(expect.objectContaining({ code: 'KEY_ERASED' }));
});

test('an erased subject is refused in every stream until a new generation of its key is asked for', () => {
  const { book, storage } = openBook();
  book.sealing(streamOwner('a', 'eve'), false);
  book.flush();

  const erased = book.erase({ subject: 'eve' }, 5);
  const refused = () => book.sealing(streamOwner('other', 'eve'), false);

  expect(erased).toMatchObject({ kind: 'subject', ids: [1], isNew: true });
  expect(refused).toThrow(
    expect.objectContaining({ code: 'KEY_ERASED', detail: { stream: 'other', subject: 'eve' } }) as BusError,
  );
  expect(book.sealing(streamOwner('a', 'eve'), true)?.id).toBe(2);
  expect(book.sealing(streamOwner('a', 'eve'), false)?.id).toBe(2);
  expect(refused).toThrow(expect.objectContaining({ code: 'KEY_ERASED' }));
  book.flush();
  const again = openBook({ storage, facts: factsOf(book) });
  expect(again.book.sealing(streamOwner('a', 'eve'), false)?.id).toBe(2);
});

test('after a rotation the new master key opens everything, the old one nothing', () => {
  const { book, storage, secrets } = openBook({ storage: new MemoryKeyStorage('keys') });
  const made = book.sealing(streamOwner('a'), false);
  book.flush();
  const ring = openRing(storage, secrets);
  const before = printOf(ring.open(1, streamOwner('a'), 1));

  book.rotate(masterKeyOf(2, 'second'));
  ring.refresh(book.generation);

  expect(printOf(ring.open(1, streamOwner('a'), 1))).toBe(before);
  expect(printOf(made?.key)).toBe(before);
  expect(() => openBook({ storage, facts: factsOf(book) })).toThrow(
    expect.objectContaining({ code: 'MASTER_KEY_WRONG' }),
  );
  const again = openBook({ storage, masterKey: masterKeyOf(2), facts: factsOf(book) });
  expect(printOf(again.book.open(1, streamOwner('a'), 1))).toBe(before);
});
