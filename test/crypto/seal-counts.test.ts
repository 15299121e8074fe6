import { expect, test } from 'vitest';
import { entryBytes, headerBytes } from '#kernel/crypto/key-entry';
import { MemoryKeyStorage } from '#kernel/storage/memory-key-storage';
import { factsOf, openBook, printOf, streamOwner } from './kit/keys.ts';

const owner = streamOwner('a');

test('after as many seals as are allowed the owner gets another key, and the old one still opens', () => {
  const { book } = openBook({ sealsMax: 10 });
  const first = book.sealing(owner, false);
  for (let seals = 0; seals < 9; seals += 1) {
    expect(book.sealing(owner, false)?.id).toBe(1);
    (first as { seals: number }).seals += 1;
  }
  expect(book.sealing(owner, false)?.id).toBe(1);
  (first as { seals: number }).seals += 1;

  const next = book.sealing(owner, false);

  expect(next?.id).toBe(2);
  expect(next?.seals).toBe(0);
  expect(book.sealing(owner, false)?.id).toBe(2);
  expect(printOf(book.open(1, owner, 1))).toBe(printOf(first?.key));
  expect(book.erase({ stream: 'a' }, 1).ids).toEqual([1, 2]);
});

test('seals are counted over sessions, never too few: what was recorded, and all that may not have been', () => {
  const storage = new MemoryKeyStorage('keys');
  const first = openBook({ storage, writerEpoch: 4 }).book;
  const key = first.sealing(owner, false) as { seals: number };
  key.seals += 40_000;
  first.sealing(owner, false);
  key.seals += 10;
  first.flush();

  const later = openBook({ storage, writerEpoch: 7, facts: factsOf(first) }).book;

  expect(storage.bytes?.length).toBe(headerBytes + 2 * entryBytes);
  expect(later.sealing(owner, false)?.seals).toBe(40_000 + 3 * 65_536);
  later.erase({ stream: 'other' }, 1);
  const last = openBook({ storage, writerEpoch: 7, facts: factsOf(later) }).book;
  expect(last.sealing(owner, false)?.seals).toBe(40_000 + 3 * 65_536);
});

test('a key that is asked for by id counts together with the one of its owner', () => {
  const { book } = openBook();
  const byOwner = book.sealing(owner, false);
  const byId = book.sealingById(1, owner) as { seals: number };

  byId.seals += 3;

  expect(byOwner?.seals).toBe(3);
  expect(book.sealingById(1, owner)?.seals).toBe(3);
});

test('an owner is known again after many others were asked for', () => {
  const { book } = openBook();
  (book.sealing(owner, false) as { seals: number }).seals += 5;
  for (let other = 0; other < 70_000; other += 1) book.sealing(streamOwner(`$${other}`), false);

  expect(book.sealing(owner, false)).toMatchObject({ id: 1, seals: 5 });
});
