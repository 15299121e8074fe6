/**
 * The `status` file of a store's directory: what the process that writes the store tells others of itself, as a text.
 *
 * Written in place, never synced, never mapped, never part of a transaction: losing it loses nothing (docs/decisions/0018). A
 * text that is told by a process that has ended, or by another file of which this is a copy, is not there. Knows nothing of
 * what the text says.
 */
import {
  closeSync,
  constants,
  fstatSync,
  write as fsWrite,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { assert } from '../assert.ts';
import { statusBytesMax, statusLooksMax } from '../limits.ts';
import { createPrivately } from './file-system.ts';
import { isRunning, ownIdentity, type ProcessIdentity } from './process-identity.ts';
import { isSystemError } from './system-errors.ts';
import { isWriterLocked } from './writer-lock.ts';

const fileName = 'status';
/** docs/format.md, The status file. */
const magic = Buffer.from('VARVSTAT');
const formatVersion = 1;
const headerBytes = 64;
const crcAt = 12;
/** Everything behind is what the CRC32 is of. */
const checkedAt = 16;
const lengthAt = 16;
const numberAt = 20;
const inodeAt = 40;

/** Neither waits for the other end of a pipe that stands there, nor follows a link. */
const carefully = constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** How often the writer lock is asked, which for a moment nobody else can take then, where a process can't be seen. */
const lockLookMs = 2000;

/** For the process that writes the store. One thread of it, one call at a time. */
export class StatusFile {
  readonly path: string;
  readonly #identity = ownIdentity();
  #file: number | undefined;
  #inode = 0n;
  #bytes = Buffer.alloc(headerBytes);
  #number = 0;

  constructor(directory: string) {
    this.path = join(directory, fileName);
  }

  /** Replaces what is told. Resolves when the operating system has it. @throws what a system call says */
  async write(text: string): Promise<void> {
    const length = Buffer.byteLength(text);
    assert(length <= statusBytesMax, 'a status has its limit');
    const end = headerBytes + length;
    if (this.#bytes.length < end) this.#bytes = Buffer.alloc(Math.min(2 * end, headerBytes + statusBytesMax));
    this.#bytes.write(text, headerBytes);
    const file = this.#opened();
    this.#fillHeader(length);
    for (let written = 0; written < end; ) written += await writeAt(file, this.#bytes, written, end);
  }

  /** Tells nothing any more: what was told last is gone. @throws what a system call says */
  close(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    try {
      this.#fillHeader(0);
      writeSync(file, this.#bytes, 0, headerBytes, 0);
      ftruncateSync(file, headerBytes);
    } finally {
      closeSync(file);
    }
  }

  /** The file that has the name: whoever removes it gets another one. */
  #opened(): number {
    if (this.#file !== undefined) {
      if (fstatSync(this.#file).nlink > 0) return this.#file;
      closeSync(this.#file);
      this.#file = undefined;
    }
    createPrivately(this.path);
    const file = openSync(this.path, constants.O_RDWR | carefully);
    try {
      // What an earlier writer left there is not told any more, and may have been longer than anything of ours.
      ftruncateSync(file, 0);
    } catch (error) {
      closeSync(file);
      throw error;
    }
    this.#file = file;
    this.#inode = inodeOf(file);
    return file;
  }

  #fillHeader(length: number): void {
    const { pid, namespace, startTicks, boot } = this.#identity;
    const header = this.#bytes.subarray(0, headerBytes).fill(0);
    magic.copy(header);
    header.writeUInt16LE(formatVersion, 8);
    header.writeUInt32LE(length, lengthAt);
    this.#number = (this.#number + 1) >>> 0;
    header.writeUInt32LE(this.#number, numberAt);
    header.writeUInt32LE(pid, 24);
    header.writeUInt32LE(namespace, 28);
    header.writeBigUInt64LE(BigInt(startTicks), 32);
    header.writeBigUInt64LE(this.#inode, inodeAt);
    boot.copy(header, 48);
    header.writeUInt32LE(crc32(this.#bytes.subarray(checkedAt, headerBytes + length)), crcAt);
  }
}

/** A text that was told, and by whom. */
interface Told {
  readonly header: Buffer;
  readonly text: string;
}

/** For other processes. */
export class StatusFileReader {
  readonly #directory: string;
  readonly #path: string;
  readonly #self = ownIdentity();
  #last: Told | undefined;
  #isLocked = false;
  #lockLookAt = Number.NEGATIVE_INFINITY;

  constructor(directory: string) {
    this.#directory = directory;
    this.#path = join(directory, fileName);
  }

  /**
   * What the process that writes the store tells now; `undefined` where there is none, where it tells nothing, or nothing that
   * can be read. Opens the file anew each time, and takes a moment: a text is read only when there is a new one.
   */
  read(): string | undefined {
    this.#last = this.#look();
    return this.#last !== undefined && this.#isTold(this.#last) ? this.#last.text : undefined;
  }

  #look(): Told | undefined {
    let file: number | undefined;
    try {
      file = openSync(this.#path, constants.O_RDONLY | carefully);
      for (let looks = 1; ; looks += 1) {
        const header = readAt(file, 0, headerBytes);
        if (!isKnown(header)) return undefined;
        if (this.#last?.header.equals(header)) return this.#last;
        const length = header.readUInt32LE(lengthAt);
        if (length > statusBytesMax) return undefined;
        const text = readAt(file, headerBytes, length);
        const ofHeader = crc32(header.subarray(checkedAt));
        // Node 22 gives 0 for no bytes of an empty buffer, whatever it is to go on with.
        const crc = length === 0 ? ofHeader : crc32(text, ofHeader);
        if (crc === header.readUInt32LE(crcAt)) {
          const isOriginal = header.readBigUInt64LE(inodeAt) === inodeOf(file);
          return isOriginal && length > 0 ? { header, text: text.toString() } : undefined;
        }
        // It was being written. If it stays so, its writer was stopped in the middle, for now or for good.
        if (looks >= statusLooksMax) return this.#last;
      }
    } catch (error) {
      if (isSystemError(error)) return undefined;
      throw error;
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  #isTold({ header }: Told): boolean {
    const isAlive = isRunning(identityIn(header), this.#self);
    if (isAlive !== undefined) return isAlive;
    const now = performance.now();
    if (now - this.#lockLookAt >= lockLookMs) {
      this.#isLocked = isWriterLocked(this.#directory);
      this.#lockLookAt = now;
    }
    return this.#isLocked;
  }
}

function isKnown(header: Buffer): boolean {
  if (header.length < headerBytes || !header.subarray(0, magic.length).equals(magic)) return false;
  return header.readUInt16LE(8) === formatVersion;
}

function identityIn(header: Buffer): ProcessIdentity {
  return {
    pid: header.readUInt32LE(24),
    namespace: header.readUInt32LE(28),
    startTicks: Number(header.readBigUInt64LE(32)),
    boot: header.subarray(48, 64),
  };
}

function inodeOf(file: number): bigint {
  return fstatSync(file, { bigint: true }).ino;
}

function readAt(file: number, from: number, bytes: number): Buffer {
  const target = Buffer.alloc(bytes);
  return target.subarray(0, readSync(file, target, 0, bytes, from));
}

/** Writes what is between `from` and `end` to the same place in the file, or a part of it, and tells how much. */
function writeAt(file: number, bytes: Buffer, from: number, end: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fsWrite(file, bytes, from, end - from, from, (error, written) => {
      if (error === null) resolve(written);
      else reject(error);
    });
  });
}
