/**
 * Opening the keys file for the writer: makes it, or checks it against what the store says of it.
 */
import { randomBytes } from 'node:crypto';
import { u48Max } from '../limits.ts';
import { KeyBookFile, type KeyBookParts } from './key-book.ts';
import { encodeHeader, keysDamaged } from './key-entry.ts';
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
  /** Of a new file. @default none: it promises nothing of plain events */
  readonly plainUntil?: number;
}

/**
 * The writer's keys; fills `secrets`. The file is there afterwards; Where
 * `generation` is not what `meta` says, the writer before has crashed in between: it is written there before anything else,
 * together with what is `unrecorded`.
 * @throws {MASTER_KEY_WRONG} {STORE_CORRUPT} {STORE_FORMAT} {STORE_FULL} {STORE_FAILED}
 */
export function openKeyBook(options: KeyBookOptions): KeyBookFile {
  const { storage, secrets, masterKey, facts } = options;
  storage.recover();
  const values = readSecrets(storage, masterKey);
  if (values === undefined) {
    if (facts !== undefined) keysDamaged(`${storage.path} is missing`);
    createKeys(options);
    return openKeyBook(options);
  }
  try {
    const bytes = storage.read() ?? keysDamaged(`${storage.path} is missing`);
    const table = new KeyTable(bytes, storage.path);
    if (facts !== undefined) checkFacts(table, facts, storage.path);
    // What is not whole behind the end was never used by a commit.
    if (bytes.length > table.end) storage.cut(table.end);
    secrets.set(values);
    return new KeyBookFile(options, table, facts?.keyGeneration ?? 0);
  } finally {
    forgetHeld(values);
  }
}

function createKeys({ storage, masterKey, plainUntil = u48Max }: KeyBookOptions): void {
  const held = { wrappingKey: randomBytes(secretBytes), tagKey: randomBytes(secretBytes) };
  const header = {
    cryptoId: randomBytes(cryptoIdBytes),
    wrapId: newWrapId(0),
    generation: 0,
    plainUntil,
    entries: 0,
    masterKeyId: masterKey.id,
  };
  const bytes = encodeHeader(header, held, masterKey.key);
  forgetHeld(held);
  storage.replace(0, bytes, () => undefined);
}

/** @throws {STORE_CORRUPT} when the file is behind the store, or another store's. */
function checkFacts({ header, lastKeyId }: KeyTable, facts: KeyFacts, path: string): void {
  if (!Buffer.from(header.cryptoId).equals(facts.cryptoId)) keysDamaged(`${path} is of another store`);
  if (header.generation < facts.keyGeneration)
    keysDamaged(`${path} is of generation ${header.generation}, the store of generation ${facts.keyGeneration}`);
  if (lastKeyId < facts.lastKeyId)
    keysDamaged(`${path} ends with key ${lastKeyId}, events are sealed with key ${facts.lastKeyId}`);
}
