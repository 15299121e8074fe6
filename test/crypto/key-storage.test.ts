import {
  appendFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import type { KeyBookFile } from '#kernel/crypto/key-book';
import { entryBytes, headerBytes } from '#kernel/crypto/key-entry';
import { KeyFileStorage } from '#kernel/storage/key-storage';
import { Program } from '../kit/crash-process.ts';
import { tempDirectory } from '../kit/temp-store.ts';
import { openBook, openRing, printOf, streamOwner } from './kit/keys.ts';
import type { KeysFullReport } from './programs/keys-full.ts';

test('where there is no space keys are refused, and all is as it was', async () => {
  const directory = tempDirectory();
  const program = new URL('./programs/keys-full.ts', import.meta.url);
  // A limit of 4096 bytes for each file.
  const child = Program.start(program, directory, { under: ['bash', '-c', 'ulimit -f 4; exec "$@"', 'bash'] });

  const report = JSON.parse(await child.line()) as KeysFullReport;
  const { book } = openBook({ storage: new KeyFileStorage({ directory }) });

  expect(report).toMatchObject({ durable: 26, refused: [true, true], files: ['keys'] });
  expect(report.bytes).toBe(headerBytes + 26 * entryBytes);
  expect(book.lastKeyId).toBe(26);
  expect(book.unrecorded).toEqual([]);
  expect(printOf(book.open(1, streamOwner('1'), 1))).toBe(report.print);
});

test('a writer whose file was replaced by another writer is fenced off', () => {
  const directory = tempDirectory();
  const open = () => openBook({ storage: new KeyFileStorage({ directory }) }).book;
  const old = open();
  old.sealing(streamOwner('a'), false);
  old.flush();
  open().erase({ stream: 'a' }, 1);
  old.sealing(streamOwner('b'), false);

  expect(() => old.flush()).toThrow(expect.objectContaining({ code: 'WRITER_FENCED' }));
});

test.each([
  ['appends to it', (book: KeyBookFile) => book.flush()],
  ['replaces it', (book: KeyBookFile) => book.erase({ stream: 'c' }, 1)],
])('a writer that %s fails where another writer has appended to the file, whose key stays', (_what, write) => {
  const directory = tempDirectory();
  const open = () => openBook({ storage: new KeyFileStorage({ directory }) });
  const [one, other] = [open().book, open().book];
  const print = printOf(one.sealing(streamOwner('a'), false)?.key);
  one.flush();
  other.sealing(streamOwner('b'), false);

  expect(() => write(other)).toThrow(expect.objectContaining({ code: 'WRITER_FENCED' }));
  expect(printOf(open().book.open(1, streamOwner('a'), 1))).toBe(print);
});

test('the file from before is kept where it is the only one that is left', () => {
  const directory = tempDirectory();
  const open = () => openBook({ storage: new KeyFileStorage({ directory }) }).book;
  const book = open();
  const print = printOf(book.sealing(streamOwner('a'), false)?.key);
  book.flush();
  renameSync(join(directory, 'keys'), join(directory, 'keys.old'));
  writeFileSync(join(directory, 'keys.new'), 'begun');

  expect(printOf(open().open(1, streamOwner('a'), 1))).toBe(print);
  expect(readdirSync(directory)).toEqual(['keys']);
});

test('what a failed system call says is a failure of the store', () => {
  const directory = tempDirectory();
  const storage = new KeyFileStorage({ directory });
  symlinkSync(join(directory, 'keys'), join(directory, 'keys'));

  expect(() => storage.read()).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }));
});

test('the file is read as it was at one moment while it is replaced and appended to', async () => {
  const directory = tempDirectory();
  const { book, secrets } = openBook({ storage: new KeyFileStorage({ directory }) });
  book.sealing(streamOwner('a'), false);
  book.flush();
  const print = printOf(book.open(1, streamOwner('a'), 1));
  // Reads without a pause, in a thread of its own, while this one writes.
  const source = `
    const { workerData, parentPort } = require('node:worker_threads');
    const { readFileSync } = require('node:fs');
    import(workerData.module).then(({ KeyFileStorage }) => {
      const storage = new KeyFileStorage({ directory: workerData.directory });
      const stop = new Int32Array(workerData.stop);
      let torn = 0;
      parentPort.postMessage('started');
      while (Atomics.load(stop, 0) === 0) {
        const bytes = storage.read();
        Atomics.add(stop, 1, 1);
        if (bytes.subarray(0, 8).toString() !== 'VARVKEYS' || bytes[768] === 0) torn += 1;
      }
      parentPort.postMessage({ torn });
    });`;
  const stop = new Int32Array(new SharedArrayBuffer(8));
  const module = new URL('../../src/storage/key-storage.ts', import.meta.url).href;
  const reader = new Worker(source, {
    eval: true,
    execArgv: ['--conditions=source'],
    workerData: { module, directory, stop: stop.buffer },
  });
  const message = () =>
    new Promise<unknown>((resolve, reject) => reader.once('message', resolve).once('error', reject));
  await message();

  // Until it has looked often enough, however busy the machine is.
  for (let round = 1; round <= 20 || Atomics.load(stop, 1) <= 20; round += 1) {
    book.erase({ stream: `no such ${round}` }, 1);
    book.sealing(streamOwner(`${round}`), false);
    book.flush();
  }
  Atomics.store(stop, 0, 1);
  const seen = await message();

  expect(seen).toEqual({ torn: 0 });
  expect(printOf(openRing(new KeyFileStorage({ directory }), secrets).open(1, streamOwner('a'), 1))).toBe(print);
});

test('a file that is cut short, or has another at its place, is not appended to', () => {
  const directory = tempDirectory();
  const path = join(directory, 'keys');
  const { book } = openBook({ storage: new KeyFileStorage({ directory }) });
  book.sealing(streamOwner('a'), false);
  book.flush();
  const bytes = readFileSync(path);
  book.sealing(streamOwner('b'), false);
  rmSync(path);
  writeFileSync(path, bytes);

  expect(() => book.flush()).toThrow(expect.objectContaining({ code: 'WRITER_FENCED' }));
  expect(statSync(path).size).toBe(bytes.length);
  appendFileSync(path, 'torn');
  expect(openBook({ storage: new KeyFileStorage({ directory }) }).book.lastKeyId).toBe(1);
  expect(statSync(path).size).toBe(bytes.length);
});

test('what a file was is zeros before its place is given back', () => {
  const directory = tempDirectory();
  const seen: Buffer[] = [];
  const onStep = (step: string) => {
    if (step === 'old-overwritten' && seen.length === 0 && book !== undefined)
      seen.push(readFileSync(join(directory, 'keys.old')));
  };
  let book: ReturnType<typeof openBook>['book'] | undefined;
  book = openBook({ storage: new KeyFileStorage({ directory, onStep }) }).book;
  book.sealing(streamOwner('a'), false);
  book.flush();

  book.erase({ stream: 'a' }, 1);

  expect(seen).toEqual([Buffer.alloc(headerBytes + entryBytes)]);
});
