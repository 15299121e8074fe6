import { lstatSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { creationSteps } from '#kernel/storage/store-creation';
import { bytesOf, rowsOf } from '../kit/engine-contract.ts';
import { startEngineProcess } from './kit/engine-process.ts';
import { openEngine } from './kit/open.ts';
import { tempDirectory } from './kit/temp-directory.ts';

const initialRows = [{ table: 'meta', key: bytesOf('first'), value: bytesOf('row') }] as const;
const filesOfAStore = ['log.mdb', 'log.mdb-lock', 'opening.lock', 'writer.lock'];

test.each(creationSteps)(
  'a writer killed at "%s" leaves a whole store, or none that hinders the next',
  async (step) => {
    const directory = join(tempDirectory(), 'store');
    const child = startEngineProcess();

    const ended = await child.ask({ do: 'open', options: { directory }, killAt: step });
    const existed = readdirSync(directory).includes('log.mdb');
    const engine = await openEngine(directory, { initialRows: existed ? [] : initialRows });

    expect(ended).toEqual({ code: null, signal: 'SIGKILL' });
    expect(existed).toBe(creationSteps.indexOf(step) >= creationSteps.indexOf('renamed'));
    expect(rowsOf(engine, 'meta')).toEqual(['first=row']);
    engine.close();
    expect(readdirSync(directory).sort()).toEqual(filesOfAStore);
  },
);

test('leftovers of a store that was never finished are no store', async () => {
  const directory = tempDirectory();
  const child = startEngineProcess();
  await child.ask({ do: 'open', options: { directory }, killAt: 'synced' });

  await expect(openEngine(directory, { readOnly: true })).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
});

test('an open that fails while making a store leaves no lock', async () => {
  const directory = tempDirectory();
  const failure = new TypeError('in between');

  await expect(
    openEngine(directory, {
      onCreationStep: (step) => {
        if (step === 'rows-written') throw failure;
      },
    }),
  ).rejects.toBe(failure);
  const engine = await openEngine(directory, { initialRows });

  expect(rowsOf(engine, 'meta')).toEqual(['first=row']);
});

test('a store and all its files belong to their owner only', async () => {
  const directory = join(tempDirectory(), 'above', 'store');
  const engine = await openEngine(directory);
  const files = [...filesOfAStore, 'writer.json'];

  const modes = [join(directory, '..'), directory, ...files.map((name) => join(directory, name))].map(
    (path) => statSync(path).mode & 0o777,
  );

  expect(readdirSync(directory).sort()).toEqual(files.sort());
  expect(modes).toEqual([0o700, 0o700, 0o600, 0o600, 0o600, 0o600, 0o600]);
  engine.close();
  expect(readdirSync(directory).sort()).toEqual(filesOfAStore);
});

test.each([0o000, 0o277, 0o777])('the modes do not depend on the umask %o', async (mask) => {
  const directory = join(tempDirectory(), 'above', 'store');
  const child = startEngineProcess();
  await child.get({ do: 'umask', mask });

  await child.get({ do: 'open', options: { directory } });

  const modes = readdirSync(directory).map((name) => statSync(join(directory, name)).mode & 0o777);
  expect(new Set(modes)).toEqual(new Set([0o600]));
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, '..')).mode & 0o777).toBe(0o700);
});

test('a directory that exists keeps its mode', async () => {
  const directory = tempDirectory();
  const before = statSync(directory).mode;

  await openEngine(directory);

  expect(statSync(directory).mode).toBe(before);
});

test('a store whose data file is gone is made anew', async () => {
  const directory = tempDirectory();
  const first = await openEngine(directory);
  first.commit({ blocks: [{ firstPosition: 1, bytes: bytesOf('one') }], rows: [] });
  first.close();
  rmSync(join(directory, 'log.mdb'));

  const second = await openEngine(directory, { initialRows });

  expect(second.read((snapshot) => snapshot.block(1))).toBeUndefined();
  expect(rowsOf(second, 'meta')).toEqual(['first=row']);
});

test('a data file that is a link into nowhere is not replaced by a new store', async () => {
  const directory = tempDirectory();
  symlinkSync(join(directory, 'unmounted', 'log.mdb'), join(directory, 'log.mdb'));

  await expect(openEngine(directory)).rejects.toMatchObject({ code: 'STORE_FAILED' });

  expect(lstatSync(join(directory, 'log.mdb')).isSymbolicLink()).toBe(true);
});
