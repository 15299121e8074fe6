/**
 * The meta table: what a store says of itself.
 *
 * Owns the names and shapes of its rows and the first rows of a new store. Does not know what the values are for.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { formatVersion } from '../codec/block.ts';
import { readU48, writeU48 } from '../codec/bytes.ts';
import { openRow, sealRow, textKey } from '../codec/row.ts';
import { BusError } from '../errors.ts';
import type { RowWrite, Snapshot } from '../storage/engine.ts';
import type { Durability } from '../types.ts';

/**
 * Numbers: 6 bytes. `writerEpoch` rises with every writer, `indexedPosition` and `sweptPosition` with every index flush. In
 * encrypted stores only: `keyGeneration` rises with every erasure and rotation of keys, `lastKeyId` is the highest key that a
 * commit has used, `plainEvents` counts what is stored plain, streams of our own left out.
 */
const numberNames = [
  'formatVersion',
  'createdMs',
  'writerEpoch',
  'indexedPosition',
  'sweptPosition',
  'keyGeneration',
  'lastKeyId',
  'plainEvents',
] as const;
/** Those that only stores with encryption have. */
export const keyNumbers = ['keyGeneration', 'lastKeyId', 'plainEvents'] as const satisfies readonly MetaNumber[];
export type MetaNumber = (typeof numberNames)[number];

/** What an open store knows of itself for good. */
export interface StoreIdentity {
  readonly storeId: string;
  /** Changes when a store is restored or forked. 16 bytes. */
  readonly incarnation: Uint8Array;
  readonly createdMs: number;
  /** Part of all that is authenticated, 16 bytes; `undefined` for a store without encryption. */
  readonly cryptoId: Uint8Array | undefined;
  /** The weakest durability any writer of this store ever chose. */
  readonly durability: Durability;
}

const durabilities: readonly Durability[] = ['sync', 'os'];

/** The rows a new store starts with. */
export function initialMetaRows(durability: Durability, createdMs: number): RowWrite[] {
  return [
    metaNumberRow('formatVersion', formatVersion),
    metaNumberRow('createdMs', createdMs),
    metaNumberRow('writerEpoch', 0),
    metaNumberRow('indexedPosition', 0),
    metaNumberRow('sweptPosition', 0),
    metaRow('storeId', Buffer.from(randomUUID())),
    metaRow('incarnation', randomBytes(16)),
    durabilityRow(durability),
  ];
}

export function metaNumberRow(name: MetaNumber, value: number): RowWrite & { readonly value: Uint8Array } {
  const payload = new Uint8Array(6);
  writeU48(payload, 0, value);
  return metaRow(name, payload);
}

export function durabilityRow(durability: Durability): RowWrite {
  return metaRow('durability', Uint8Array.of(durabilities.indexOf(durability)));
}

/** What makes a store one with encryption: its id, and how many of its events, streams of our own left out, are plain. */
export function encryptionRows(cryptoId: Uint8Array, plainEvents: number): RowWrite[] {
  return [
    metaRow('cryptoId', cryptoId),
    metaNumberRow('keyGeneration', 0),
    metaNumberRow('lastKeyId', 0),
    metaNumberRow('plainEvents', plainEvents),
  ];
}

/** Whether the store has keys. */
export function hasEncryption(snapshot: Snapshot): boolean {
  return snapshot.row('meta', textKey('cryptoId')) !== undefined;
}

/** @throws {STORE_CORRUPT} when the row is damaged or missing. */
export function readMetaNumber(snapshot: Snapshot, name: MetaNumber): number {
  return readU48(readMeta(snapshot, name, 6), 0);
}

/**
 * Reads the identity after making sure that this release knows the format.
 * @throws {STORE_FORMAT} for a store of a later release. @throws {STORE_CORRUPT}
 */
export function readIdentity(snapshot: Snapshot, path: string): StoreIdentity {
  const found = readMetaNumber(snapshot, 'formatVersion');
  if (found !== formatVersion) {
    throw new BusError(
      'STORE_FORMAT',
      `${path} has format ${found}; this release of varvebus knows format ${formatVersion}: use a later one`,
      { path, found, supported: formatVersion },
    );
  }
  const durability = durabilities[readMeta(snapshot, 'durability', 1)[0] as number];
  if (durability === undefined) damaged('durability');
  return {
    storeId: Buffer.from(readMeta(snapshot, 'storeId', 36)).toString(),
    incarnation: readBytes(snapshot, 'incarnation'),
    createdMs: readMetaNumber(snapshot, 'createdMs'),
    cryptoId: hasEncryption(snapshot) ? readBytes(snapshot, 'cryptoId') : undefined,
    durability,
  };
}

function metaRow(name: string, payload: Uint8Array): RowWrite & { readonly value: Uint8Array } {
  const key = textKey(name);
  return { table: 'meta', key, value: sealRow(key, payload) };
}

function readBytes(snapshot: Snapshot, name: 'incarnation' | 'cryptoId'): Uint8Array {
  return Uint8Array.prototype.slice.call(readMeta(snapshot, name, 16));
}

function readMeta(snapshot: Snapshot, name: string, bytes: number): Uint8Array {
  const key = textKey(name);
  const row = snapshot.row('meta', key);
  if (row === undefined) damaged(name);
  const payload = openRow('meta', key, row);
  if (payload.length !== bytes) damaged(name);
  return payload;
}

function damaged(name: string): never {
  throw new BusError('STORE_CORRUPT', `the row ${name} of meta is missing or has a wrong shape`, {
    table: 'meta',
    position: undefined,
  });
}
