/**
 * Opening the keys file for the writer: makes it, or checks it against what the store says of it.
 */
import { randomBytes } from 'node:crypto';
import { u48Max } from '../limits.ts';
import { KeyBookFile, type KeyBookParts, type SealingMode } from './key-book.ts';
import { type EntryDomain, encodeHeader, entryDomains, entryKinds, keysDamaged } from './key-entry.ts';
import { forgetHeld, readSecrets } from './key-file.ts';
import { KeyTable } from './key-table.ts';
import { cryptoIdBytes, secretBytes } from './secrets.ts';
import { newWrapId } from './wrap-id.ts';

/** What `meta` says of the keys. */
export interface KeyFacts {
  readonly cryptoId: Uint8Array;
  readonly keyGeneration: number;
  readonly lastKeyId: number;
}

export interface KeyBookOptions extends KeyBookParts {
  /** `undefined`: the store says nothing of keys, it has been plain so far. */
  readonly facts: KeyFacts | undefined;
  /** The last position of the store. */
  readonly head: number;
}

/** An erasure that is in the keys file, and of which the store does not know yet: its writer crashed in between. */
export interface ErasureAhead {
  readonly domain: EntryDomain;
  /** Of the name: the name itself is not known. */
  readonly tag: Buffer;
  readonly timeMs: number;
  readonly ids: readonly number[];
}

/** What the keys file is ahead of the store by. */
export interface KeysAhead {
  readonly erasures: readonly ErasureAhead[];
  readonly isRotated: boolean;
}

/**
 * The writer's keys; fills `secrets`. The file is there afterwards. Where `book.generation` is not what `meta` says, the
 * writer writes it there before anything else, together with the facts of what is `ahead`.
 * @throws {MASTER_KEY_WRONG} {STORE_CORRUPT} {STORE_FORMAT} {STORE_FULL} {STORE_FAILED}
 */
export function openKeyBook(options: KeyBookOptions): { readonly book: KeyBookFile; readonly ahead: KeysAhead } {
  const { storage, secrets, masterKey, facts, head, mode } = options;
  storage.recover();
  const values = readSecrets(storage, masterKey);
  if (values === undefined) {
    if (facts !== undefined) keysDamaged(`${storage.path} is missing`);
    createKeys(options);
    return openKeyBook(options);
  }
  try {
    const bytes = storage.read(Number.POSITIVE_INFINITY) ?? keysDamaged(`${storage.path} is missing`);
    const table = new KeyTable(bytes, storage.path);
    if (facts !== undefined) checkFacts(table, facts, storage.path);
    // What is not whole behind the end was never used by a commit.
    if (bytes.length > table.end) storage.append(table.end, Buffer.alloc(0));
    secrets.set(values);
    const book = new KeyBookFile(options, table);
    const ahead = keysAhead(table, facts?.keyGeneration ?? table.header.generation);
    const plainUntil = facts === undefined ? plainUntilOf(mode, head) : nextPlainUntil(mode, head, book.plainUntil);
    if (plainUntil !== book.plainUntil) book.setPlainUntil(plainUntil);
    return { book, ahead };
  } finally {
    forgetHeld(values);
  }
}

function createKeys({ storage, masterKey, head, mode }: KeyBookOptions): void {
  const held = { wrappingKey: randomBytes(secretBytes), tagKey: randomBytes(secretBytes) };
  const header = {
    cryptoId: randomBytes(cryptoIdBytes),
    wrapId: newWrapId(0),
    generation: 0,
    wrapGeneration: 0,
    plainUntil: plainUntilOf(mode, head),
    entries: 0,
    masterKeyId: masterKey.id,
  };
  const bytes = encodeHeader(header, held, masterKey.key);
  forgetHeld(held);
  storage.replace(bytes, () => undefined);
}

/** With prefixes nothing is promised of any event. */
function plainUntilOf(mode: SealingMode, head: number): number {
  return mode === 'all' ? head : u48Max;
}

function nextPlainUntil(mode: SealingMode, head: number, plainUntil: number): number {
  return mode === 'all' && plainUntil !== u48Max ? plainUntil : plainUntilOf(mode, head);
}

/** @throws {STORE_CORRUPT} when the file is behind the store, or another store's. */
function checkFacts({ header, lastKeyId }: KeyTable, facts: KeyFacts, path: string): void {
  if (!Buffer.from(header.cryptoId).equals(facts.cryptoId)) keysDamaged(`${path} is of another store`);
  if (header.generation < facts.keyGeneration)
    keysDamaged(`${path} is of generation ${header.generation}, the store of generation ${facts.keyGeneration}`);
  if (lastKeyId < facts.lastKeyId)
    keysDamaged(`${path} ends with key ${lastKeyId}, events are sealed with key ${facts.lastKeyId}`);
}

function keysAhead(table: KeyTable, keyGeneration: number): KeysAhead {
  const erasures: ErasureAhead[] = [];
  for (const name of table.erasedNames()) {
    if (table.generationAt(name) <= keyGeneration) continue;
    const domain = table.domainAt(name);
    const tag = Buffer.from(table.ownerTagAt(name));
    const ids: number[] = [];
    for (const start of table.starts()) {
      if (table.kindAt(start) !== entryKinds.tombstone || table.generationAt(start) !== table.generationAt(name))
        continue;
      const tags = domain === entryDomains.subject ? table.subjectTagAt(start) : table.ownerTagAt(start);
      if (tags.equals(tag) && (domain === entryDomains.subject || table.domainAt(start) === domain))
        ids.push(table.idAt(start));
    }
    erasures.push({ domain, tag, timeMs: table.timeAt(name), ids });
  }
  return { erasures, isRotated: table.header.wrapGeneration > keyGeneration };
}
