/**
 * What somebody with write access, and without keys, can do to a block: take it apart, change the parts, and put them together
 * again with checksums that fit.
 */

import { crc32 } from 'node:zlib';
import { blockField, blockHeaderBytes, blockTrailerBytes, directoryChecksum } from '#kernel/codec/block';
import { readU16, readU32, writeU16, writeU32, writeU48 } from '#kernel/codec/bytes';
import { finishRecord, recordField } from '#kernel/codec/record';

export interface BlockParts {
  firstPosition: number;
  readonly header: Uint8Array;
  records: Uint8Array[];
  types: string[];
  streams: string[];
  /** As they are stored. */
  readonly commits: Uint8Array;
}

/** The parts of a sound block, as copies. */
export function takeApart(bytes: Uint8Array, firstPosition: number): BlockParts {
  const directoryAt = readU32(bytes, blockField.directoryAt);
  const eventCount = readU32(bytes, blockField.eventCount);
  const offsets = Array.from({ length: eventCount }, (_, ordinal) => readU32(bytes, directoryAt + 4 * ordinal));
  let at = directoryAt + 4 * eventCount;
  const names = (count: number) =>
    Array.from({ length: count }, () => {
      const length = readU16(bytes, at);
      at += 2 + length;
      return Buffer.from(bytes.slice(at - length, at)).toString();
    });
  const types = names(readU16(bytes, blockField.typeCount));
  const streams = names(readU16(bytes, blockField.streamCount));
  return {
    firstPosition,
    header: bytes.slice(0, blockHeaderBytes),
    records: offsets.map((start, ordinal) => bytes.slice(start, offsets[ordinal + 1] ?? directoryAt)),
    types,
    streams,
    commits: bytes.slice(at, bytes.length - blockTrailerBytes),
  };
}

/** The block that they make. */
export function putTogether({ firstPosition, header, records, types, streams, commits }: BlockParts): Uint8Array {
  const offsets = Buffer.alloc(4 * records.length);
  let end = blockHeaderBytes;
  for (const [ordinal, record] of records.entries()) {
    writeU32(offsets, 4 * ordinal, end);
    end += record.length;
  }
  const names = [...types, ...streams].flatMap((name) => {
    const length = Buffer.alloc(2);
    writeU16(length, 0, Buffer.byteLength(name));
    return [length, Buffer.from(name)];
  });
  const trailer = Buffer.alloc(blockTrailerBytes);
  const bytes = Uint8Array.from(Buffer.concat([header, ...records, offsets, ...names, commits, trailer]));
  writeU32(bytes, blockField.blockBytes, bytes.length);
  writeU32(bytes, blockField.directoryAt, end);
  writeU32(bytes, blockField.eventCount, records.length);
  writeU16(bytes, blockField.typeCount, types.length);
  writeU16(bytes, blockField.streamCount, streams.length);
  writeU48(bytes, blockField.firstPosition, firstPosition);
  mendChecksums(bytes);
  return bytes;
}

/** Makes all checksums fit, as far as the block's directory can be followed. */
export function mendChecksums(bytes: Uint8Array): void {
  const trailerAt = bytes.length - blockTrailerBytes;
  const directoryAt = readU32(bytes, blockField.directoryAt);
  const eventCount = readU32(bytes, blockField.eventCount);
  const hasDirectory = directoryAt >= blockHeaderBytes && directoryAt + 4 * eventCount <= trailerAt;
  if (hasDirectory) {
    for (let ordinal = 0; ordinal < eventCount; ordinal++) {
      const start = readU32(bytes, directoryAt + 4 * ordinal);
      const end = ordinal + 1 < eventCount ? readU32(bytes, directoryAt + 4 * ordinal + 4) : directoryAt;
      if (start >= blockHeaderBytes && start + recordField.flags <= end && end <= directoryAt) {
        finishRecord(bytes, start, end);
      }
    }
    writeU32(bytes, trailerAt, directoryChecksum(bytes, directoryAt, trailerAt));
  }
  writeU32(bytes, trailerAt + 4, crc32(bytes.subarray(0, trailerAt + 4)));
}
