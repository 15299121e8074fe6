/**
 * What an LMDB store takes up, told from its trees: a page that is in none of them can be used again.
 */
import { type EngineUsage, tableNames } from './engine.ts';
import { type Environment, snapshotTransactionId, type TreePages } from './lmdb-environment.ts';
import { pageSizeBytes } from './lmdb-file.ts';

/** The first two pages of a file. */
const metaPages = 2;
/** A line in LMDB's list of readers begins with the process (mdb.c, mdb_reader_list). */
const readerLine = /^ *\d+ /gm;

/** All but the size of the file. */
export interface LmdbUsage extends Omit<EngineUsage, 'fileBytes'> {
  /** The trees are those of the newest transaction, as the number of pages is: otherwise what a commit has added is taken for free. */
  readonly isExact: boolean;
}

/** Inside a read, of which the trees are. @throws what lmdb throws, unchanged */
export function lmdbUsage({ root, blocks, rows }: Environment): LmdbUsage {
  const stats = root.getStats();
  const trees: TreePages[] = [stats, stats.free, blocks.getStats(), ...tableNames.map((name) => rows[name].getStats())];
  const usedPages = trees.reduce((sum, tree) => sum + pagesOf(tree), metaPages);
  const freePages = Math.max(0, stats.lastPageNumber + 1 - usedPages);
  return {
    mapBytes: stats.mapSize,
    usedBytes: usedPages * pageSizeBytes,
    freeBytes: freePages * pageSizeBytes,
    readers: root.readerList().match(readerLine)?.length ?? 0,
    readersMax: stats.maxReaders,
    // Of 64 bits lmdb gives 32 for a read.
    isExact: ((snapshotTransactionId(root) - stats.lastTxnId) | 0) === 0,
  };
}

function pagesOf({ treeBranchPageCount, treeLeafPageCount, overflowPages }: TreePages): number {
  return treeBranchPageCount + treeLeafPageCount + overflowPages;
}
