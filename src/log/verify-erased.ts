/**
 * The proof of an erasure: reads the bytes of every file in a store's directory and looks for keys that were erased.
 *
 * Looks at bytes only, whatever the file is for, also where it is not in use. What is on the disk outside of these files (blocks
 * that were given back, copies) is beyond it: see docs/security.md.
 */
import type { Dirent } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type ErasedFinding, ErasedSearch } from '../crypto/erased-search.ts';
import { keysDamaged } from '../crypto/key-entry.ts';
import type { KeyStorage } from '../crypto/key-storage.ts';
import { KeyTable } from '../crypto/key-table.ts';
import type { StoreSecrets } from '../crypto/secrets.ts';
import { verifyProblemsMax } from '../limits.ts';
import { lockFileName, readLockFile } from '../storage/lmdb-lock-file.ts';
import { isMissing } from '../storage/system-errors.ts';
import { throwIfAborted } from './pages.ts';

const pieceBytes = 2 ** 20;

/** Bytes of a key that was erased, in a file of the store. */
export interface ErasedProblem {
  /** Relative to the store's directory. */
  readonly file: string;
  /** Of the first of 32 bytes. */
  readonly offset: number;
  readonly keyId: number;
  /** The key itself, or as it was in the keys file. */
  readonly what: ErasedFinding['what'];
}

export interface VerifyErasedReport {
  /** True when nothing was found. */
  readonly ok: boolean;
  /** Erased keys that were looked for. */
  readonly keys: number;
  readonly files: number;
  readonly bytes: number;
  readonly problemCount: number;
  /** The first problems, at most 100. */
  readonly problems: readonly ErasedProblem[];
}

export interface VerifyErasedOptions {
  /** `undefined`: a store in memory, which has no files. */
  readonly directory: string | undefined;
  readonly storage: KeyStorage;
  readonly secrets: StoreSecrets;
  readonly signal: AbortSignal | undefined;
  /** Called after each piece of 1 MiB. What it throws ends the search. */
  readonly onProgress: ((progress: { readonly bytes: number; readonly bytesTotal: number }) => void) | undefined;
}

/** @throws {ABORTED} {STORE_CORRUPT} the keys file is; what is found is reported, not thrown. */
export async function verifyErased(options: VerifyErasedOptions): Promise<VerifyErasedReport> {
  const { directory, storage, secrets, signal, onProgress } = options;
  const file = storage.read() ?? keysDamaged(`${storage.path} is missing`);
  const search = new ErasedSearch(new KeyTable(file, storage.path), secrets);
  const files = directory === undefined ? [] : await filesOf(directory);
  const bytesTotal = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const problems: ErasedProblem[] = [];
  let problemCount = 0;
  let bytes = 0;
  for (const { path } of files) {
    const pieces = basename(path) === lockFileName ? lockFilePieces(path, signal) : piecesOf(path);
    for await (const { at, piece, read } of pieces) {
      throwIfAborted(signal);
      for (const { offset, keyId, what } of search.find(piece)) {
        problemCount += 1;
        if (problems.length < verifyProblemsMax)
          problems.push({ file: relative(directory as string, path), offset: at + offset, keyId, what });
      }
      bytes += read;
      onProgress?.({ bytes, bytesTotal });
      await setImmediate();
    }
  }
  return { ok: problemCount === 0, keys: search.keys, files: files.length, bytes, problemCount, problems };
}

interface FoundFile {
  readonly path: string;
  readonly bytes: number;
}

/** All files below `directory`; links are not followed. */
async function filesOf(directory: string): Promise<FoundFile[]> {
  const entries: Dirent[] = await readdir(directory, { withFileTypes: true, recursive: true });
  const found: FoundFile[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const stats = await whileThere(() => stat(path));
    if (stats !== undefined) found.push({ path, bytes: stats.size });
  }
  return found;
}

interface Piece {
  readonly at: number;
  readonly piece: Buffer;
  readonly read: number;
}

async function* lockFilePieces(path: string, signal: AbortSignal | undefined): AsyncGenerator<Piece> {
  const piece = await readLockFile(path, signal).catch((error: unknown) => {
    throwIfAborted(signal);
    throw error;
  });
  yield { at: 0, piece, read: piece.length };
}

/** The file's bytes, each piece beginning with as much of the one before that nothing between the two is missed. */
async function* piecesOf(path: string): AsyncGenerator<Piece> {
  const overlap = ErasedSearch.windowBytes - 1;
  const file = await whileThere(() => open(path, 'r'));
  if (file === undefined) return;
  try {
    const buffer = Buffer.allocUnsafeSlow(overlap + pieceBytes);
    let kept = 0;
    for (let end = 0; ; ) {
      const { bytesRead } = await file.read(buffer, kept, pieceBytes, end);
      if (bytesRead === 0) return;
      yield { at: end - kept, piece: buffer.subarray(0, kept + bytesRead), read: bytesRead };
      end += bytesRead;
      const filled = kept + bytesRead;
      kept = Math.min(overlap, filled);
      buffer.copy(buffer, 0, filled - kept, filled);
    }
  } finally {
    await file.close();
  }
}

/** What `ask` gives; `undefined` when the file has gone meanwhile: the store is in use. */
async function whileThere<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
