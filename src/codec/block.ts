/**
 * The block, read: the records of one commit, of a part of one, or of a group of commits, under one header and directory.
 *
 * Layout: docs/format.md, "Block". A Block is opened over borrowed or owned bytes and checks what it is asked to check
 * before it answers anything: the directory alone (enough for one record, which has its own CRC32), or the whole block.
 */
import { crc32 } from 'node:zlib';
import { BusError } from '../errors.ts';
import { readU16, readU32, readU48 } from './bytes.ts';
import { isRecordIntact, isRecordKnown, recordField, sealOfRecord } from './record.ts';

/** The bytes `vblk`, read as a little-endian number. */
export const blockMagic = 0x6b6c6276;
/** Version of block and record; a store says the same in its meta table. */
export const formatVersion = 1;
/** Cipher id of blocks that hold sealed records: AES-256-GCM. */
export const cipherGcm = 1;
export const blockHeaderBytes = 48;
/** Bytes of a commit's entry without its key and hash. */
export const commitEntryBytes = 12;
export const contentHashBytes = 32;
/** The two CRC32 at the end: of header and directory, and of the block. */
export const blockTrailerBytes = 8;

/** Offsets of the header's fields. */
export const blockField = {
  magic: 0,
  formatVersion: 4,
  cipher: 6,
  reserved: 7,
  blockBytes: 8,
  directoryAt: 12,
  incarnation: 16,
  firstPosition: 32,
  streamCount: 38,
  typeCount: 40,
  commitCount: 42,
  eventCount: 44,
} as const;

/** One commit as a block tells of it. A commit over several blocks is listed in each; its key only where it begins. */
export interface CommitEntry {
  /** Position of the commit's first event, which may lie in an earlier block. It is the commit's id. */
  readonly firstPosition: number;
  /** All events of the commit, in this block or not. */
  readonly eventCount: number;
  readonly idempotency: { readonly key: string; readonly hash: Uint8Array } | undefined;
}

/** One block. Records are addressed by ordinal: 0 is the first of the block. */
export class Block {
  readonly bytes: Uint8Array;
  readonly firstPosition: number;
  readonly eventCount: number;
  readonly #check: 'directory' | 'whole';
  readonly #directoryAt: number;
  readonly #typeNames: (string | undefined)[];
  readonly #streamNames: (string | undefined)[];
  /** Where each name's length stands: types, then streams, then the end of both. */
  #nameAt: number[] | undefined;
  /** All names and their lengths as one string. */
  #nameTexts: string | undefined;

  /**
   * Opens `bytes`, found under the key `firstPosition`, and checks header and directory; with `whole`, every byte.
   * @throws {STORE_CORRUPT} with the position. @throws {STORE_FORMAT} on a version, cipher or flag of a later release.
   */
  constructor(bytes: Uint8Array, firstPosition: number, check: 'directory' | 'whole') {
    this.bytes = bytes;
    this.firstPosition = firstPosition;
    this.#check = check;
    const trailerAt = bytes.length - blockTrailerBytes;
    if (trailerAt < blockHeaderBytes || readU32(bytes, blockField.magic) !== blockMagic)
      corrupt(firstPosition, 'no block header');
    if (
      readU16(bytes, blockField.formatVersion) !== formatVersion ||
      (bytes[blockField.cipher] as number) > cipherGcm
    ) {
      // A version this release does not know decides nothing until the checksum says that it was really written so.
      if (crc32(bytes.subarray(0, bytes.length - 4)) !== readU32(bytes, bytes.length - 4))
        corrupt(firstPosition, 'checksum of the block');
      unknownFormat(readU16(bytes, blockField.formatVersion), firstPosition);
    }
    const directoryAt = readU32(bytes, blockField.directoryAt);
    this.#directoryAt = directoryAt;
    this.eventCount = readU32(bytes, blockField.eventCount);
    if (readU32(bytes, blockField.blockBytes) !== bytes.length) corrupt(firstPosition, 'length of the block');
    if (directoryAt < blockHeaderBytes || directoryAt + 4 * this.eventCount > trailerAt)
      corrupt(firstPosition, 'directory of the block');
    if (check === 'whole') {
      if (crc32(bytes.subarray(0, bytes.length - 4)) !== readU32(bytes, bytes.length - 4))
        corrupt(firstPosition, 'checksum of the block');
    } else if (directoryChecksum(bytes, directoryAt, trailerAt) !== readU32(bytes, trailerAt)) {
      corrupt(firstPosition, 'checksum of the directory');
    }
    if (readU48(bytes, blockField.firstPosition) !== firstPosition) corrupt(firstPosition, 'position of the block');
    this.#typeNames = new Array(readU16(bytes, blockField.typeCount));
    this.#streamNames = new Array(readU16(bytes, blockField.streamCount));
  }

  /** Position of the block's last event. */
  get lastPosition(): number {
    return this.firstPosition + this.eventCount - 1;
  }

  get incarnation(): Uint8Array {
    return this.bytes.subarray(blockField.incarnation, blockField.incarnation + 16);
  }

  positionOf(ordinal: number): number {
    return this.firstPosition + ordinal;
  }

  recordAt(ordinal: number): number {
    return readU32(this.bytes, this.#directoryAt + 4 * ordinal);
  }

  /** Records are back to back, so one ends where the next begins. */
  recordEnd(ordinal: number): number {
    return ordinal + 1 < this.eventCount ? this.recordAt(ordinal + 1) : this.#directoryAt;
  }

  /** @throws {STORE_CORRUPT} {STORE_FORMAT} unless the record is whole and of this release's format. */
  checkRecord(ordinal: number): void {
    const at = this.recordAt(ordinal);
    if (!isRecordIntact(this.bytes, at, this.recordEnd(ordinal)))
      corrupt(this.positionOf(ordinal), 'checksum of the record');
    this.checkKnown(ordinal);
  }

  /** Enough where the whole block was checked. @throws {STORE_FORMAT} unless the record is of this release's format. */
  checkKnown(ordinal: number): void {
    if (!isRecordKnown(this.bytes, this.recordAt(ordinal))) unknownFormat(undefined, this.positionOf(ordinal));
  }

  /** Whether any of its records is. */
  get hasSealed(): boolean {
    return this.bytes[blockField.cipher] === cipherGcm;
  }

  /** The same over bytes of its own: what is opened later needs all of a run. */
  copy(): Block {
    return new Block(new Uint8Array(this.bytes), this.firstPosition, this.#check);
  }

  /** How the record is sealed. @throws {DECRYPTION_FAILED} when it says two things at once. */
  sealAt(ordinal: number): 'plain' | 'first' | 'joined' {
    const seal = sealOfRecord(this.bytes, this.recordAt(ordinal));
    const isWrong = seal === 'wrong' || (seal !== 'plain' && !this.hasSealed);
    if (isWrong) throw decryptionFailed(this.positionOf(ordinal));
    return seal;
  }

  /** The key the record is sealed with; 0: none. */
  keyIdAt(recordAt: number): number {
    return readU32(this.bytes, recordAt + recordField.keyId);
  }

  typeIndexAt(recordAt: number): number {
    return readU16(this.bytes, recordAt + recordField.typeIndex);
  }

  streamIndexAt(recordAt: number): number {
    return readU16(this.bytes, recordAt + recordField.streamIndex);
  }

  versionAt(recordAt: number): number {
    return readU48(this.bytes, recordAt + recordField.version);
  }

  timeMsAt(recordAt: number): number {
    return readU48(this.bytes, recordAt + recordField.timeMs);
  }

  get typeCount(): number {
    return this.#typeNames.length;
  }

  get streamCount(): number {
    return this.#streamNames.length;
  }

  typeName(index: number): string {
    return this.#name(this.#typeNames, index, 0);
  }

  streamName(index: number): string {
    return this.#name(this.#streamNames, index, this.#typeNames.length);
  }

  /** The commits with events in this block, in order. */
  commits(): CommitEntry[] {
    const { bytes } = this;
    const entries: CommitEntry[] = [];
    let at = this.#skipNames(this.#typeNames.length + this.#streamNames.length);
    for (let count = readU16(bytes, blockField.commitCount); count > 0; count--) {
      const keyBytes = readU16(bytes, at + 10);
      const hashAt = at + commitEntryBytes;
      const keyAt = hashAt + contentHashBytes;
      this.#checkInside(keyBytes === 0 ? hashAt : keyAt + keyBytes);
      entries.push({
        firstPosition: readU48(bytes, at),
        eventCount: readU32(bytes, at + 6),
        idempotency:
          keyBytes === 0
            ? undefined
            : {
                key: text(bytes, keyAt, keyAt + keyBytes),
                hash: Uint8Array.prototype.slice.call(bytes, hashAt, keyAt),
              },
      });
      at = keyBytes === 0 ? hashAt : keyAt + keyBytes;
    }
    return entries;
  }

  #name(names: (string | undefined)[], index: number, offset: number): string {
    let name = names[index];
    if (name === undefined) {
      if (index >= names.length) corrupt(this.firstPosition, 'a name that is not in the dictionary');
      name = this.#check === 'whole' ? this.#nameOfMany(offset + index) : this.#nameOfFew(offset + index);
      names[index] = name;
    }
    return name;
  }

  /** For who reads the whole block: names in ASCII are cut out of one string, to decode each would cost more than all else. */
  #nameOfMany(index: number): string {
    this.#nameAt ??= this.#findNames();
    const nameAt = this.#nameAt;
    const first = nameAt[0] as number;
    const last = nameAt.at(-1) as number;
    this.#nameTexts ??= text(this.bytes, first, last);
    const start = (nameAt[index] as number) + 2;
    const end = start + readU16(this.bytes, start - 2);
    // A byte that is not ASCII is part of a longer sequence, which shortens the text.
    const isAscii = this.#nameTexts.length === last - first;
    return isAscii ? this.#nameTexts.slice(start - first, end - first) : text(this.bytes, start, end);
  }

  /** For who reads one record: finds the name from the beginning and decodes it alone. */
  #nameOfFew(index: number): string {
    const at = this.#skipNames(index);
    const end = at + 2 + readU16(this.bytes, at);
    this.#checkInside(end);
    return text(this.bytes, at + 2, end);
  }

  /** A checksum that fits says nothing about who has written it. */
  #checkInside(end: number): void {
    if (end > this.bytes.length - blockTrailerBytes) corrupt(this.firstPosition, 'directory of the block');
  }

  #skipNames(count: number): number {
    let at = this.#directoryAt + 4 * this.eventCount;
    for (let left = count; left > 0; left--) at += 2 + readU16(this.bytes, at);
    return at;
  }

  /** A plain array: a typed one of more than 64 bytes costs ten times as much to make (Node 24). */
  #findNames(): number[] {
    const nameAt = [this.#skipNames(0)];
    let at = nameAt[0] as number;
    for (let left = this.#typeNames.length + this.#streamNames.length; left > 0; left--) {
      at += 2 + readU16(this.bytes, at);
      nameAt.push(at);
    }
    this.#checkInside(at);
    return nameAt;
  }
}

/** CRC32 over the header and then the directory: what a reader of one record has to trust beside the record. */
export function directoryChecksum(bytes: Uint8Array, directoryAt: number, directoryEnd: number): number {
  return crc32(bytes.subarray(directoryAt, directoryEnd), crc32(bytes.subarray(0, blockHeaderBytes)));
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
}

function corrupt(position: number, what: string): never {
  throw new BusError('STORE_CORRUPT', `the log is damaged at position ${position}: ${what} is wrong`, {
    table: 'events_log',
    position,
  });
}

/** What is sealed at `position`, or goes with it, is not what was sealed. */
export function decryptionFailed(position: number): BusError<'DECRYPTION_FAILED'> {
  return new BusError(
    'DECRYPTION_FAILED',
    `the event at position ${position} was changed or moved after it was sealed`,
    {
      table: 'events_log',
      position,
    },
  );
}

function unknownFormat(found: number | undefined, position: number): never {
  throw new BusError('STORE_FORMAT', `position ${position} was written by a later release of varvebus`, {
    path: undefined,
    found,
    supported: formatVersion,
  });
}
