/**
 * Partitions: which stream belongs to which, and how their cursors are named.
 *
 * A stream's partition is the 32 bit FNV-1a hash of its name's UTF-8 bytes, modulo their number: the same for ever, on
 * every machine. The cursor of partition i of n of the consumer `mails` is that of `$partition/i/n/mails`.
 */
import { textKey } from '../codec/row.ts';
import type { Snapshot } from '../storage/engine.ts';

/** One part of the streams. */
export interface Partition {
  /** From 0 on. */
  readonly index: number;
  readonly of: number;
}

/** The cursor of one part of a consumer. */
export interface PartitionCursor extends Partition {
  /** The consumer, as its user names it. */
  readonly name: string;
  /** The consumer, as its cursor is named. */
  readonly cursorName: string;
}

const prefix = '$partition/';
const pattern = /^\$partition\/(\d+)\/(\d+)\/(.+)$/su;

const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;

/** FNV-1a, 32 bit, over the UTF-8 bytes of `text`. */
export function fnv1a(text: string): number {
  let hash = offsetBasis;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) return fnv1aOfBytes(Buffer.from(text));
    hash = Math.imul(hash ^ unit, prime);
  }
  return hash >>> 0;
}

function fnv1aOfBytes(bytes: Uint8Array): number {
  let hash = offsetBasis;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, prime);
  return hash >>> 0;
}

export function partitionOf(stream: string, count: number): number {
  return fnv1a(stream) % count;
}

/** Whether a stream belongs to `partition`; every stream belongs to the whole. */
export function belongsTo(partition: Partition | undefined): (stream: string) => boolean {
  if (partition === undefined) return () => true;
  const { index, of } = partition;
  return (stream) => partitionOf(stream, of) === index;
}

/** The name of the cursor of a partition of `consumer`. */
export function partitionCursorName(consumer: string, { index, of }: Partition): string {
  return `${prefix}${index}/${of}/${consumer}`;
}

/** The partition that a cursor of this name is of, if it is one's. */
export function partitionCursorOf(cursorName: string): PartitionCursor | undefined {
  const [, index, of, name] = pattern.exec(cursorName) ?? [];
  if (name === undefined) return undefined;
  return { index: Number(index), of: Number(of), name, cursorName };
}

/** The cursors of partitions that are stored, of all consumers, or of one. */
export function partitionCursors(snapshot: Snapshot, consumer?: string): PartitionCursor[] {
  const cursors: PartitionCursor[] = [];
  // '0' follows '/'.
  const range = { from: textKey(prefix), below: textKey('$partition0') };
  snapshot.walkRows('consumer_cursors', range, (key) => {
    const cursor = partitionCursorOf(Buffer.from(key).toString());
    if (cursor !== undefined && (consumer === undefined || cursor.name === consumer)) cursors.push(cursor);
    return true;
  });
  return cursors;
}
