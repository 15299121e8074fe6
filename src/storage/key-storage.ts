/**
 * The `keys` file of a store's directory.
 *
 * Appended to, or replaced as a whole, each so that a crash at any point leaves what was there or what was to be, and the
 * bytes that were replaced are overwritten before their place is given back. Never mapped: overwriting what another process
 * has mapped ends that process. Only the holder of the writer lock writes.
 */
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { KeyStorage } from '../crypto/key-storage.ts';
import { BusError } from '../errors.ts';
import { keyLooksMax } from '../limits.ts';
import { createPrivately, syncPath } from './file-system.ts';
import { isMissing, isNoSpace, isSystemError } from './system-errors.ts';

export const keysFileName = 'keys';
const newFileName = 'keys.new';
const oldFileName = 'keys.old';
const chunkBytes = 2 ** 20;

/** The moments at which a crash leaves something else behind. */
export const keyFileSteps = [
  'extended',
  'appended',
  'append-synced',
  'new-made',
  'new-written',
  'new-synced',
  'old-linked',
  'replaced',
  'directory-synced',
  'old-overwritten',
  'old-removed',
  'done',
] as const;
export type KeyFileStep = (typeof keyFileSteps)[number];

export interface KeyFileOptions {
  readonly directory: string;
  /** For tests: called after each step. What it throws is thrown on, and nothing is cleaned up. */
  readonly onStep?: ((step: KeyFileStep) => void) | undefined;
}

export class KeyFileStorage implements KeyStorage {
  readonly path: string;
  readonly #directory: string;
  readonly #newPath: string;
  readonly #oldPath: string;
  readonly #onStep: (step: KeyFileStep) => void;
  /** Of the one that writes. */
  #file: number | undefined;

  constructor({ directory, onStep }: KeyFileOptions) {
    this.#directory = directory;
    this.path = join(directory, keysFileName);
    this.#newPath = join(directory, newFileName);
    this.#oldPath = join(directory, oldFileName);
    this.#onStep = onStep ?? (() => undefined);
  }

  read(bytesMax = Number.POSITIVE_INFINITY): Buffer | undefined {
    return this.#reading((file, size) => readAt(file, 0, Math.min(size, bytesMax)));
  }

  readOn(head: Uint8Array, from: number): Buffer | undefined {
    return this.#reading((file, size) => {
      if (!readAt(file, 0, Math.min(size, head.length)).equals(head)) return undefined;
      return readAt(file, from, Math.max(0, size - from));
    });
  }

  recover(): void {
    this.#orFailed(() => {
      const old = statOf(this.#oldPath);
      const hasNew = statOf(this.#newPath) !== undefined;
      if (old === undefined && !hasNew) return;
      const current = statOf(this.path);
      // A disk that did not keep the order of names has the only copy there.
      if (old !== undefined && current === undefined) renameSync(this.#oldPath, this.path);
      // A crash before the new one took its place has left two names of what is in use.
      else if (old !== undefined && !isSameFile(old, current)) overwrite(this.#oldPath);
      if (hasNew) overwrite(this.#newPath);
      rmSync(this.#oldPath, { force: true });
      rmSync(this.#newPath, { force: true });
      syncPath(this.#directory);
    });
  }

  append(end: number, bytes: Uint8Array): void {
    this.#orFailed(() => {
      const file = this.#writing();
      this.#requireOwn(file, (size) => size === end);
      try {
        // Zeros first: if they find room, so do the bytes, and nobody sees bytes that are taken back.
        writeAll(file, new Uint8Array(bytes.length), end);
        this.#onStep('extended');
        writeAll(file, bytes, end);
        this.#onStep('appended');
        fdatasyncSync(file);
      } catch (error) {
        if (!isNoSpace(error)) throw error;
        ftruncateSync(file, end);
        fdatasyncSync(file);
        this.#full(error);
      }
      this.#onStep('append-synced');
    });
  }

  cut(end: number): void {
    this.#orFailed(() => {
      const file = this.#writing();
      this.#requireOwn(file, (size) => size >= end);
      ftruncateSync(file, end);
      fdatasyncSync(file);
    });
  }

  replace(end: number, bytes: Uint8Array, onReplaced: () => void): void {
    this.#orFailed(() => {
      const exists = statOf(this.path) !== undefined;
      if (exists) this.#requireOwn(this.#writing(), (size) => size === end);
      this.#prepare(bytes, exists);
      this.#closeFile();
      renameSync(this.#newPath, this.path);
      onReplaced();
      this.#onStep('replaced');
      syncPath(this.#directory);
      this.#onStep('directory-synced');
      if (exists) overwrite(this.#oldPath);
      this.#onStep('old-overwritten');
      rmSync(this.#oldPath, { force: true });
      this.#onStep('old-removed');
      syncPath(this.#directory);
      this.#onStep('done');
    });
  }

  close(): void {
    this.#closeFile();
  }

  /** Makes the new file beside the one in use, and another name for that. */
  #prepare(bytes: Uint8Array, exists: boolean): void {
    try {
      createPrivately(this.#newPath);
      this.#onStep('new-made');
      const file = openSync(this.#newPath, 'r+');
      try {
        writeAll(file, bytes, 0);
        this.#onStep('new-written');
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      this.#onStep('new-synced');
      if (exists) linkSync(this.path, this.#oldPath);
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      if (statOf(this.#newPath) !== undefined) overwrite(this.#newPath);
      rmSync(this.#newPath, { force: true });
      this.#full(error);
    }
    this.#onStep('old-linked');
  }

  /**
   * What `look` gives of the file that has the name, before and after the look: one that is replaced is overwritten, too.
   * Bytes that are being appended may be there in part.
   */
  #reading(look: (file: number, size: number) => Buffer | undefined): Buffer | undefined {
    return this.#orFailed(() => {
      for (let looks = 1; ; looks += 1) {
        let file: number;
        try {
          file = openSync(this.path, 'r');
        } catch (error) {
          if (isMissing(error)) return undefined;
          throw error;
        }
        try {
          const stats = fstatSync(file);
          const seen = look(file, stats.size);
          if (isSameFile(stats, statOf(this.path)) || looks >= keyLooksMax) return seen;
        } finally {
          closeSync(file);
        }
      }
    });
  }

  #writing(): number {
    this.#file ??= openSync(this.path, 'r+');
    return this.#file;
  }

  /** @throws {WRITER_FENCED} when the file is another one by now, or of another size than this writer has left it. */
  #requireOwn(file: number, isSize: (size: number) => boolean): void {
    const stats = fstatSync(file);
    if (stats.nlink > 0 && isSize(stats.size) && isSameFile(stats, statOf(this.path))) return;
    throw new BusError('WRITER_FENCED', `another writer has written ${this.path}`, { path: this.path });
  }

  #closeFile(): void {
    if (this.#file === undefined) return;
    closeSync(this.#file);
    this.#file = undefined;
  }

  #full(cause: unknown): never {
    throw new BusError(
      'STORE_FULL',
      `no space for keys in ${this.path}: nothing was written`,
      { path: this.path },
      {
        cause,
      },
    );
  }

  /** @throws {STORE_FAILED} for what a system call says; anything else goes on as it is */
  #orFailed<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (!isSystemError(error)) throw error;
      throw new BusError('STORE_FAILED', `${this.path}: ${error.message}`, { path: this.path }, { cause: error });
    }
  }
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function isSameFile(one: Stats, other: Stats | undefined): boolean {
  return other !== undefined && one.ino === other.ino && one.dev === other.dev;
}

/** As many of `bytes` as there are. */
function readAt(file: number, from: number, bytes: number): Buffer {
  const target = Buffer.allocUnsafeSlow(bytes);
  let end = 0;
  while (end < bytes) {
    const read = readSync(file, target, end, bytes - end, from + end);
    if (read === 0) break;
    end += read;
  }
  return target.subarray(0, end);
}

function writeAll(file: number, bytes: Uint8Array, at: number): void {
  for (let written = 0; written < bytes.length; )
    written += writeSync(file, bytes, written, bytes.length - written, at + written);
}

/** Zeroes the file at `path` where it lies, lasting when it returns. */
function overwrite(path: string): void {
  const file = openSync(path, 'r+');
  try {
    const { size } = fstatSync(file);
    const zeros = new Uint8Array(Math.min(size, chunkBytes));
    for (let at = 0; at < size; at += chunkBytes)
      writeAll(file, zeros.subarray(0, Math.min(chunkBytes, size - at)), at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
