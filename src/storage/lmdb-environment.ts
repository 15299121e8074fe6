/**
 * The only importer of lmdb: opens an environment with the safe options and its tables with borrowed, uncopied values.
 *
 * Owns the choice of options. `overlappingSync` is off, so that a transaction is durable before it is visible. Values come
 * back as views of one buffer that lmdb-js overwrites with the next read (read.js, `globalBuffer`): valid until then, and
 * only while they stay below its 16 MiB. Errors of lmdb pass through as they are (see lmdb-errors.ts).
 */
import * as lmdb from 'lmdb';
import { assert } from '../assert.ts';
import { type TableName, tableNames } from './engine.ts';
import { pageSizeBytes } from './lmdb-file.ts';
import { blockTableName } from './preflight.ts';

/** The result of `put` and `remove` inside `transactionSync`: a shared promise that carries its outcome (lmdb's write.js). */
interface WriteOutcome {
  readonly result: boolean;
}

/** What lmdb's `getRange` reads, once per iteration; may be changed between two iterations. */
export interface RangeOptions<Key> {
  start: Key | undefined;
  end: Key | undefined;
  reverse: boolean;
  inclusiveEnd: boolean;
  exclusiveStart: boolean;
}

export interface Entry<Key> {
  readonly key: Key;
  readonly value: Uint8Array;
}

/** The part of an lmdb database that is used here. */
export interface Table<Key> {
  getBinaryFast(key: Key): Uint8Array | undefined;
  getRange(options: RangeOptions<Key>): Iterable<Entry<Key>>;
  put(key: Key, value: Uint8Array, options?: { readonly append: boolean }): WriteOutcome;
  remove(key: Key): WriteOutcome;
  getStats(): TreePages;
}

/** How many pages a tree has, of which kind. */
export interface TreePages {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

/**
 * The pages of the main tree, and of the free list in `free`, are those of the current read; the rest is of the newest meta page: a
 * commit shows there before it is synced, and before any read sees it.
 */
export interface RootStats extends TreePages {
  readonly free: TreePages;
  readonly mapSize: number;
  readonly lastPageNumber: number;
  readonly lastTxnId: number;
  readonly maxReaders: number;
}

/** The part of an lmdb root database that is used here. */
export interface RootTable {
  /** `body` must be synchronous and return nothing: a promise would keep the transaction open. */
  transactionSync(body: () => void): void;
  /** Only inside `transactionSync`. */
  getWriteTxnId(): number;
  useReadTransaction(): { done(): void };
  resetReadTxn(): void;
  getStats(): RootStats;
  /** A line for each slot of a reader. */
  readerList(): string;
  getBinaryFast(key: Uint8Array): Uint8Array | undefined;
  openDB(options: object): unknown;
  /** Synchronous where no asynchronous write was ever made, which is so here. */
  close(): Promise<void>;
}

/** An open environment with all its tables. */
export interface Environment {
  readonly root: RootTable;
  readonly blocks: Table<number>;
  readonly rows: Readonly<Record<TableName, Table<Uint8Array>>>;
}

export interface EnvironmentOptions {
  /** Path of the data file; LMDB's lock file is beside it, with `-lock` behind the name. */
  readonly path: string;
  readonly readOnly: boolean;
  /** Without `fsync`: what was committed survives the process, not the machine. */
  readonly noSync: boolean;
}

/** Address space set aside for the map: it costs no memory, and the file grows only as it is used. */
export const mapBytes = 256 * 2 ** 30;
/** Slots for read transactions, one per thread and process that reads (lmdb.h, mdb_env_set_maxreaders). */
const readersMax = 1024;
/** Room for tables to come; LMDB keeps a small record for each. */
const tablesMax = 32;

/**
 * Opens the environment at `path`, and creates what is missing unless `readOnly`. The file must have passed preflight.ts:
 * lmdb takes the process down over a damaged one.
 * @throws what lmdb throws, unchanged; then nothing stays open.
 */
export function openEnvironment(options: EnvironmentOptions): Environment {
  const root = lmdb.open({
    path: options.path,
    noSubdir: true,
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: false,
    readOnly: options.readOnly,
    noSync: options.noSync,
    maxDbs: tablesMax,
    maxReaders: readersMax,
    mapSize: mapBytes,
    pageSize: pageSizeBytes,
    permissionsMode: 0o600,
  } as object) as unknown as RootTable;
  try {
    const blocks = openTable<number>(root, blockTableName, positionKey);
    const rows = Object.fromEntries(
      tableNames.map((name) => [name, openTable<Uint8Array>(root, name, binaryKey) ?? emptyTable]),
    );
    assert(blocks !== undefined, 'the preflight has found the table of the blocks');
    return { root, blocks, rows: rows as Record<TableName, Table<Uint8Array>> };
  } catch (error) {
    void root.close();
    throw error;
  }
}

/** The main tree names a table so (mdb.c, mdb_dbi_open; the names have their NUL). */
const blockTableKey = new TextEncoder().encode(`${blockTableName}\0`);

/** In lmdb's exports, but not in its declarations: the transaction that wrote the page of the last look-up. */
const { getLastTxnId } = lmdb as unknown as { getLastTxnId(): number };

/**
 * The transaction that the current read sees, in the lower 32 bits: each one writes the page of the main tree anew, in which
 * the tables have their roots.
 */
export function snapshotTransactionId(root: RootTable): number {
  const record = root.getBinaryFast(blockTableKey);
  assert(record !== undefined, 'the main tree names the table of the blocks');
  return getLastTxnId();
}

/** lmdb-js calls these on its own key buffer; `dataView` is where it, too, keeps a view of it (keys.js). */
interface KeyBuffer extends Uint8Array {
  dataView?: DataView;
}

interface KeyEncoder<Key> {
  writeKey(key: Key, target: KeyBuffer, start: number): number;
  readKey(target: KeyBuffer, start: number, end: number): Key;
}

function viewOf(target: KeyBuffer): DataView {
  target.dataView ??= new DataView(target.buffer, target.byteOffset, target.byteLength);
  return target.dataView;
}

/** A position as 8 bytes, big-endian, so that LMDB's bytewise order is the order of positions. */
const positionKey: KeyEncoder<number> = {
  writeKey(position, target, start) {
    const view = viewOf(target);
    view.setUint32(start, Math.floor(position / 2 ** 32));
    view.setUint32(start + 4, position >>> 0);
    return start + 8;
  },
  readKey(target, start) {
    const view = viewOf(target);
    return view.getUint32(start) * 2 ** 32 + view.getUint32(start + 4);
  },
};

/** A key as it is; read as a view of lmdb's key buffer, valid until the next read. */
const binaryKey: KeyEncoder<Uint8Array> = {
  writeKey(key, target, start) {
    target.set(key, start);
    return start + key.length;
  },
  readKey: (target, start, end) => keyView.of(target, start, end),
};

/**
 * Plain views of a buffer that lmdb uses again and again. Plain, because it is a `Buffer` whose `length` lmdb changes, and
 * because a `Buffer`'s `slice` would be a view, too, where a `Uint8Array`'s is a copy.
 */
class BorrowedView {
  #buffer: Uint8Array | undefined;
  #bytes: Uint8Array = new Uint8Array(0);

  of(buffer: Uint8Array, start: number, end: number): Uint8Array {
    if (buffer !== this.#buffer) {
      this.#buffer = buffer;
      this.#bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    }
    return this.#bytes.subarray(start, end);
  }
}

const keyView = new BorrowedView();
const valueView = new BorrowedView();

/** The value that `getBinaryFast` gave, as a plain view; valid until the next read. */
export function borrowedValue(buffer: Uint8Array): Uint8Array {
  return valueView.of(buffer, 0, buffer.length);
}

/** Values as they are. lmdb hands `decode` its 16 MiB buffer with the value's length beside it. */
const borrowedValues = {
  encode: (value: Uint8Array): Uint8Array => value,
  decode: (buffer: Uint8Array, length: number): Uint8Array => valueView.of(buffer, 0, length),
};

/** `undefined`: an older store has no such table, and this is a reader. */
function openTable<Key>(root: RootTable, name: string, keyEncoder: KeyEncoder<Key>): Table<Key> | undefined {
  return root.openDB({ name, encoding: 'binary', keyEncoder, encoder: borrowedValues }) as Table<Key> | undefined;
}

/** What a reader finds in place of a table that is not there yet. */
const emptyTable: Table<Uint8Array> = {
  getBinaryFast: () => undefined,
  getRange: () => [],
  put: () => ({ result: false }),
  remove: () => ({ result: false }),
  getStats: () => ({ treeBranchPageCount: 0, treeLeafPageCount: 0, overflowPages: 0 }),
};
