/**
 * First version of the content hash; being reworked (the form will change).
 */
import { createHash, type Hash } from 'node:crypto';
import { types } from 'node:util';

export interface HashedStream {
  readonly stream: string;
  readonly events: readonly {
    readonly type: string;
    readonly id: string | undefined;
    readonly data: unknown;
    readonly metadata: unknown;
  }[];
}

export function contentHash(streams: readonly HashedStream[]): Uint8Array {
  const hash = createHash('sha256');
  write(
    hash,
    streams.map((s) => [s.stream, s.events.map((e) => [e.type, e.id, e.data, e.metadata])]),
  );
  return new Uint8Array(hash.digest());
}

function text(hash: Hash, tag: string, value: string): void {
  hash.update(`${tag}${Buffer.byteLength(value)}:`);
  hash.update(value);
}

function write(hash: Hash, value: unknown): void {
  if (typeof value === 'string') return text(hash, 's', value);
  if (typeof value === 'bigint') return text(hash, 'i', String(value));
  if (typeof value === 'number') return text(hash, 'd', String(value));
  if (typeof value !== 'object' || value === null) return text(hash, 'c', String(value));
  if (Array.isArray(value)) {
    text(hash, 'A', String(value.length));
    for (let i = 0; i < value.length; i++) write(hash, value[i]);
  } else if (types.isMap(value)) {
    text(hash, 'M', String(value.size));
    for (const entry of value) write(hash, entry);
  } else if (types.isSet(value)) {
    text(hash, 'S', String(value.size));
    for (const item of value) write(hash, item);
  } else if (types.isDate(value)) text(hash, 'D', String(value.getTime()));
  else if (ArrayBuffer.isView(value)) {
    text(hash, 'T', types.isUint8Array(value) ? 'Uint8Array' : Object.prototype.toString.call(value));
    text(hash, 'b', Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1'));
  } else if (types.isArrayBuffer(value)) text(hash, 'B', Buffer.from(value).toString('latin1'));
  else {
    const keys = Object.keys(value).sort();
    text(hash, 'O', String(keys.length));
    for (const key of keys) {
      text(hash, 'k', key);
      write(hash, (value as Record<string, unknown>)[key]);
    }
  }
}
