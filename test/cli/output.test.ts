import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { Output } from '#kernel/cli/output';

/** A stream whose reader takes a chunk only when `take` is called. */
function slowStream() {
  const chunks: string[] = [];
  const waiting: (() => void)[] = [];
  const stream = new Writable({
    write(chunk, _, done) {
      chunks.push(String(chunk));
      waiting.push(done);
    },
  });
  return { stream, chunks, take: () => waiting.shift()?.() };
}

test('no more than one chunk is written before a slow reader takes it', async () => {
  const { stream, chunks, take } = slowStream();
  const items = Array.from({ length: 10 }, () => 'x'.repeat(50_000));

  const written = new Output(stream).writeEach(items, (item) => item);
  const counts: number[] = [];
  while (chunks.length < 5) {
    counts.push(chunks.length);
    take();
    await new Promise(setImmediate);
  }
  take();

  expect(await written).toBe(true);
  expect(counts).toEqual([1, 2, 3, 4]);
  expect(chunks.join('')).toBe(items.join(''));
});

test('a reader that has gone ends the writing without an error', async () => {
  const gone = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
  const output = new Output(new Writable({ write: (_chunk, _encoding, done) => done(gone) }));
  const formatted: string[] = [];

  const isRead = await output.writeEach(['a'.repeat(70_000), 'b'], (item) => {
    formatted.push(item);
    return item;
  });

  expect(isRead).toBe(false);
  expect(formatted).toHaveLength(1);
});

test('any other failure of the output is an error', async () => {
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  const output = new Output(new Writable({ write: (_chunk, _encoding, done) => done(full) }));

  await expect(output.write('text')).rejects.toBe(full);
});
