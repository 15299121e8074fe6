import { chmodSync, chownSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bytesOf } from '../kit/engine-contract.ts';
import { type EngineProcess, startEngineProcess } from './kit/engine-process.ts';
import { openEngine } from './kit/open.ts';
import { tempDirectory } from './kit/temp-directory.ts';

const isRoot = process.getuid?.() === 0;
const nobody = 65534;

/** A store that was closed, in a directory with these modes. A process of another user can't do more than they say. */
async function closedStore(modes: {
  readonly directory: number;
  readonly files: Record<string, number>;
}): Promise<string> {
  const directory = join(tempDirectory(), 'store');
  const engine = await openEngine(directory);
  engine.commit({ blocks: [{ firstPosition: 1, bytes: bytesOf('one') }], rows: [] });
  engine.close();
  for (const [name, mode] of Object.entries(modes.files)) chmodSync(join(directory, name), mode);
  chmodSync(directory, modes.directory);
  return directory;
}

/** A process without the rights of root, with `directory` as its working directory: '.' is where the store is. */
async function startWithoutRights(directory: string): Promise<EngineProcess> {
  const child = startEngineProcess();
  const uid = isRoot ? await child.get({ do: 'be-nobody', directory }) : await child.get({ do: 'chdir', directory });
  expect(uid).not.toBe(0);
  return child;
}

const everyFile = (mode: number) => ({
  'log.mdb': mode,
  'log.mdb-lock': mode,
  'opening.lock': mode,
  'writer.lock': mode,
});

test('a writer in a directory it may not write is refused, and nothing is made', async () => {
  const directory = join(tempDirectory(), 'empty');
  mkdirSync(directory);
  chmodSync(directory, 0o555);
  const child = await startWithoutRights(directory);

  const answer = await child.ask({ do: 'open', options: { directory: '.' } });

  expect(answer).toMatchObject({ ok: false, code: 'STORE_READ_ONLY' });
  expect(readdirSync(directory)).toEqual([]);
});

test('a writer in a directory it may not make is refused', async () => {
  const directory = tempDirectory();
  chmodSync(directory, 0o555);
  const child = await startWithoutRights(directory);

  const answer = await child.ask({ do: 'open', options: { directory: './deep/store' } });

  expect(answer).toMatchObject({ ok: false, code: 'STORE_READ_ONLY' });
});

test.each(Object.keys(everyFile(0)))('a writer that may not write %s is refused', async (name) => {
  const files = { ...everyFile(0o666), [name]: 0o444 };
  const directory = await closedStore({ directory: 0o777, files });
  const child = await startWithoutRights(directory);

  const answer = await child.ask({ do: 'open', options: { directory: '.' } });

  expect(answer).toMatchObject({ ok: false, code: 'STORE_READ_ONLY' });
});

test('a reader that may write only the lock files reads, and makes and changes nothing', async () => {
  const directory = await closedStore({
    directory: 0o555,
    files: { 'log.mdb': 0o444, 'log.mdb-lock': 0o666, 'opening.lock': 0o666, 'writer.lock': 0o444 },
  });
  const before = readdirSync(directory).map((name) => [name, statSync(join(directory, name)).size]);
  const child = await startWithoutRights(directory);

  const opened = await child.ask({ do: 'open', options: { directory: '.', readOnly: true } });

  expect(opened).toMatchObject({ ok: true, value: { readOnly: true, threads: false } });
  expect(await child.get({ do: 'last' })).toBe(1);
  expect(await child.ask({ do: 'open', options: { directory: '.', readOnly: true } })).toMatchObject({
    ok: false,
    code: 'UNSUPPORTED',
    detail: { feature: 'threads' },
  });
  expect(await child.get({ do: 'last' })).toBe(1);
  expect(readdirSync(directory).map((name) => [name, statSync(join(directory, name)).size])).toEqual(before);
});

test.each(['log.mdb-lock', 'opening.lock'])('a reader that may not write %s is refused', async (name) => {
  const directory = await closedStore({ directory: 0o777, files: { ...everyFile(0o666), [name]: 0o444 } });
  const child = await startWithoutRights(directory);

  const answer = await child.ask({ do: 'open', options: { directory: '.', readOnly: true } });

  expect(answer).toMatchObject({ ok: false, code: 'STORE_READ_ONLY' });
});

test('a reader that may not read the data is refused', async () => {
  const directory = await closedStore({ directory: 0o777, files: { ...everyFile(0o666), 'log.mdb': 0o000 } });
  const child = await startWithoutRights(directory);

  const answer = await child.ask({ do: 'open', options: { directory: '.', readOnly: true } });

  expect(answer).toMatchObject({ ok: false, code: 'STORE_READ_ONLY' });
});

test('a store is not found where there is no directory, and none is made', async () => {
  const directory = join(tempDirectory(), 'nowhere');

  await expect(openEngine(directory, { readOnly: true })).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });

  expect(readdirSync(join(directory, '..'))).toEqual([]);
});

test.runIf(isRoot)('a reader of another user follows a writer that gave it the lock files', async () => {
  const directory = await closedStore({
    directory: 0o755,
    files: { 'log.mdb': 0o644, 'log.mdb-lock': 0o666, 'opening.lock': 0o666, 'writer.lock': 0o644 },
  });
  chownSync(directory, 0, nobody);
  const writer = await openEngine(directory);
  const child = await startWithoutRights(directory);

  await child.get({ do: 'open', options: { directory: '.', readOnly: true } });
  writer.commit({ blocks: [{ firstPosition: 2, bytes: bytesOf('two') }], rows: [] });

  expect(await child.get({ do: 'last' })).toBe(2);
});
