/**
 * Options of a bus: their defaults, and the one place where they are checked.
 */

import { availableParallelism } from 'node:os';
import { SchemaSet, type Schemas } from '../src/log/schemas.ts';
import { refuseUnknownNames } from '../src/option-names.ts';
import type { Durability } from '../src/types.ts';
import { type EncryptionOptions, type ResolvedEncryption, resolveEncryption } from './encryption-options.ts';
import type { Logger } from './logger.ts';
import { dayMs, isWithin } from './option-checks.ts';

/** Checks a user may overrule, knowing better. */
export type Force = 'network-file-system' | 'pid-namespace';

export interface OpenOptions {
  /** Directory of the store: it holds nothing else, and is created if it is missing. `':memory:'` keeps everything in this process's memory. */
  readonly path: string;
  /**
   * `'sync'`: an append resolves when it is on disk. `'os'`: when the operating system has it: it survives the end of the
   * process, but a power cut may damage the whole store. Recorded in the store. @default 'sync'
   */
  readonly durability?: Durability;
  /** Follows a store that another process writes, live; never creates or changes anything. @default false */
  readonly readOnly?: boolean;
  /**
   * Hosts the writer in the calling thread instead of one of its own: for tests and small scripts. While it waits for the
   * disk, so does the calling thread. A store in memory, or a `clock`, is always inline. @default false
   */
  readonly inline?: boolean;
  /** Threads for queries, and for handlers that are modules; they start with the first one. 1 to 64. @default what the machine has, at most 8 */
  readonly readers?: number;
  /** How long to wait for another writer to go. Milliseconds, 0 to 86,400,000. @default 0 */
  readonly lockWaitMs?: number;
  /** How long an idempotency key is remembered. Milliseconds, 1 to 31,536,000,000 (a year). @default 604_800_000, a week */
  readonly idempotencyTtlMs?: number;
  /**
   * Builds the index tables anew from the blocks before anything else: the answer to damage that `verify` finds in
   * `streams`, `stream_index` or `idempotency`. Close readers in other processes meanwhile. @default false
   */
  readonly rebuildIndex?: boolean;
  /** Seals what events hold, and opens what is sealed; a store that has sealed events can't be opened without. @default none */
  readonly encryption?: EncryptionOptions | undefined;
  /** A schema for each type whose data is to be checked, and made what the schema gives, before an append. @default {} */
  readonly schemas?: Schemas;
  /** Safety checks to leave out. @default [] */
  readonly force?: readonly Force[];
  /** Time of day in milliseconds since 1970. A function can't go to another thread, so the writer is `inline` then. @default Date.now */
  readonly clock?: () => number;
  /** What handlers write to, through their context. @default console */
  readonly logger?: Logger;
  /** Ends the wait for another writer. */
  readonly signal?: AbortSignal;
}

export type ResolvedOptions = Required<Omit<OpenOptions, 'signal' | 'schemas' | 'encryption'>> & {
  readonly signal: AbortSignal | undefined;
  readonly schemas: SchemaSet | undefined;
  readonly encryption: ResolvedEncryption | undefined;
};

const openNames: readonly (keyof OpenOptions)[] = [
  'path',
  'durability',
  'readOnly',
  'inline',
  'readers',
  'lockWaitMs',
  'idempotencyTtlMs',
  'rebuildIndex',
  'encryption',
  'schemas',
  'force',
  'clock',
  'logger',
  'signal',
];

const openDefaults = Object.freeze({
  durability: 'sync',
  readOnly: false,
  readers: Math.min(8, availableParallelism()),
  lockWaitMs: 0,
  idempotencyTtlMs: 7 * 24 * 3600 * 1000,
  rebuildIndex: false,
  force: [],
  clock: Date.now,
  logger: console,
  signal: undefined,
}) satisfies Omit<ResolvedOptions, 'path' | 'inline' | 'schemas' | 'encryption'>;

/** @throws {TypeError} naming the option, its range and what was given. */
export function resolveOptions(options: OpenOptions): ResolvedOptions {
  refuseUnknownNames('openBus', options, openNames);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const needsInline = options.path === ':memory:' || options.clock !== undefined;
  const resolved: ResolvedOptions = {
    ...openDefaults,
    inline: needsInline,
    ...(Object.fromEntries(given) as unknown as Omit<OpenOptions, 'schemas' | 'encryption'>),
    encryption: resolveEncryption(options.encryption),
    schemas: schemaSet(options.schemas),
  };
  if (typeof resolved.path !== 'string' || resolved.path === '') throw wrong('path', 'a directory', resolved.path);
  if (resolved.readOnly && resolved.encryption?.ledger !== undefined) {
    throw new TypeError('encryption.ledger is for a bus that writes, it erases: leave it out, or readOnly');
  }
  if (resolved.durability !== 'sync' && resolved.durability !== 'os') {
    throw wrong('durability', "'sync' or 'os'", resolved.durability);
  }
  if (typeof resolved.readOnly !== 'boolean') throw wrong('readOnly', 'true or false', resolved.readOnly);
  if (typeof resolved.inline !== 'boolean') throw wrong('inline', 'true or false', resolved.inline);
  if (needsInline && !resolved.inline) throw wrong('inline', 'true for a store in memory, or with a clock', false);
  if (!Number.isInteger(resolved.readers) || !isWithin(resolved.readers, 1, 64)) {
    throw wrong('readers', 'a whole number from 1 to 64', resolved.readers);
  }
  if (!isWithin(resolved.lockWaitMs, 0, dayMs))
    throw wrong('lockWaitMs', '0 to 86400000 (milliseconds)', resolved.lockWaitMs);
  if (!isWithin(resolved.idempotencyTtlMs, 1, 365 * dayMs)) {
    throw wrong('idempotencyTtlMs', '1 to 31536000000 (milliseconds)', resolved.idempotencyTtlMs);
  }
  if (typeof resolved.rebuildIndex !== 'boolean') throw wrong('rebuildIndex', 'true or false', resolved.rebuildIndex);
  if (resolved.rebuildIndex && resolved.readOnly) throw wrong('rebuildIndex', 'false for a read-only bus', true);
  const forces: readonly string[] = ['network-file-system', 'pid-namespace'];
  if (!Array.isArray(resolved.force) || !resolved.force.every((force) => forces.includes(force))) {
    throw wrong('force', `an array of ${forces.join(', ')}`, resolved.force);
  }
  if (resolved.signal !== undefined && !(resolved.signal instanceof AbortSignal)) {
    throw wrong('signal', 'an AbortSignal', resolved.signal);
  }
  if (typeof resolved.clock !== 'function') throw wrong('clock', 'a function', resolved.clock);
  requireLogger(resolved.logger);
  return resolved;
}

/** @throws {TypeError} */
export function schemaSet(schemas: Schemas | undefined): SchemaSet | undefined {
  return schemas === undefined ? undefined : new SchemaSet(schemas);
}

function requireLogger(logger: Logger): void {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    if (typeof logger?.[level] !== 'function') throw wrong('logger', `an object with a method ${level}`, logger);
  }
}

function wrong(option: string, range: string, value: unknown): TypeError {
  return new TypeError(`${option} must be ${range}, got ${String(value)}`);
}
