/**
 * A branch or leaf page of an LMDB file, read without LMDB and believed in nothing that was not checked.
 *
 * From lmdb-js 3.5.6, mdb.c: MDB_page_header, MDB_node, MDB_ovpage. See lmdb-file.ts for the rest of the format.
 */
import { ensure, type Meta, pageHeaderBytes, pageSizeBytes, readNumber } from './lmdb-file.ts';

const pageLeaf = 0x02;
const pageBranch = 0x01;
const nodeBigData = 0x01;
const nodeSubData = 0x02;
/** offsetof(MDB_node, mn_data). */
const nodeHeaderBytes = 8;
/** Every key of ours is shorter; a name of a table, too. */
const keyBytesMax = 1978;

/** A value in pages of its own: `size` bytes behind the header of the first of `count` pages. */
export interface Overflow {
  readonly page: number;
  readonly count: number;
  readonly size: number;
}

/** The order of the keys of a tree: negative when `left` comes first. */
export type KeyOrder = (left: Buffer, right: Buffer) => number;

/** The order of every tree but the free list. */
export const bytewise: KeyOrder = (left, right) => Buffer.compare(left, right);

/** The order of the free list: its keys are transaction ids (MDB_INTEGERKEY). */
export const byTransaction: KeyOrder = (left, right) => {
  ensure(left.length === 8 && right.length === 8, 'the free list has a wrong key');
  return readNumber(left, 0) - readNumber(right, 0);
};

/** Where a page is to be found and what it must be. */
export interface PageExpectation {
  readonly number: number;
  readonly isLeaf: boolean;
  readonly order: KeyOrder;
}

/**
 * A branch or leaf page: nodes that lie within the page, lead into the file, and are in the order of their keys. All that
 * is known when it was made.
 */
export class TreePage {
  readonly count: number;
  readonly #bytes: Buffer;
  readonly #starts: number[] = [];

  /** @throws {Damage} */
  constructor(bytes: Buffer, expected: PageExpectation, meta: Meta) {
    const { number, isLeaf, order } = expected;
    const at = `page ${number}`;
    ensure(readNumber(bytes, 0) === number, `${at} has another page's number`);
    const transactionId = readNumber(bytes, 8);
    ensure(transactionId >= 1 && transactionId <= meta.transactionId, `${at} has a transaction to come`);
    ensure(bytes.readUInt16LE(18) === (isLeaf ? pageLeaf : pageBranch), `${at} has wrong flags`);
    const lower = bytes.readUInt16LE(20);
    const upper = bytes.readUInt16LE(22);
    const room = pageSizeBytes - pageHeaderBytes;
    ensure(lower % 2 === 0 && lower <= upper && upper <= room, `${at} has wrong bounds`);
    this.#bytes = bytes;
    this.count = lower / 2;
    ensure(this.count >= (isLeaf ? 1 : 2), `${at} has too few nodes`);
    let last: Buffer | undefined;
    for (let index = 0; index < this.count; index += 1) {
      const offset = bytes.readUInt16LE(pageHeaderBytes + 2 * index);
      ensure(offset >= upper && offset % 2 === 0 && offset + nodeHeaderBytes <= room, `${at} has a node outside of it`);
      this.#starts.push(pageHeaderBytes + offset);
      // The first key of a branch page is not used: its child takes everything below the second.
      const isUsed = isLeaf || index > 0;
      this.#checkNode(index, isLeaf, isUsed ? 1 : 0, at, meta);
      if (!isUsed) continue;
      const key = this.key(index);
      ensure(last === undefined || order(last, key) < 0, `${at} has keys out of order`);
      last = key;
    }
  }

  key(index: number): Buffer {
    const start = this.#start(index);
    return this.#bytes.subarray(start + nodeHeaderBytes, start + nodeHeaderBytes + this.#bytes.readUInt16LE(start + 6));
  }

  /** Only in a branch page. */
  child(index: number): number {
    const start = this.#start(index);
    return this.#bytes.readUInt32LE(start) + this.#bytes.readUInt16LE(start + 4) * 2 ** 32;
  }

  /** Only in a leaf page: the value is the record of a tree. */
  isTree(index: number): boolean {
    return this.#flags(index) === nodeSubData;
  }

  /** Only in a leaf page. */
  overflow(index: number): Overflow | undefined {
    if (this.#flags(index) !== nodeBigData) return undefined;
    const data = this.#dataStart(index);
    const size = this.#bytes.readUInt32LE(this.#start(index));
    return { page: readNumber(this.#bytes, data), count: readNumber(this.#bytes, data + 16), size };
  }

  /** Only in a leaf page, and only without an overflow. */
  value(index: number): Buffer {
    const data = this.#dataStart(index);
    return this.#bytes.subarray(data, data + this.#bytes.readUInt32LE(this.#start(index)));
  }

  #checkNode(index: number, isLeaf: boolean, keyBytesMin: number, at: string, meta: Meta): void {
    const keyBytes = this.#bytes.readUInt16LE(this.#start(index) + 6);
    const data = this.#dataStart(index);
    ensure(keyBytes >= keyBytesMin && keyBytes <= keyBytesMax && data <= pageSizeBytes, `${at} has a wrong key`);
    if (!isLeaf) {
      const child = this.child(index);
      ensure(child >= 2 && child <= meta.lastPage, `${at} leads outside the file`);
      return;
    }
    const flags = this.#flags(index);
    ensure(flags === 0 || flags === nodeSubData || flags === nodeBigData, `${at} has a node with wrong flags`);
    const size = this.#bytes.readUInt32LE(this.#start(index));
    ensure(data + (flags === nodeBigData ? 24 : size) <= pageSizeBytes, `${at} has a node that ends outside of it`);
    const overflow = this.overflow(index);
    if (overflow === undefined) return;
    const { page, count } = overflow;
    // mdb.c, OVPAGES. A run stays as long as it was when a shorter value takes its place in the same transaction.
    const needed = Math.floor((pageHeaderBytes - 1 + size) / pageSizeBytes) + 1;
    ensure(count >= needed, `${at} has a value that is longer than its pages`);
    ensure(page >= 2 && page + count - 1 <= meta.lastPage, `${at} has a value outside the file`);
  }

  #start(index: number): number {
    return this.#starts[index] as number;
  }

  #flags(index: number): number {
    return this.#bytes.readUInt16LE(this.#start(index) + 4);
  }

  #dataStart(index: number): number {
    const start = this.#start(index);
    return start + nodeHeaderBytes + this.#bytes.readUInt16LE(start + 6);
  }
}
