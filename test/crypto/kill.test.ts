import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { KeyBookFile } from '#kernel/crypto/key-book';
import { entryAt, entryBytes, headerBytes, wrappedEnd } from '#kernel/crypto/key-entry';
import { type KeyFileStep, KeyFileStorage, keyFileSteps } from '#kernel/storage/key-storage';
import { Program } from '../kit/crash-process.ts';
import { tempDirectory } from '../kit/temp-store.ts';
import { masterKeyOf, openBook, printOf, streamOwner } from './kit/keys.ts';
import type { KeysWriterOptions } from './programs/keys-writer.ts';

const program = new URL('./programs/keys-writer.ts', import.meta.url);
const firstOfReplacing = keyFileSteps.indexOf('new-made');
const appending: readonly KeyFileStep[] = keyFileSteps.slice(0, firstOfReplacing);
const replacing: readonly KeyFileStep[] = keyFileSteps.slice(firstOfReplacing);

/** Lets a writer begin `deed` in a new directory and end at `killAt`; gives the prints of keys 1, 2 and 3. */
async function killed(deed: KeysWriterOptions['deed'], killAt: KeyFileStep) {
  const directory = tempDirectory();
  const child = Program.start(program, { directory, deed, killAt } satisfies KeysWriterOptions);
  const prints = deed === 'create' ? [] : (JSON.parse(await child.line()) as (string | null)[]);
  expect(await child.ended()).toMatchObject({ signal: 'SIGKILL', stderr: '' });
  return { directory, prints, isAfter: replacing.indexOf(killAt) >= replacing.indexOf('replaced') };
}

function printsIn(book: KeyBookFile): (string | undefined)[] {
  return ['a', 'b', 'c']
    .slice(0, book.lastKeyId)
    .map((stream, at) => printOf(book.open(at + 1, streamOwner(stream), 1)));
}

/** What is wrapped in the entries of the file, before anything is mended. */
function wrappedIn(path: string): Buffer[] {
  const bytes = readFileSync(path);
  const wrapped: Buffer[] = [];
  for (let at = headerBytes; at + entryBytes <= bytes.length; at += entryBytes)
    wrapped.push(bytes.subarray(at + entryAt.wrapped, at + wrappedEnd));
  return wrapped;
}

test('a writer killed at any step of making the keys file leaves one, or none', async () => {
  const rounds = await Promise.all(replacing.map((step) => killed('create', step)));

  for (const { directory, isAfter } of rounds) {
    expect(readdirSync(directory).includes('keys')).toBe(isAfter);
    const { book } = openBook({ storage: new KeyFileStorage({ directory }) });
    expect(book.lastKeyId).toBe(0);
    expect(readdirSync(directory)).toEqual(['keys']);
    expect(statSync(join(directory, 'keys')).mode & 0o777).toBe(0o600);
  }
});

test('a writer killed at any step of making a key durable leaves that key, or not, and all others', async () => {
  const rounds = await Promise.all(appending.map((step) => killed('append', step)));

  const seen = rounds.map(({ directory, prints }) => {
    const { book } = openBook({ storage: new KeyFileStorage({ directory }) });
    const found = printsIn(book);
    expect(found).toEqual(prints.slice(0, found.length));
    expect(book.sealing(streamOwner('c'), false)?.id).toBe(3);
    expect(statSync(join(directory, 'keys')).size).toBe(headerBytes + found.length * entryBytes);
    return found.length;
  });
  expect(seen).toEqual([2, 3, 3]);
});

test('a writer killed at any step of an erasure leaves the key, or nothing of it in any file', async () => {
  const rounds = await Promise.all(replacing.map((step) => killed('erase', step)));

  for (const { directory, prints, isAfter } of rounds) {
    const { book } = openBook({ storage: new KeyFileStorage({ directory }) });
    expect(printsIn(book)).toEqual(isAfter ? [undefined, prints[1]] : prints.slice(0, 2));
    expect(book.unrecorded.map(({ kind, ids }) => [kind, ids])).toEqual(isAfter ? [['stream', [1]]] : []);
    expect(readdirSync(directory)).toEqual(['keys']);
    expect(wrappedIn(join(directory, 'keys'))).toHaveLength(isAfter ? 3 : 2);
  }
});

test('the bytes of an erased key are in no file once a writer has opened what a crash left', async () => {
  const directory = tempDirectory();
  const { book } = openBook({ storage: new KeyFileStorage({ directory }) });
  book.sealing(streamOwner('a'), false);
  book.flush();
  const [wrapped] = wrappedIn(join(directory, 'keys')) as [Buffer];
  const sees = () => readdirSync(directory).filter((name) => readFileSync(join(directory, name)).includes(wrapped));
  book.close();

  for (const step of replacing) {
    const storage = new KeyFileStorage({
      directory,
      onStep: (at) => {
        if (at === step) throw new Error('the end');
      },
    });
    const { book: erasing } = openBook({ storage });
    const isLeft = erasing.open(1, streamOwner('a'), 1) !== undefined;
    if (isLeft) expect(() => erasing.erase({ stream: 'a' }, 5)).toThrow('the end');
    const { book: after } = openBook({ storage: new KeyFileStorage({ directory }) });
    const isErased = after.open(1, streamOwner('a'), 1) === undefined;
    expect(sees()).toEqual(isErased ? [] : ['keys']);
  }
});

test('a writer killed at any step of a rotation leaves keys that one of the two master keys opens, and only one', async () => {
  const rounds = await Promise.all(replacing.map((step) => killed('rotate', step)));

  for (const { directory, prints, isAfter } of rounds) {
    const [opens, refused] = isAfter ? [2, 1] : [1, 2];
    const open = (byte: number) =>
      openBook({ storage: new KeyFileStorage({ directory }), masterKey: masterKeyOf(byte) }).book;
    expect(() => open(refused)).toThrow(expect.objectContaining({ code: 'MASTER_KEY_WRONG' }));
    expect(printsIn(open(opens))).toEqual(prints.slice(0, 2));
    expect(readdirSync(directory)).toEqual(['keys']);
  }
});
