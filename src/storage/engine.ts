/**
 * The engine port: what the log needs from the thing that stores blocks and small tables.
 *
 * Everything is synchronous and single-threaded. An engine knows nothing of events: blocks are opaque bytes under the
 * position of their first event, rows are opaque bytes under a binary key, compared bytewise. One `commit` is one durable
 * transaction. The contract suite (test/kit/engine-contract.ts) holds for every engine.
 */
import type { KeyView } from '../crypto/key-ports.ts';
import type { Capabilities } from '../types.ts';

/** The small tables that every store has. */
export const firstTableNames = ['streams', 'stream_index', 'consumer_cursors', 'idempotency', 'meta'] as const;
/** Those that came later: the next writer of an older store makes them. Readers that were open before find them empty until they open it again. */
const laterTableNames = ['dead_letters', 'parked', 'timers', 'snapshots', 'projections'] as const;
/** The small tables beside the log. */
export const tableNames = [...firstTableNames, ...laterTableNames] as const;
export type TableName = (typeof tableNames)[number];

/** Visits one block; `false` ends the walk. `bytes` are borrowed: valid until the visitor returns or reads something else. */
export type BlockVisitor = (firstPosition: number, bytes: Uint8Array) => boolean | undefined;
/** Visits one row; `false` ends the walk. `key` and `value` are borrowed like a block's bytes. */
export type RowVisitor = (key: Uint8Array, value: Uint8Array) => boolean | undefined;

export interface RowRange {
  /** Lowest key, inclusive. @default the first */
  readonly from?: Uint8Array;
  /** Highest key, exclusive. @default none */
  readonly below?: Uint8Array;
  /** Highest key first. @default false */
  readonly reverse?: boolean;
}

/** One consistent view of the last durable transaction. Only valid inside the call of {@link Engine.read} that gave it. */
export interface Snapshot {
  /** What opens what is sealed, as of this view; `undefined` for a store without encryption. Set by log/keyed-engine.ts. */
  keys: KeyView | undefined;
  /** The block whose first event is at `firstPosition`; borrowed. */
  block(firstPosition: number): Uint8Array | undefined;
  /**
   * Blocks upward, starting with the one that could hold `position`: the last that begins at or before it, or else the first
   * behind it. Gives nothing on an empty log.
   */
  walkForward(position: number, visit: BlockVisitor): void;
  /** Blocks downward, starting with the last one that begins at or before `position`. */
  walkBackward(position: number, visit: BlockVisitor): void;
  /** The value of one row; borrowed. */
  row(table: TableName, key: Uint8Array): Uint8Array | undefined;
  walkRows(table: TableName, range: RowRange, visit: RowVisitor): void;
}

interface BlockWrite {
  readonly firstPosition: number;
  readonly bytes: Uint8Array;
}

/** `value: undefined` removes the row (no error if there is none). */
export interface RowWrite {
  readonly table: TableName;
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/** One transaction. All buffers stay untouched until `commit` returns. */
export interface WriteSet {
  /** Ascending, all behind the last block stored. */
  readonly blocks: readonly BlockWrite[];
  /** In the order given. */
  readonly rows: readonly RowWrite[];
  /** The row that must still have exactly this value inside the transaction; otherwise nothing is written and `WRITER_FENCED` thrown. */
  readonly fence?: { readonly table: TableName; readonly key: Uint8Array; readonly value: Uint8Array };
}

/** What a store takes up. Bytes. */
export interface EngineUsage {
  /** The data file, or what is kept in memory. */
  readonly fileBytes: number;
  /** Address space set aside for it; 0 in memory. */
  readonly mapBytes: number;
  /** What holds something now, and what can be used again; counted in whole pages where there are any. */
  readonly usedBytes: number;
  readonly freeBytes: number;
  /** Slots for readers that are taken, by whatever process, and how many there are; 0 in memory. */
  readonly readers: number;
  readonly readersMax: number;
}

export interface Engine {
  readonly capabilities: Capabilities;
  /** Directory of the store, or a name for messages. */
  readonly path: string;
  /**
   * Runs `use` on a fresh snapshot, which is released when it returns: nothing stays pinned between calls.
   * Not reentrant. @throws {STORE_CLOSED} {STORE_CORRUPT}
   */
  read<T>(use: (snapshot: Snapshot) => T): T;
  /**
   * Returns when the transaction is as durable as promised, and only then is it visible to any reader.
   * @throws {WRITER_FENCED} {STORE_FULL} nothing written, engine usable. @throws {STORE_FAILED} outcome unknown.
   * @throws {STORE_READ_ONLY} {STORE_CLOSED}
   */
  commit(writes: WriteSet): void;
  /** A number that grows with every commit by any process; cheap enough to poll. */
  transactionId(): number;
  /** Bytes of the store on disk (or in memory). */
  sizeBytes(): number;
  /** Pins nothing; cheap enough to ask every second. @throws {STORE_CLOSED} {STORE_FAILED} */
  usage(): EngineUsage;
  /** Releases everything, the writer lock last. Twice is fine. */
  close(): void;
}
