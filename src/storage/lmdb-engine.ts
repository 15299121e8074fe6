/**
 * Opening the LMDB engine: every check that must come before LMDB maps the file, in the order in which they protect.
 *
 * directory -> file system -> writer lock -> a new store, if there is none -> preflight -> environment. Guarantees that one
 * writer at a time gets through, that a store is never made where one could be, and that an open that fails leaves no lock.
 * What can be done with an open store: lmdb-connection.ts.
 */
import { accessSync, constants, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { BusError } from '../errors.ts';
import type { Durability } from '../types.ts';
import type { Engine, RowWrite } from './engine.ts';
import { createDirectory, type FileSystemType, fileSystemType, refuseNetworkFileSystem } from './file-system.ts';
import { requireConditions } from './lmdb-conditions.ts';
import { LmdbConnection, type WriterParts } from './lmdb-connection.ts';
import { type Environment, openEnvironment } from './lmdb-environment.ts';
import { abortedError, openError } from './lmdb-errors.ts';
import { OpeningGate } from './opening-gate.ts';
import { preflight } from './preflight.ts';
import { isMappedHere } from './process-limits.ts';
import { type CreationStep, createStore, dataFileName, removeLeftovers } from './store-creation.ts';
import { isMissing, isNotAllowed } from './system-errors.ts';
import {
  describeWriter,
  isWriterLocked,
  readWriterDescription,
  takeWriterLock,
  type WriterLock,
} from './writer-lock.ts';

/** Checks that a user may overrule, knowing better. */
type ForcedFeature = 'network-file-system' | 'pid-namespace';

export interface LmdbEngineOptions {
  /** Holds the store and nothing else; created when it is missing, unless `readOnly`. */
  readonly directory: string;
  readonly readOnly: boolean;
  /** What a writer's commits survive. A reader only repeats it in its capabilities. */
  readonly durability: Durability;
  /** How long to wait for another writer to go. Milliseconds. */
  readonly lockWaitMs: number;
  readonly force: readonly ForcedFeature[];
  /** Rows of a new store: a store that exists always has them. */
  readonly initialRows: readonly RowWrite[];
  /** Ends the wait for another writer. */
  readonly signal?: AbortSignal | undefined;
  /** For tests. @default the kernel's answer */
  readonly fileSystemType?: FileSystemType;
  /** For tests: called at each step of making a store. */
  readonly onCreationStep?: (step: CreationStep) => void;
}

/**
 * Opens the store in `directory`, or makes a new one.
 * @throws {STORE_LOCKED} {STORE_NOT_FOUND} {STORE_FORMAT} {STORE_CORRUPT} {STORE_READ_ONLY} {STORE_FULL} {STORE_FAILED}
 * @throws {UNSUPPORTED} a network file system, another pid namespace, too little address space. @throws {ABORTED}
 */
export async function openLmdbEngine(options: LmdbEngineOptions): Promise<Engine> {
  const { signal } = options;
  try {
    if (signal?.aborted === true) throw abortedError(options.directory, signal.reason);
    return await (options.readOnly ? openReader(options) : openWriter(options));
  } catch (error) {
    throw openError(options.directory, error);
  }
}

async function openReader(options: LmdbEngineOptions): Promise<Engine> {
  const { directory } = options;
  const path = join(directory, dataFileName);
  if (!exists(path))
    throw new BusError('STORE_NOT_FOUND', `there is no store in ${directory}: open it once for writing`, {
      path: directory,
    });
  refuseUnlessForced(options);
  const sharesEnvironment = isAllowed(path, constants.W_OK);
  if (!sharesEnvironment && isMappedHere(path)) throw secondEnvironmentError(directory, path);
  return await openPassedFile(options, path, undefined, sharesEnvironment);
}

async function openWriter(options: LmdbEngineOptions): Promise<Engine> {
  const { directory } = options;
  createDirectory(directory);
  refuseUnlessForced(options);
  const lock = await takeWriterLock(options);
  try {
    const path = join(directory, dataFileName);
    removeLeftovers(directory);
    if (!exists(path)) createStore(directory, options.initialRows, options.onCreationStep ?? (() => {}));
    else if (isMappedHere(path)) throw openReaderError(directory);
    if (!isAllowed(path, constants.R_OK | constants.W_OK)) throw unwritableError(directory, path);
    return await openPassedFile(options, path, lock, true);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Opens the environment of a file that passes the preflight, while no commit runs. A writer keeps the gate. */
async function openPassedFile(
  options: LmdbEngineOptions,
  path: string,
  lock: WriterLock | undefined,
  sharesEnvironment: boolean,
): Promise<Engine> {
  const { directory, readOnly, signal } = options;
  preflight(path);
  requireConditions(path);
  const gate = new OpeningGate(directory);
  try {
    const connection = await gate.whileOpening(directory, signal, () => {
      const environment = openEnvironment({ path, readOnly, noSync: options.durability === 'os' });
      return connect(options, environment, lock === undefined ? undefined : { lock, gate }, sharesEnvironment);
    });
    if (readOnly) gate.close();
    return connection;
  } catch (error) {
    gate.close();
    throw error;
  }
}

function connect(
  options: LmdbEngineOptions,
  environment: Environment,
  writer: WriterParts | undefined,
  sharesEnvironment: boolean,
): Engine {
  try {
    return new LmdbConnection(options, environment, writer, sharesEnvironment);
  } catch (error) {
    void environment.root.close();
    throw error;
  }
}

function refuseUnlessForced(options: LmdbEngineOptions): void {
  const { directory, force } = options;
  if (!force.includes('network-file-system'))
    refuseNetworkFileSystem(directory, options.fileSystemType ?? fileSystemType);
  if (options.readOnly && !force.includes('pid-namespace')) refuseOtherPidNamespace(directory);
}

/** LMDB keeps its readers by pid: two processes with one pid would clear each other's slots. */
function refuseOtherPidNamespace(directory: string): void {
  const writer = readWriterDescription(directory);
  const self = describeWriter();
  if (writer?.pidNamespace === undefined || writer.pidNamespace === self.pidNamespace) return;
  if (writer.bootId !== self.bootId || !isWriterLocked(directory)) return;
  throw new BusError(
    'UNSUPPORTED',
    `the store at ${directory} is being written from another pid namespace (${writer.pidNamespace}; process ${writer.pid} there, probably another container): LMDB tells readers apart by pid and would mix them up. Share the pid namespace, or force 'pid-namespace' if no two of these processes have the same pid`,
    { feature: 'pid-namespace' },
  );
}

/** False only when there is certainly nothing: a store must not be made over one that can't be seen for the moment. */
function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch (error) {
    if (isNotAllowed(error) || isMissing(error)) return false;
    throw error;
  }
}

function unwritableError(directory: string, path: string): BusError {
  return new BusError(
    'STORE_READ_ONLY',
    `the store at ${directory} can't be opened for writing: ${path} can't be written by this user. Change its owner or mode, or open with readOnly: true`,
    { path: directory },
  );
}

/** All threads share one environment with the options of the first: a reader's would not write, or not sync. */
function openReaderError(directory: string): BusError {
  return new BusError(
    'STORE_LOCKED',
    `the store at ${directory} is open read-only in this process, and LMDB then can't open it for writing. Open it for writing first, or close the readers`,
    { path: directory, holder: 'a reader in this process' },
  );
}

/** lmdb-js shares an environment between threads only when it can open the file for writing (mdb.c, mdb_env_setup_locks). */
function secondEnvironmentError(directory: string, path: string): BusError {
  return new BusError(
    'UNSUPPORTED',
    `the store at ${directory} is open in this process already, and a second time needs the right to write ${path}: otherwise closing one would take the other's reader slot away`,
    { feature: 'threads' },
  );
}
