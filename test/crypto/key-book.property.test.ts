import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KeyBookFile } from '#kernel/crypto/key-book';
import { entryAt, entryBytes, headerBytes, wrappedEnd } from '#kernel/crypto/key-entry';
import type { Erasable, KeyOwner } from '#kernel/crypto/key-owner';
import { isBusError } from '#kernel/errors';
import { KeyFileStorage, keyFileSteps } from '#kernel/storage/key-storage';
import { MemoryKeyStorage } from '#kernel/storage/memory-key-storage';
import { TempStore } from '../kit/temp-store.ts';
import { factsOf, masterKeyOf, openBook, printOf, streamOwner } from './kit/keys.ts';

const streams = ['a', 'b', 'c'];
const subjects = [undefined, 'eve', 'bob'];

interface ModelKey {
  readonly stream: string;
  readonly subject: string | undefined;
  readonly print: string | undefined;
  isErased: boolean;
}

/** What a keys file is to hold. */
interface Model {
  readonly keys: ModelKey[];
  readonly erased: Set<string>;
  master: number;
}

const copy = ({ keys, erased, master }: Model): Model => ({
  keys: keys.map((key) => ({ ...key })),
  erased: new Set(erased),
  master,
});
const plain = ({ keys, erased }: Model) => ({
  keys: keys.map(({ print, isErased }) => (isErased ? 'erased' : print)),
  erased: [...erased].sort(),
});

type Deed =
  | { readonly do: 'seal'; readonly stream: string; readonly subject: string | undefined; readonly isNew: boolean }
  | { readonly do: 'flush' | 'rotate' | 'reopen' }
  | { readonly do: 'erase'; readonly what: Erasable };

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('seal' as const),
      stream: fc.constantFrom(...streams),
      subject: fc.constantFrom(...subjects),
      isNew: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('flush' as const, 'rotate' as const, 'reopen' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('erase' as const),
      what: fc.oneof(
        fc.constantFrom(...streams).map((stream) => ({ stream })),
        fc.constantFrom('eve', 'bob').map((subject) => ({ subject })),
      ),
    }),
  },
);

/** Does to the model what `deed` does to a book. */
function modelled(model: Model, deed: Deed): void {
  if (deed.do === 'rotate') model.master += 1;
  if (deed.do !== 'erase') return;
  const { what } = deed;
  const isIt = (key: ModelKey) =>
    'stream' in what ? key.stream === what.stream : 'subject' in what && key.subject === what.subject;
  for (const key of model.keys) if (isIt(key)) key.isErased = true;
  model.erased.add(JSON.stringify(what));
}

/** What the file in `directory` holds, told like a model: asked of a copy, which may make keys. */
function held(directory: string, { keys, master }: Model) {
  const storage = new MemoryKeyStorage('copy');
  storage.bytes = readFileSync(join(directory, 'keys'));
  const { book } = openBook({ storage, masterKey: masterKeyOf(master) });
  const found = keys.slice(0, book.lastKeyId).map(({ stream }, at) => {
    const key = book.open(at + 1, streamOwner(stream), 1);
    return key === undefined ? 'erased' : printOf(key);
  });
  const refused = (owner: KeyOwner) => {
    try {
      return book.sealing(owner, false) === undefined;
    } catch (error) {
      return isBusError(error, 'KEY_ERASED');
    }
  };
  const erased = [
    ...streams.filter((stream) => refused(streamOwner(stream, 'nobody'))).map((stream) => ({ stream })),
    ...['eve', 'bob'].filter((subject) => refused(streamOwner('nowhere', subject))).map((subject) => ({ subject })),
  ];
  return { keys: found, erased: erased.map((name) => JSON.stringify(name)).sort() };
}

class Crash extends Error {}

test('whatever is done to keys, and wherever it is cut short, the file holds what was before or what was to be', () => {
  const numRuns = Math.ceil((fc.readConfigureGlobal().numRuns ?? 100) / 4);
  fc.assert(
    fc.property(
      fc.array(fc.record({ deed, crashAt: fc.option(fc.constantFrom(...keyFileSteps), { freq: 3 }) }), {
        maxLength: 10,
      }),
      (deeds) => {
        const store = new TempStore('lmdb');
        try {
          follow(store.directory, deeds);
        } finally {
          void store.close();
        }
      },
    ),
    { numRuns },
  );
});

function follow(
  directory: string,
  deeds: readonly { readonly deed: Deed; readonly crashAt: (typeof keyFileSteps)[number] | null }[],
): void {
  let crashAt: string | null = null;
  const onStep = (step: string) => {
    if (step === crashAt) throw new Crash(step);
  };
  const model: Model = { keys: [], erased: new Set(), master: 1 };
  let durable = copy(model);
  const open = (facts: ReturnType<typeof factsOf> | undefined) =>
    openBook({ storage: new KeyFileStorage({ directory, onStep }), masterKey: masterKeyOf(model.master), facts }).book;
  let book = open(undefined);
  let facts = factsOf(book);
  const wrapped = new Map<number, Buffer>();

  for (const { deed, crashAt: at } of deeds) {
    const before = copy(durable);
    crashAt = at;
    try {
      act(book, model, deed);
      durable = deed.do === 'seal' ? durable : copy(model);
      if (deed.do === 'reopen') {
        book.flush();
        book.close();
        book = open(facts);
      }
      if (deed.do !== 'seal') facts = factsOf(book);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      crashAt = null;
      const after = copy(model);
      modelled(after, deed);
      // Which master key it is says which of the two a rotation has left.
      model.master = deed.do === 'rotate' && opens(directory, after.master) ? after.master : before.master;
      book = open(facts);
      const found = held(directory, { ...after, master: model.master });
      const isAfter =
        JSON.stringify(found) ===
        JSON.stringify({ ...plain(after), keys: plain(after).keys.slice(0, found.keys.length) });
      if (!isAfter) expect(found).toEqual({ ...plain(before), keys: plain(before).keys });
      const left = isAfter ? after : before;
      model.keys.splice(0, model.keys.length, ...copy(left).keys.slice(0, book.lastKeyId));
      model.erased.clear();
      for (const name of left.erased) model.erased.add(name);
      durable = copy(model);
      facts = factsOf(book);
    }
    crashAt = null;
    remember(directory, wrapped, model);
    for (const [id, bytes] of wrapped)
      if (model.keys[id - 1]?.isErased === true) expect(filesWith(directory, bytes)).toEqual([]);
  }
  open(facts);
  expect(held(directory, durable)).toEqual(plain(durable));
}

function act(book: KeyBookFile, model: Model, deed: Deed): void {
  if (deed.do === 'rotate') book.rotate(masterKeyOf(model.master + 1));
  if (deed.do === 'erase') book.erase(deed.what, 1);
  // A commit follows all but a key that is made.
  if (deed.do !== 'seal') book.flush();
  if (deed.do === 'seal') {
    const { stream, subject, isNew } = deed;
    const live = model.keys.findLast((key) => key.stream === stream && key.subject === subject && !key.isErased);
    const isErased = [{ stream }, { subject }].some((name) => model.erased.has(JSON.stringify(name)));
    if (live === undefined && isErased && !isNew) {
      expect(() => book.sealing(streamOwner(stream, subject), false)).toThrow(
        expect.objectContaining({ code: 'KEY_ERASED' }),
      );
      return;
    }
    const print = printOf(book.sealing(streamOwner(stream, subject), isNew)?.key);
    if (live === undefined) model.keys.push({ stream, subject, print, isErased: false });
    else expect(print).toBe(live.print);
  }
  modelled(model, deed);
}

function opens(directory: string, master: number): boolean {
  try {
    openBook({ storage: new KeyFileStorage({ directory }), masterKey: masterKeyOf(master) });
    return true;
  } catch (error) {
    return !isBusError(error, 'MASTER_KEY_WRONG');
  }
}

/** Keeps how keys that are not erased are wrapped in the file. */
function remember(directory: string, wrapped: Map<number, Buffer>, { keys }: Model): void {
  const bytes = readFileSync(join(directory, 'keys'));
  for (let at = headerBytes; at + entryBytes <= bytes.length; at += entryBytes) {
    const id = bytes.readUInt32LE(at + entryAt.id);
    if (bytes[at] === 1 && keys[id - 1]?.isErased === false)
      wrapped.set(id, Buffer.from(bytes.subarray(at + entryAt.wrapped, at + wrappedEnd)));
  }
}

function filesWith(directory: string, bytes: Buffer): string[] {
  return readdirSync(directory).filter((name) => readFileSync(join(directory, name)).includes(bytes));
}
