/** The file by which the process that writes a store tells others of itself: whole, of a process that runs, or not there. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { statusBytesMax } from '#kernel/limits';
import { openLmdbEngine } from '#kernel/storage/lmdb-engine';
import { StatusFile, StatusFileReader } from '#kernel/storage/status-file';
import { Program } from '../kit/crash-process.ts';
import { usualOptions } from './kit/open.ts';
import type { StatusChildOptions } from './kit/status-child.ts';
import { tempDirectory } from './kit/temp-directory.ts';

const isRoot = process.getuid?.() === 0;

function statusIn(directory = tempDirectory()) {
  const file = new StatusFile(directory);
  onTestFinished(() => file.close());
  return { directory, path: join(directory, 'status'), file, reader: new StatusFileReader(directory) };
}

function startChild(options: StatusChildOptions, under: readonly string[] = []): Program {
  return Program.start(new URL('./kit/status-child.ts', import.meta.url), options, { under });
}

/** Changes the file as somebody else would who knows its format. */
function rewritten(path: string, change: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path);
  change(bytes);
  bytes.writeUInt32LE(crc32(bytes.subarray(16, 64 + bytes.readUInt32LE(16))), 12);
  writeFileSync(path, bytes);
}

test('a text is read as it was told last, until it is told that there is none', async () => {
  const { file, reader, path } = statusIn();
  const before = reader.read();
  const texts = ['{"first":1}', 'ä→𝄞 a longer one that goes on', 'short'];
  const seen: unknown[] = [];

  for (const text of texts) {
    await file.write(text);
    seen.push(reader.read(), reader.read());
  }
  file.close();

  expect(before).toBeUndefined();
  expect(seen).toEqual(texts.flatMap((text) => [text, text]));
  expect(reader.read()).toBeUndefined();
  expect(readFileSync(path).includes('short')).toBe(false);
  expect(statSync(path).size).toBe(64);
});

test('the largest text has room, and the file is for its owner only', async () => {
  const { file, reader, path } = statusIn();

  await file.write('x'.repeat(statusBytesMax));

  expect(reader.read()).toHaveLength(statusBytesMax);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('the bytes are those of docs/format.md', async () => {
  const { file, path } = statusIn();
  await file.write('text');

  const bytes = readFileSync(path);

  expect(bytes.subarray(0, 8).toString()).toBe('VARVSTAT');
  expect([bytes.readUInt16LE(8), bytes.readUInt16LE(10)]).toEqual([1, 0]);
  expect(bytes.readUInt32LE(12)).toBe(crc32(bytes.subarray(16)));
  expect([bytes.readUInt32LE(16), bytes.readUInt32LE(20)]).toEqual([4, 1]);
  expect(bytes.readUInt32LE(24)).toBe(process.pid);
  expect(bytes.readBigUInt64LE(40)).toBe(statSync(path, { bigint: true }).ino);
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim().replaceAll('-', '');
  expect(bytes.subarray(48, 64).toString('hex')).toBe(boot);
  expect(bytes.subarray(64).toString()).toBe('text');
});

test('a text is there while the process that told it runs or rests, and gone at once when it is killed', async () => {
  const { directory, reader } = statusIn();
  const child = startChild({ directory, deed: 'tell' });
  await child.expectLine('told');
  const told = reader.read();
  process.kill(child.pid, 'SIGSTOP');
  const stopped = reader.read();

  await child.crash();

  expect([told, stopped]).toEqual(['0:', '0:']);
  expect(reader.read()).toBeUndefined();
  expect(new StatusFileReader(directory).read()).toBeUndefined();
});

test('while another process writes as fast as it can, every text read is whole', async () => {
  const { directory, reader } = statusIn();
  const child = startChild({ directory, deed: 'hammer' });
  await child.expectLine('told');
  const lengths = new Set<number>();
  let wrong = 0;
  const deadline = performance.now() + (process.env.TEST_LONG ? 20_000 : 10_000);

  for (let reads = 0; (reads < 1000 || lengths.size < 100) && performance.now() < deadline; reads++) {
    const text = reader.read() ?? '';
    const [length = '', letters = ''] = text.split(':');
    const isWhole = letters.length === Number(length) && letters === (letters[0] ?? '').repeat(letters.length);
    if (!isWhole || length === '') wrong++;
    lengths.add(Number(length));
  }
  await child.crash();

  expect(wrong).toBe(0);
  expect(lengths.size).toBeGreaterThanOrEqual(100);
  expect(reader.read()).toBeUndefined();
});

test.each<[what: string, put: (path: string) => void]>([
  ['nothing', (path) => writeFileSync(path, '')],
  ['garbage', (path) => writeFileSync(path, Buffer.alloc(5000, 7))],
  ['the beginning of a header', (path) => writeFileSync(path, 'VARVSTAT')],
  ['a header that promises more than there is', (path) => writeFileSync(path, headerOf(100))],
  ['a header that promises more than may be', (path) => writeFileSync(path, headerOf(2 ** 32 - 1))],
  ['a directory', (path) => mkdirSync(path)],
  ['a pipe', (path) => execFileSync('mkfifo', [path])],
  ['a link to itself', (path) => symlinkSync(path, path)],
  ['a link to a file that is none of ours', (path) => symlinkSync('/proc/self/mem', path)],
])('%s in the place of the file is no text', (_, put) => {
  const { reader, path } = statusIn();
  put(path);

  expect(reader.read()).toBeUndefined();
});

function headerOf(length: number): Buffer {
  const header = Buffer.alloc(64);
  header.write('VARVSTAT');
  header.writeUInt16LE(1, 8);
  header.writeUInt32LE(length, 16);
  return header;
}

test.each<[what: string, at: number]>([
  ['of a later format', 8],
  ['of a process that does not run', 24],
  ['of a process that began at another time', 32],
  ['of another file', 40],
  ['of another boot', 48],
])('a text %s is not there', async (_, at) => {
  const { file, path, directory } = statusIn();
  await file.write('text');
  const before = new StatusFileReader(directory).read();

  rewritten(path, (bytes) => bytes.writeUInt16LE(bytes.readUInt16LE(at) ^ 12_345, at));

  expect([before, new StatusFileReader(directory).read()]).toEqual(['text', undefined]);
});

test('a text of another pid namespace is there as long as some process holds the lock of the writer', async () => {
  const { file, path, directory } = statusIn();
  await file.write('text');
  rewritten(path, (bytes) => bytes.writeUInt32LE(bytes.readUInt32LE(28) + 1, 28));
  const alone = new StatusFileReader(directory).read();
  const engine = await openLmdbEngine({ ...usualOptions, directory });
  const locked = new StatusFileReader(directory).read();
  engine.close();

  expect([alone, locked, new StatusFileReader(directory).read()]).toEqual([undefined, 'text', undefined]);
});

test('a flipped bit is not read, wherever it is', async () => {
  const { file, path, directory } = statusIn();
  await file.write('a text of some length');
  const bytes = readFileSync(path);

  for (let at = 0; at < bytes.length; at++) {
    // Reserved, and not looked at.
    if (at === 10 || at === 11) continue;
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8(flipped.readUInt8(at) ^ 4, at);
    writeFileSync(path, flipped);

    expect(new StatusFileReader(directory).read(), `byte ${at}`).toBeUndefined();
  }
});

test('a text that stays half written is that of before, as long as its process runs', async () => {
  const { file, path, reader } = statusIn();
  await file.write('text');
  const before = reader.read();
  const bytes = readFileSync(path);
  bytes.writeUInt32LE(99, 20);
  writeFileSync(path, bytes);

  const half = reader.read();
  await file.write('next');

  expect([before, half, reader.read()]).toEqual(['text', 'text', 'next']);
});

test('a text without room on the disk fails, is not read, and the next one that fits is', async () => {
  const { directory, reader } = statusIn();
  // Blocks of 512 bytes (POSIX, ulimit).
  const child = startChild({ directory, deed: 'full' }, ['sh', '-c', 'ulimit -f 200 && exec "$@"', 'sh']);
  const code = await child.line();
  const full = reader.read();
  child.send('go on');
  await child.expectLine('told');

  expect([code, full, reader.read()]).toEqual(['EFBIG', undefined, 'short again']);
});

test('a copy of the file says nothing, and where the directory has moved it is still read', async () => {
  const { file, path, directory } = statusIn();
  await file.write('text');
  const other = tempDirectory();
  copyFileSync(path, join(other, 'status'));
  const moved = join(tempDirectory(), 'moved');
  renameSync(directory, moved);

  expect(new StatusFileReader(other).read()).toBeUndefined();
  expect(new StatusFileReader(moved).read()).toBe('text');
  await file.write('more');
  expect(new StatusFileReader(moved).read()).toBe('more');
  renameSync(moved, directory);
});

test('a file that was removed, or replaced, is made again', async () => {
  const { file, path, reader } = statusIn();
  await file.write('one');
  rmSync(path);
  const removed = reader.read();
  await file.write('two');

  expect([removed, reader.read()]).toEqual([undefined, 'two']);
});

test('what an earlier writer has left is cut off, and its bytes with it', async () => {
  const { file, path } = statusIn();
  writeFileSync(path, 'left over '.repeat(10_000));

  await file.write('text');

  expect(statSync(path).size).toBe(68);
});

test.each<[what: string, put: (path: string) => void]>([
  ['a directory', (path) => mkdirSync(path)],
  ['a pipe', (path) => execFileSync('mkfifo', [path])],
  ['a link', (path) => symlinkSync(`${path}.other`, path)],
])('nothing is told through %s in the place of the file', async (_, put) => {
  const { file, path } = statusIn();
  put(path);

  await expect(file.write('text')).rejects.toHaveProperty('syscall');

  expect(existsSync(`${path}.other`)).toBe(false);
});

test.skipIf(!isRoot)('a user without rights in the directory can neither tell nor read', async () => {
  const { directory, file } = statusIn();
  await file.write('text');
  const child = startChild({ directory, deed: 'nobody' });

  expect(JSON.parse(await child.line())).toEqual(['EACCES', null]);
});
