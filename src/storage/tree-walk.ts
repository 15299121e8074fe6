/**
 * Walks the trees of an LMDB file without LMDB, one snapshot at a time, with positional reads.
 *
 * Every page that is looked at must be what its tree says it is (see tree-page.ts), and lie in the file. A walk over whole
 * trees also sees to it that no page is used twice, or used and free. Decides nothing (see preflight.ts).
 */
import { fstatSync, readSync } from 'node:fs';
import { ensure, type Meta, pageHeaderBytes, pageSizeBytes, readFreePages, readTree, type Tree } from './lmdb-file.ts';
import { byTransaction, bytewise, type KeyOrder, type Overflow, TreePage } from './tree-page.ts';

/** A page to look at, and the keys it may hold: from `low`, below `high`. */
interface Step {
  readonly page: number;
  readonly low: Buffer | undefined;
  readonly high: Buffer | undefined;
}

export class TreeWalk {
  readonly #file: number;
  readonly #meta: Meta;
  readonly #pageCount: number;
  /** 1 for each page that a whole tree was found to use. */
  readonly #used: Uint8Array;

  constructor(file: number, meta: Meta) {
    this.#file = file;
    this.#meta = meta;
    this.#pageCount = Math.floor(fstatSync(file).size / pageSizeBytes);
    this.#used = new Uint8Array(this.#pageCount);
  }

  /** The trees that the main tree names; the main tree is then known to be whole. */
  tables(): Map<string, Tree> {
    const tables = new Map<string, Tree>();
    const { main, lastPage } = this.#meta;
    this.#whole(main, bytewise, (page, index) => {
      if (!page.isTree(index)) return;
      const name = page.key(index).toString('latin1').replace(/\0$/, '');
      tables.set(name, readTree(page.value(index), lastPage, `table ${name}`));
    });
    return tables;
  }

  /** The pages on the way to the first and to the last entry of each tree, and of the free list. */
  edges(trees: Iterable<Tree>): void {
    this.#edges(this.#meta.free, byTransaction);
    for (const tree of trees) this.#edges(tree, bytewise);
  }

  /** Every page of each tree and of the free list, and that every value lies in the file. */
  everything(trees: Iterable<Tree>): void {
    const records: Buffer[] = [];
    this.#whole(this.#meta.free, byTransaction, (page, index) => {
      const overflow = page.overflow(index);
      records.push(overflow === undefined ? page.value(index) : this.#value(overflow));
    });
    for (const tree of trees) this.#whole(tree, bytewise);
    for (const record of records) {
      for (const page of readFreePages(record, this.#meta))
        ensure(this.#used[page] !== 1, `page ${page} is used and free`);
    }
  }

  #edges(tree: Tree, order: KeyOrder): void {
    if (tree.root === undefined) return;
    for (const end of [0, -1]) {
      let step: Step = { page: tree.root, low: undefined, high: undefined };
      for (let depth = 1; depth < tree.depth; depth += 1) {
        step = stepsBelow(this.#read(step, false, order), step).at(end) as Step;
      }
      this.#leaf(step, order);
    }
  }

  #whole(tree: Tree, order: KeyOrder, visit?: (page: TreePage, index: number) => void): void {
    if (tree.root === undefined) return;
    let branchPages = 0;
    let overflowPages = 0;
    let entries = 0;
    let level: readonly Step[] = [{ page: tree.root, low: undefined, high: undefined }];
    for (let depth = 1; depth < tree.depth; depth += 1) {
      branchPages += level.length;
      level = level.flatMap((step) => {
        this.#use(step.page, 1);
        return stepsBelow(this.#read(step, false, order), step);
      });
      ensure(level.length <= tree.branchPages + tree.leafPages, 'a tree has more pages than it says');
    }
    ensure(branchPages === tree.branchPages && level.length === tree.leafPages, 'a tree has a wrong number of pages');
    for (const step of level) {
      this.#use(step.page, 1);
      const page = this.#leaf(step, order);
      entries += page.count;
      for (let index = 0; index < page.count; index += 1) {
        const overflow = page.overflow(index);
        if (overflow !== undefined) {
          overflowPages += overflow.count;
          this.#use(overflow.page, overflow.count);
        }
        visit?.(page, index);
      }
    }
    ensure(entries === tree.entries, 'a tree has a wrong number of entries');
    ensure(overflowPages === tree.overflowPages, 'a tree has a wrong number of pages for values');
  }

  /** A leaf page whose keys are the ones that its place in the tree allows, and whose values lie in the file. */
  #leaf(step: Step, order: KeyOrder): TreePage {
    const page = this.#read(step, true, order);
    const { low, high } = step;
    ensure(low === undefined || order(page.key(0), low) >= 0, `page ${step.page} has a key of another page`);
    ensure(
      high === undefined || order(page.key(page.count - 1), high) < 0,
      `page ${step.page} has a key of another page`,
    );
    for (let index = 0; index < page.count; index += 1) {
      const overflow = page.overflow(index);
      if (overflow !== undefined) this.#requireInFile(overflow.page, overflow.count);
    }
    return page;
  }

  #read({ page }: Step, isLeaf: boolean, order: KeyOrder): TreePage {
    this.#requireInFile(page, 1);
    const bytes = readAt(this.#file, page * pageSizeBytes, pageSizeBytes);
    return new TreePage(bytes, { number: page, isLeaf, order }, this.#meta);
  }

  #value({ page, size }: Overflow): Buffer {
    return readAt(this.#file, page * pageSizeBytes + pageHeaderBytes, size);
  }

  #use(first: number, count: number): void {
    this.#requireInFile(first, count);
    for (let page = first; page < first + count; page += 1) {
      ensure(this.#used[page] === 0, `page ${page} is used twice`);
      this.#used[page] = 1;
    }
  }

  #requireInFile(first: number, count: number): void {
    ensure(first + count <= this.#pageCount, `page ${first + count - 1} lies behind the end of the file`);
  }
}

/** At most `length` bytes of `file`, from `offset` on. */
export function readAt(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
}

function stepsBelow(page: TreePage, { low, high }: Step): Step[] {
  return Array.from({ length: page.count }, (_, index) => ({
    page: page.child(index),
    low: index === 0 ? low : page.key(index),
    high: index + 1 < page.count ? page.key(index + 1) : high,
  }));
}
