/**
 * The engine in memory: the same port and the same rules, for tests and for stores that need not last.
 *
 * A {@link MemoryStorage} holds the data and outlives the engines opened on it, so that a test can close and open again.
 * As with LMDB there is one writer at a time, what is written is copied in, and what is read is borrowed: every read of a
 * snapshot overwrites what the one before gave, so that code which keeps it fails here as well.
 */
import { assert } from '../assert.ts';
import { BusError } from '../errors.ts';
import type { Capabilities } from '../types.ts';
import {
  type BlockVisitor,
  type Engine,
  type EngineUsage,
  type RowRange,
  type RowVisitor,
  type RowWrite,
  type Snapshot,
  type TableName,
  tableNames,
  type WriteSet,
} from './engine.ts';
import { MemoryKeyStorage } from './memory-key-storage.ts';
import { assertInside, assertKey, checkWriteSet, requireFence, sameBytes } from './write-set.ts';

interface StoredBlock {
  readonly firstPosition: number;
  readonly bytes: Uint8Array;
}

interface StoredRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** The data of a store in memory, and what a test may do to it. */
export class MemoryStorage {
  /** Ascending by position. */
  readonly blocks: StoredBlock[] = [];
  /** Ascending by key. */
  readonly rows: Record<TableName, StoredRow[]>;
  /** What would be the keys file. */
  readonly keys = new MemoryKeyStorage('keys');
  transactionId = 0;
  sizeBytes = 0;
  hasWriter = false;
  /** Called by the next commit before anything is written; what it throws, the commit throws. Then forgotten. */
  beforeNextCommit: (() => void) | undefined;
  /** Called by the next commit after everything was written; what it throws, the commit throws. Then forgotten. */
  afterNextCommit: (() => void) | undefined;

  constructor() {
    this.rows = Object.fromEntries(tableNames.map((name) => [name, []])) as unknown as Record<TableName, StoredRow[]>;
  }
}

export interface MemoryEngineOptions {
  /** @default false */
  readonly readOnly?: boolean;
  /** Name for messages. @default 'memory' */
  readonly path?: string;
  /** Rows a new storage starts with. @default none */
  readonly initialRows?: readonly RowWrite[];
}

/**
 * An engine on `storage`.
 * @throws {STORE_LOCKED} when a writer is open on it, and this would be another.
 * @throws {STORE_NOT_FOUND} when `readOnly` and nothing was ever written.
 */
export function openMemoryEngine(storage: MemoryStorage, options: MemoryEngineOptions = {}): Engine {
  const path = options.path ?? 'memory';
  const readOnly = options.readOnly ?? false;
  if (readOnly) {
    if (storage.transactionId === 0)
      throw new BusError('STORE_NOT_FOUND', `there is no store in ${path}: open it once for writing`, { path });
  } else {
    if (storage.hasWriter)
      throw new BusError('STORE_LOCKED', `the store in ${path} is open for writing already`, {
        path,
        holder: 'this thread',
      });
    storage.hasWriter = true;
    if (storage.transactionId === 0) {
      writeRows(storage, options.initialRows ?? []);
      storage.transactionId = 1;
    }
  }
  return new MemoryEngine(storage, path, readOnly);
}

class MemoryEngine implements Engine {
  readonly capabilities: Capabilities;
  readonly path: string;
  readonly #storage: MemoryStorage;
  readonly #snapshot: MemorySnapshot;
  #reading = false;
  #closed = false;

  constructor(storage: MemoryStorage, path: string, readOnly: boolean) {
    this.path = path;
    this.#storage = storage;
    this.#snapshot = new MemorySnapshot(storage);
    this.capabilities = { engine: 'memory', durability: 'none', processes: false, threads: false, readOnly };
  }

  read<T>(use: (snapshot: Snapshot) => T): T {
    this.#assertOpen();
    assert(!this.#reading, 'a read is not inside another one');
    this.#reading = true;
    try {
      return this.#snapshot.during(use);
    } finally {
      this.#reading = false;
    }
  }

  commit(writes: WriteSet): void {
    this.#assertOpen();
    const { path } = this;
    if (this.capabilities.readOnly)
      throw new BusError('STORE_READ_ONLY', `the store in ${path} was opened read-only`, { path });
    assert(!this.#reading, 'a commit is not inside a read');
    checkWriteSet(writes);
    const storage = this.#storage;
    takeHook(storage, 'beforeNextCommit')?.();
    const { fence } = writes;
    const fenceRow = fence === undefined ? undefined : this.#snapshot.during((now) => now.row(fence.table, fence.key));
    if (fence !== undefined) requireFence(fenceRow, fence, path);
    const first = writes.blocks[0];
    assert(
      first === undefined || first.firstPosition > (storage.blocks.at(-1)?.firstPosition ?? 0),
      'blocks are appended behind the last one',
    );
    for (const { firstPosition, bytes } of writes.blocks) {
      storage.blocks.push({ firstPosition, bytes: Uint8Array.from(bytes) });
      storage.sizeBytes += bytes.length + 8;
    }
    writeRows(storage, writes.rows);
    storage.transactionId += 1;
    takeHook(storage, 'afterNextCommit')?.();
  }

  transactionId(): number {
    this.#assertOpen();
    return this.#storage.transactionId;
  }

  sizeBytes(): number {
    this.#assertOpen();
    return this.#storage.sizeBytes;
  }

  usage(): EngineUsage {
    const bytes = this.sizeBytes();
    return { fileBytes: bytes, mapBytes: 0, usedBytes: bytes, freeBytes: 0, readers: 0, readersMax: 0 };
  }

  close(): void {
    assert(!this.#reading, 'an engine is not closed inside a read');
    if (this.#closed) return;
    this.#closed = true;
    if (!this.capabilities.readOnly) this.#storage.hasWriter = false;
  }

  #assertOpen(): void {
    const { path } = this;
    if (this.#closed) throw new BusError('STORE_CLOSED', `the store in ${path} was closed`, { path });
  }
}

class MemorySnapshot implements Snapshot {
  keys: Snapshot['keys'];
  readonly #storage: MemoryStorage;
  readonly #key = new Scratch();
  readonly #value = new Scratch();
  #isOpen = false;

  constructor(storage: MemoryStorage) {
    this.#storage = storage;
  }

  /** Runs `use` while the snapshot may be used. */
  during<T>(use: (snapshot: Snapshot) => T): T {
    this.#isOpen = true;
    try {
      return use(this);
    } finally {
      this.#isOpen = false;
    }
  }

  block(firstPosition: number): Uint8Array | undefined {
    assertInside(this.#isOpen);
    const { blocks } = this.#storage;
    const block = blocks[floorOfPosition(blocks, firstPosition)];
    return block?.firstPosition === firstPosition ? this.#value.lend(block.bytes) : undefined;
  }

  walkForward(position: number, visit: BlockVisitor): void {
    assertInside(this.#isOpen);
    const { blocks } = this.#storage;
    for (let at = Math.max(0, floorOfPosition(blocks, position)); at < blocks.length; at += 1) {
      const block = blocks[at] as StoredBlock;
      if (visit(block.firstPosition, this.#value.lend(block.bytes)) === false) return;
    }
  }

  walkBackward(position: number, visit: BlockVisitor): void {
    assertInside(this.#isOpen);
    const { blocks } = this.#storage;
    for (let at = floorOfPosition(blocks, position); at >= 0; at -= 1) {
      const block = blocks[at] as StoredBlock;
      if (visit(block.firstPosition, this.#value.lend(block.bytes)) === false) return;
    }
  }

  row(table: TableName, key: Uint8Array): Uint8Array | undefined {
    assertInside(this.#isOpen);
    assertKey(key);
    const rows = this.#storage.rows[table];
    const row = rows[ceilingOfKey(rows, key)];
    return row !== undefined && sameBytes(row.key, key) ? this.#value.lend(row.value) : undefined;
  }

  walkRows(table: TableName, range: RowRange, visit: RowVisitor): void {
    assertInside(this.#isOpen);
    const rows = this.#storage.rows[table];
    const from = range.from === undefined ? 0 : ceilingOfKey(rows, range.from);
    const below = range.below === undefined ? rows.length : ceilingOfKey(rows, range.below);
    const step = range.reverse === true ? -1 : 1;
    for (let at = step === 1 ? from : below - 1; at >= from && at < below; at += step) {
      const row = rows[at] as StoredRow;
      if (visit(this.#key.lend(row.key), this.#value.lend(row.value)) === false) return;
    }
  }
}

/** Memory that is lent out again and again. */
class Scratch {
  #bytes = new Uint8Array(2 ** 16);

  lend(bytes: Uint8Array): Uint8Array {
    if (bytes.length > this.#bytes.length) this.#bytes = new Uint8Array(2 * bytes.length);
    this.#bytes.set(bytes);
    return this.#bytes.subarray(0, bytes.length);
  }
}

function takeHook(storage: MemoryStorage, name: 'beforeNextCommit' | 'afterNextCommit'): (() => void) | undefined {
  const hook = storage[name];
  storage[name] = undefined;
  return hook;
}

function writeRows(storage: MemoryStorage, rows: readonly RowWrite[]): void {
  for (const { table, key, value } of rows) {
    const stored = storage.rows[table];
    const at = ceilingOfKey(stored, key);
    const old = stored[at];
    const exists = old !== undefined && sameBytes(old.key, key);
    if (exists) storage.sizeBytes -= old.key.length + old.value.length;
    if (value === undefined) {
      if (exists) stored.splice(at, 1);
      continue;
    }
    stored.splice(at, exists ? 1 : 0, { key: Uint8Array.from(key), value: Uint8Array.from(value) });
    storage.sizeBytes += key.length + value.length;
  }
}

/** Index of the last block that begins at or before `position`; -1 if there is none. */
function floorOfPosition(blocks: readonly StoredBlock[], position: number): number {
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((blocks[middle] as StoredBlock).firstPosition <= position) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Index of the first row whose key is not below `key`. */
function ceilingOfKey(rows: readonly StoredRow[], key: Uint8Array): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Buffer.compare((rows[middle] as StoredRow).key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
