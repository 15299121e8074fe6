import { expect, test } from 'vitest';
import { MemoryStorage, openMemoryEngine } from '#kernel/storage/memory-engine';
import { blocksForward, bytesOf, commitTexts } from '../kit/engine-contract.ts';

test('the storage outlives its engines, and another storage is another store', () => {
  const storage = new MemoryStorage();
  const first = openMemoryEngine(storage);
  commitTexts(first, { 1: 'one' });
  first.close();

  const second = openMemoryEngine(storage);

  expect(blocksForward(second, 1)).toEqual([[1, 'one']]);
  expect(blocksForward(openMemoryEngine(new MemoryStorage()), 1)).toEqual([]);
});

test('a commit that fails before it is applied writes nothing', () => {
  const storage = new MemoryStorage();
  const engine = openMemoryEngine(storage);
  const failure = new Error('before');
  storage.beforeNextCommit = () => {
    throw failure;
  };

  expect(() => commitTexts(engine, { 1: 'one' })).toThrow(failure);

  expect(blocksForward(engine, 1)).toEqual([]);
  commitTexts(engine, { 1: 'one' });
  expect(blocksForward(engine, 1)).toEqual([[1, 'one']]);
});

test('a commit that fails after it was applied has been written', () => {
  const storage = new MemoryStorage();
  const engine = openMemoryEngine(storage);
  const failure = new Error('after');
  storage.afterNextCommit = () => {
    throw failure;
  };

  expect(() => commitTexts(engine, { 1: 'one' })).toThrow(failure);

  expect(blocksForward(engine, 1)).toEqual([[1, 'one']]);
});

test('what was read is overwritten by the next read, as in LMDB', () => {
  const engine = openMemoryEngine(new MemoryStorage());
  commitTexts(engine, { 1: 'one', 2: 'two' });

  const kept = engine.read((snapshot) => snapshot.block(1));
  engine.read((snapshot) => snapshot.block(2));

  expect(kept).toEqual(bytesOf('two'));
});

test('the size follows what is stored', () => {
  const engine = openMemoryEngine(new MemoryStorage());
  const empty = engine.sizeBytes();
  commitTexts(engine, { 1: 'x'.repeat(1000) }, [['streams', 'a', 'y'.repeat(500)]]);
  const full = engine.sizeBytes();
  commitTexts(engine, {}, [['streams', 'a', undefined]]);

  expect(empty).toBe(0);
  expect(full).toBeGreaterThanOrEqual(1500);
  expect(engine.sizeBytes()).toBe(full - 501);
});
