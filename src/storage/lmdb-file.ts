/**
 * LMDB's file format, as far as it is read here without LMDB: meta pages, trees, the free list. Pages: tree-page.ts.
 *
 * From lmdb-js 3.5.6, dependencies/lmdb/libraries/liblmdb/mdb.c: MDB_page_header (24 bytes in this fork), MDB_meta, MDB_db,
 * MDB_node, MDB_ovpage; little-endian, 64 bits. Every number is checked before it is used; what never occurs in a healthy
 * file is a {@link Damage}. Knows nothing of where pages come from (see preflight.ts).
 */

/** LMDB's page size in every store of ours. */
export const pageSizeBytes = 4096;
/** sizeof(MDB_page_header). */
export const pageHeaderBytes = 24;
/** A root that is not there: an empty tree. */
const noPage = 2n ** 64n - 1n;

const metaMagic = 0xbeefc0de;
const metaVersion = 2;
const pageMeta = 0x08;
/** sizeof(MDB_db). */
const treeRecordBytes = 48;
/** LMDB's own limit of a tree's depth (mdb.c, CURSOR_STACK). */
const depthMax = 32;
/** Flags of the free list: MDB_INTEGERKEY, and those of the environment, here MDB_NOSUBDIR (mdb.c, mdb_env_init_meta0). */
const freeListFlags = 0x4008;

/** Something that is in no healthy file. */
export class Damage extends Error {}

/** The file is no file of this LMDB with our page size at all. */
export class ForeignFile extends Error {}

/** MDB_db: a tree. */
export interface Tree {
  readonly flags: number;
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
  /** Page number; undefined for an empty tree. */
  readonly root: number | undefined;
}

/** MDB_meta: one of the two starting points. */
export interface Meta {
  readonly transactionId: number;
  readonly lastPage: number;
  readonly free: Tree;
  readonly main: Tree;
}

/**
 * The newer of the two metas in the first two pages of a file. The trees of the older one mean nothing: after a meta page
 * that could not be written LMDB leaves the new trees there under the old number (mdb.c, mdb_env_write_meta).
 * @throws {ForeignFile} {Damage}
 */
export function readMetas(pages: Buffer): Meta {
  ensure(
    pages.some((byte) => byte !== 0),
    'it begins with zeros',
  );
  const slots = [pages.subarray(0, pageSizeBytes), pages.subarray(pageSizeBytes, 2 * pageSizeBytes)];
  if (!slots.some(hasMagic)) throw new ForeignFile('it has not the page layout of a store');
  if (slots.every((page) => readNumber(page, 152) === 0)) throw new ForeignFile('nothing was ever written to it');
  const [even, odd] = slots.map(readTransactionId) as [number, number];
  // Transaction N writes meta page N % 2 (mdb.c, mdb_env_write_meta), and no number is left out.
  ensure(Math.abs(even - odd) === 1, 'the two meta pages are not of successive transactions');
  return readMeta(slots[even > odd ? 0 : 1] as Buffer, Math.max(even, odd));
}

/** The page size that a first page claims, if it is of this LMDB and the size is not ours. */
export function foreignPageSize(page: Buffer): number | undefined {
  if (page.length < 52) return undefined;
  const size = page.readUInt32LE(48);
  if (!hasMagic(page) || size === pageSizeBytes) return undefined;
  return size >= 512 && size <= 65536 && Number.isInteger(Math.log2(size)) ? size : undefined;
}

export function hasMagic(page: Buffer): boolean {
  return page.readUInt32LE(24) === metaMagic;
}

function readTransactionId(page: Buffer, slot: number): number {
  const at = `meta page ${slot}`;
  ensure(hasMagic(page), `${at} has no magic number`);
  ensure(readNumber(page, 0) === slot && page.readUInt16LE(18) === pageMeta, `${at} has a wrong header`);
  ensure(page.readUInt32LE(28) === metaVersion, `${at} has a wrong version`);
  ensure(readNumber(page, 32) === 0, `${at} has an address`);
  ensure(page.readUInt32LE(48) === pageSizeBytes, `${at} has a wrong page size`);
  ensure(page.readUInt16LE(52) === freeListFlags, `${at} has wrong flags`);
  const transactionId = readNumber(page, 152);
  ensure(transactionId % 2 === slot, `${at} has the other one's transaction`);
  return transactionId;
}

function readMeta(page: Buffer, transactionId: number): Meta {
  const at = 'the newest meta page';
  const mapSize = readNumber(page, 40);
  const lastPage = readNumber(page, 144);
  ensure(lastPage >= 1 && lastPage < 2 ** 40, `${at} has a wrong last page`);
  ensure(mapSize % pageSizeBytes === 0 && mapSize > lastPage * pageSizeBytes, `${at} has a wrong map size`);
  const free = readTree(page.subarray(48, 96), lastPage, 'the free list');
  const main = readTree(page.subarray(96, 144), lastPage, 'the main tree');
  ensure(page.readUInt32LE(96) === 0 && main.flags === 0, 'the main tree has wrong flags');
  return { transactionId, lastPage, free, main };
}

/** @throws {Damage} */
export function readTree(record: Buffer, lastPage: number, what: string): Tree {
  ensure(record.length === treeRecordBytes, `${what} is no record of a tree`);
  const isEmpty = record.readBigUInt64LE(40) === noPage;
  const tree: Tree = {
    flags: record.readUInt16LE(4),
    depth: record.readUInt16LE(6),
    branchPages: readNumber(record, 8),
    leafPages: readNumber(record, 16),
    overflowPages: readNumber(record, 24),
    entries: readNumber(record, 32),
    root: isEmpty ? undefined : readNumber(record, 40),
  };
  const { root, depth, branchPages, leafPages, overflowPages, entries } = tree;
  ensure(branchPages + leafPages + overflowPages <= lastPage + 1, `${what} has more pages than the file`);
  if (root === undefined) {
    ensure(depth === 0 && entries === 0 && leafPages === 0 && branchPages === 0, `${what} has no root`);
    return tree;
  }
  ensure(root >= 2 && root <= lastPage, `the root of ${what} lies outside the file`);
  ensure(depth >= 1 && depth <= depthMax, `${what} has a wrong depth`);
  ensure(
    depth === 1 ? branchPages === 0 && leafPages === 1 : branchPages >= depth - 1,
    `${what} has wrong page counts`,
  );
  ensure(entries >= leafPages && leafPages > branchPages, `${what} has a wrong number of entries`);
  return tree;
}

/**
 * The page numbers in a record of the free list: a count, then a number each, or a negative length before the first number
 * of a run; zeros are room that is left (midl.c and mdb.c, mdb_freelist_save, in this fork).
 * @throws {Damage}
 */
export function* readFreePages(record: Buffer, meta: Meta): Generator<number> {
  ensure(record.length >= 8 && record.length % 8 === 0, 'the free list has a record of a wrong size');
  const count = readNumber(record, 0);
  ensure(8 + 8 * count <= record.length, 'the free list has a record that is too long');
  let run = 1;
  for (let at = 8; at <= 8 * count; at += 8) {
    const entry = Number(record.readBigInt64LE(at));
    if (entry <= 0) {
      ensure(run === 1 && -entry <= meta.lastPage, 'the free list has a wrong length');
      run = entry === 0 ? 1 : -entry;
      continue;
    }
    ensure(entry >= 2 && entry + run - 1 <= meta.lastPage, 'the free list leads outside the file');
    for (let page = entry; page < entry + run; page += 1) yield page;
    run = 1;
  }
}

/** A number of 64 bits, exact below 2 ** 53. */
export function readNumber(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}

/** @throws {Damage} */
export function ensure(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Damage(what);
}
