/**
 * What callers of the port must keep to, whatever the engine: checked before anything is touched.
 *
 * The layers above assemble write sets from input they have checked, so a wrong one is a bug of varvebus, not bad input.
 */
import { assert } from '../assert.ts';
import { BusError } from '../errors.ts';
import type { WriteSet } from './engine.ts';

/** LMDB's limit for keys with pages of 4096 bytes (lmdb-js: open.js, DEFAULT_MAX_KEY_SIZE). An empty key is refused, too. */
const keyBytesMax = 1978;
/** No value of 15 MiB or more: from 16 MiB on lmdb-js hands out aliased memory. */
const valueBytesMax = 15 * 2 ** 20 - 1;

/** @throws {INTERNAL_BUG} when a key or value has a size that LMDB would refuse, or positions do not ascend. */
export function checkWriteSet(writes: WriteSet): void {
  let last = 0;
  for (const { firstPosition, bytes } of writes.blocks) {
    assert(Number.isSafeInteger(firstPosition) && firstPosition > last, 'positions of blocks ascend from 1');
    assert(bytes.length > 0 && bytes.length <= valueBytesMax, 'a block has 1 byte to 15 MiB');
    last = firstPosition;
  }
  for (const { key, value } of writes.rows) {
    assertKey(key);
    assert(value === undefined || value.length <= valueBytesMax, 'a value is smaller than 15 MiB');
  }
  if (writes.fence !== undefined) assertKey(writes.fence.key);
}

/** @throws {INTERNAL_BUG} when no table can hold a row under `key`. */
export function assertKey(key: Uint8Array): void {
  assert(key.length > 0 && key.length <= keyBytesMax, `a key has 1 to ${keyBytesMax} bytes`);
}

/** @throws {INTERNAL_BUG} when a snapshot is used after its read has ended. */
export function assertInside(isOpen: boolean): void {
  assert(isOpen, 'a snapshot is used inside its read only');
}

/** @throws {WRITER_FENCED} unless the row that is `stored` is what the writer has left there. */
export function requireFence(
  stored: Uint8Array | undefined,
  fence: NonNullable<WriteSet['fence']>,
  path: string,
): void {
  if (stored !== undefined && sameBytes(stored, fence.value)) return;
  throw new BusError('WRITER_FENCED', `another writer took over the store at ${path}: nothing was written`, { path });
}

/** True when both hold the same bytes. */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && Buffer.compare(left, right) === 0;
}
