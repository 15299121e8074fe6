/**
 * Looks at the data file before LMDB maps it, in plain JavaScript: LMDB takes the whole process down over a damaged one.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { BusError } from '../errors.ts';

const pageSizeBytes = 4096;
const metaMagic = 0xbeefc0de;
const metaVersion = 2;

/** @throws {STORE_CORRUPT} {STORE_FORMAT} when LMDB must not open the file at `path`. */
export function preflight(path: string): void {
  const file = openSync(path, 'r');
  try {
    const size = fstatSync(file).size;
    if (size < 2 * pageSizeBytes) throw corrupt(path, `it is only ${size} bytes long`);
    const metas = Buffer.alloc(2 * pageSizeBytes);
    readSync(file, metas, 0, metas.length, 0);
    const magics = [0, pageSizeBytes].map((at) => metas.readUInt32LE(at + 24));
    if (magics.every((magic) => magic !== metaMagic))
      throw new BusError('STORE_FORMAT', `${path} is not a varvebus store`, { path, found: undefined, supported: 1 });
    for (const at of [0, pageSizeBytes]) {
      if (metas.readUInt32LE(at + 24) !== metaMagic) throw corrupt(path, 'a meta page has no magic number');
      if (metas.readUInt32LE(at + 28) !== metaVersion) throw corrupt(path, 'a meta page has a wrong version');
      if (metas.readUInt32LE(at + 48) !== pageSizeBytes) throw corrupt(path, 'a meta page has a wrong page size');
    }
  } finally {
    closeSync(file);
  }
}

function corrupt(path: string, what: string): BusError {
  return new BusError('STORE_CORRUPT', `${path} is damaged: ${what}`, { table: 'file', position: undefined });
}
