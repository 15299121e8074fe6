import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DiskSpace } from '#kernel/storage/disk-space';
import { tempDirectory } from './kit/temp-directory.ts';

test('there is room for a megabyte, but not for more than the disk has', () => {
  const path = join(tempDirectory(), 'log.mdb');
  writeFileSync(path, 'data');
  const space = new DiskSpace(path);

  expect(space.hasRoomFor(2 ** 20)).toBe(true);
  expect(space.hasRoomFor(2 ** 60)).toBe(false);
});

test('the probe finds room where there is some, and leaves nothing behind', () => {
  const directory = tempDirectory();
  const path = join(directory, 'log.mdb');
  writeFileSync(path, Buffer.alloc(10_000));

  const isFull = new DiskSpace(path).isOutOfSpace(100_000);

  expect(isFull).toBe(false);
  expect(readdirSync(directory)).toEqual(['log.mdb']);
});

test('the probe does not call another failure a lack of space', () => {
  const space = new DiskSpace(join(tempDirectory(), 'gone', 'log.mdb'));

  expect(space.isOutOfSpace(1)).toBe(false);
});
