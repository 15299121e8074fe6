/**
 * How a writer comes by the keys of its store: those there are, or, for a store that was plain until now, new ones.
 *
 * The `keys` file is durable before `meta` names it, so a crash in between leaves a plain store, and the next writer that has a
 * master key goes on from there. Nothing is sealed before both are.
 */
import { applyLedger } from '../crypto/erase-ledger.ts';
import type { KeyBook } from '../crypto/key-ports.ts';
import type { KeyStorage } from '../crypto/key-storage.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import { type KeyFacts, openKeyBook } from '../crypto/open-key-book.ts';
import type { StoreSecrets } from '../crypto/secrets.ts';
import { BusError } from '../errors.ts';
import { keySealsMax, u48Max } from '../limits.ts';
import type { Engine, Snapshot } from '../storage/engine.ts';
import { readClock } from './clock.ts';
import { rebuildIndex } from './deferred-index.ts';
import { type Fence, takeOver } from './fence.ts';
import { KeyedEngine } from './keyed-engine.ts';
import { LogReader } from './log-reader.ts';
import { LogWriter, type LogWriterOptions } from './log-writer.ts';
import { encryptionRows, hasEncryption, readIdentity, readMetaNumber } from './store-meta.ts';
import { TailFollower } from './tail.ts';

/** What the keys of a writer are opened with. */
export interface KeySetup {
  /** Closed with them. */
  readonly storage: KeyStorage;
  /** Filled here. */
  readonly secrets: StoreSecrets;
  readonly masterKey: MasterKey;
  /** Which events are sealed: all, or those of streams whose name starts with one of these. */
  readonly mode: 'all' | { readonly prefixes: readonly string[] };
  /** Of erasures that this copy of the store may not know of yet: they are made before anything else. */
  readonly ledger: Uint8Array | undefined;
}

/** The engine as it is to be used beside the writer. */
export interface OpenWriter {
  readonly engine: Engine;
  readonly writer: LogWriter;
}

/**
 * The writer of the store of `engine`, whose writer lock is held, with its keys; `undefined`: it has none. The engine is the
 * caller's to close if this fails.
 * @throws {MASTER_KEY_WRONG} {LEDGER_INVALID} {STORE_CORRUPT} {STORE_FORMAT} {STORE_READ_ONLY} {STORE_FULL} {STORE_FAILED}
 */
export function openLogWriter(
  engine: Engine,
  options: Omit<LogWriterOptions, 'keys' | 'fence'>,
  setup: KeySetup | undefined,
): OpenWriter {
  if (setup === undefined) {
    requirePlain(engine);
    return { engine, writer: new LogWriter(engine, options) };
  }
  // What the file of keys, and the end of the log, are found to be holds only if no earlier writer goes on.
  const fence = takeOver(engine);
  const book = openBook(engine, options, setup, fence);
  try {
    const keyed = new KeyedEngine(engine, book);
    return { engine: keyed, writer: new LogWriter(keyed, { ...options, keys: book, fence }) };
  } catch (error) {
    book.close();
    throw error;
  }
}

/** @throws {STORE_CORRUPT} when the store has encryption: its `keys` are lost, and nothing of it is to be taken for plain. */
export function requirePlain(engine: Engine): void {
  if (!engine.read(hasEncryption)) return;
  throw new BusError(
    'STORE_CORRUPT',
    `the store at ${engine.path} has encryption, but its file keys is missing: restore it from a backup`,
    { table: 'keys', position: undefined },
  );
}

function openBook(
  engine: Engine,
  options: Omit<LogWriterOptions, 'keys' | 'fence'>,
  setup: KeySetup,
  fence: Fence,
): KeyBook {
  const writerEpoch = engine.read((snapshot) => readMetaNumber(snapshot, 'writerEpoch'));
  const facts = engine.read((snapshot) => keyFacts(snapshot, engine.path));
  // Its events are counted by the index.
  if (facts === undefined && options.rebuildIndex === true) rebuildIndex(engine, fence, options.idempotencyTtlMs);
  const reader = new LogReader(engine, new TailFollower());
  const isAll = setup.mode === 'all';
  const plainUntil = isAll ? reader.head() : u48Max;
  const book = openKeyBook({
    ...setup,
    facts,
    plainUntil,
    writerEpoch,
    nowMs: () => readClock(options.clock),
    sealsMax: keySealsMax,
  });
  try {
    if (facts === undefined && book.lastKeyId > 0) throw metaLost(engine.path);
    if (setup.ledger !== undefined) applyLedger(book, setup.secrets, setup.ledger);
    // What was promised from an earlier position on stays so.
    if (!isAll || book.plainUntil === u48Max) book.requirePlainUntil(plainUntil);
    if (facts === undefined) {
      engine.commit({ blocks: [], rows: encryptionRows(book.cryptoId, countEvents(reader)), fence });
    }
    return book;
  } catch (error) {
    book.close();
    throw error;
  }
}

/** A crash while keys are made leaves none of events: these were used, and what was sealed with them must not be taken for gone. */
function metaLost(path: string): BusError<'STORE_CORRUPT'> {
  return new BusError(
    'STORE_CORRUPT',
    `the store at ${path} has keys, but its log knows nothing of them: log.mdb and keys do not belong together`,
    { table: 'meta', position: undefined },
  );
}

/** What meta says of the keys; `undefined`: the store has been plain so far. */
function keyFacts(snapshot: Snapshot, path: string): KeyFacts | undefined {
  const { cryptoId } = readIdentity(snapshot, path);
  if (cryptoId === undefined) return undefined;
  const [keyGeneration, lastKeyId] = [readMetaNumber(snapshot, 'keyGeneration'), readMetaNumber(snapshot, 'lastKeyId')];
  return { cryptoId, keyGeneration, lastKeyId };
}

/** All of them are plain. Those of streams of our own are never sealed, and don't count. */
function countEvents(reader: LogReader): number {
  let count = 0;
  let after: string | undefined;
  for (;;) {
    const { items, isLast } = reader.streams('', after, Number.POSITIVE_INFINITY);
    for (const { stream, version } of items) if (!stream.startsWith('$')) count += version;
    if (isLast) return count;
    after = items.at(-1)?.stream;
  }
}
