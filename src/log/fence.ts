/**
 * The fence: the row by which a writer knows that the store is still its own. Each writer raises it when it takes the store over.
 */
import type { Engine, Snapshot, WriteSet } from '../storage/engine.ts';
import { requireFence } from '../storage/write-set.ts';
import { durabilityRow, metaNumberRow, readIdentity, readMetaNumber } from './store-meta.ts';

export type Fence = NonNullable<WriteSet['fence']>;

/** Fences off any earlier writer, and records a weaker durability than any before. @throws {STORE_FORMAT} {STORE_CORRUPT} {STORE_READ_ONLY} */
export function takeOver(engine: Engine): Fence {
  const identity = engine.read((snapshot) => readIdentity(snapshot, engine.path));
  const before = engine.read((snapshot) => readMetaNumber(snapshot, 'writerEpoch'));
  const epoch = metaNumberRow('writerEpoch', before + 1);
  const weaker = engine.capabilities.durability === 'os' && identity.durability === 'sync';
  const rows = weaker ? [epoch, durabilityRow('os')] : [epoch];
  engine.commit({ blocks: [], rows, fence: metaNumberRow('writerEpoch', before) });
  return epoch;
}

/** What every transaction checks, for what is done before it: the file of keys is another writer's then. @throws {WRITER_FENCED} */
export function assertNotFenced(snapshot: Snapshot, fence: Fence, path: string): void {
  requireFence(snapshot.row(fence.table, fence.key), fence, path);
}
