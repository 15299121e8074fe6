/**
 * Data keys that a thread keeps unwrapped: the ones used lately, with whose they are.
 *
 * A raw key exists only while it becomes a KeyObject, and is zeroed then. OpenSSL zeroes the memory of a KeyObject when it is
 * collected; until then a key that was dropped is in memory, but nothing finds it.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { BusError } from '../errors.ts';
import { entryDomains, entryKinds, unwrapKey, type Wrapping } from './key-entry.ts';
import type { KeyOwner } from './key-owner.ts';
import type { KeyTable } from './key-table.ts';
import type { StoreSecrets } from './secrets.ts';

interface KnownKey {
  /** Of its owner: a stream's, or a projection's with its build. */
  readonly name: string;
  readonly build: number | undefined;
  /** `undefined`: erased. */
  readonly key: KeyObject | undefined;
}

/** A cache in two halves: when the young one is full it becomes the old one, and what was in that is forgotten. */
export class UnwrappedKeys {
  readonly #halfMax: number;
  #young = new Map<number, KnownKey>();
  #old = new Map<number, KnownKey>();

  /** @param max how many are kept at most */
  constructor(max: number) {
    this.#halfMax = Math.max(1, Math.floor(max / 2));
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The key `id`, if it is known to be this owner's; `null` when it is not known. */
  get(id: number, owner: KeyOwner): KeyObject | undefined | null {
    let known = this.#young.get(id);
    if (known === undefined) {
      known = this.#old.get(id);
      if (known === undefined) return null;
      this.#keep(id, known);
    }
    const isOwners =
      owner.kind === 'stream'
        ? known.name === owner.stream && known.build === undefined
        : known.name === owner.name && known.build === owner.build;
    return isOwners ? known.key : null;
  }

  set(id: number, owner: KeyOwner, key: KeyObject | undefined): void {
    this.#keep(
      id,
      owner.kind === 'stream'
        ? { name: owner.stream, build: undefined, key }
        : { name: owner.name, build: owner.build, key },
    );
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  #keep(id: number, known: KnownKey): void {
    if (this.#young.size >= this.#halfMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(id, known);
  }
}

/** Tag of the stream, or of the projection's build. */
export function ownerTag(secrets: StoreSecrets, owner: KeyOwner): Buffer {
  return owner.kind === 'stream'
    ? secrets.tag('stream', [owner.stream])
    : secrets.tag('projection', [owner.name, '\0', String(owner.build)]);
}

/**
 * The key whose entry is at `start`, for `owner`; `undefined`: it is erased.
 * @throws {DECRYPTION_FAILED} it is another owner's, or does not open
 */
export function openEntry(
  table: KeyTable,
  start: number,
  wrapping: Wrapping,
  secrets: StoreSecrets,
  owner: KeyOwner,
  position: number | undefined,
): KeyObject | undefined {
  const domain = owner.kind === 'stream' ? entryDomains.stream : entryDomains.projection;
  if (table.domainAt(start) !== domain || !table.ownerTagAt(start).equals(ownerTag(secrets, owner)))
    notOpened(`key ${table.idAt(start)} is not one of ${describeOwner(owner)}`, position);
  if (table.kindAt(start) === entryKinds.tombstone) return undefined;
  const key = unwrapAt(table, start, wrapping);
  return key ?? notOpened(`key ${table.idAt(start)} does not open: its entry was changed`, position);
}

/** The key at `start`, or `undefined`: it does not open. */
export function unwrapAt(table: KeyTable, start: number, wrapping: Wrapping): KeyObject | undefined {
  const raw = unwrapKey(wrapping, table.entries, start);
  if (raw === undefined) return undefined;
  const key = createSecretKey(raw);
  raw.fill(0);
  return key;
}

/** @throws {DECRYPTION_FAILED} */
export function notOpened(message: string, position: number | undefined): never {
  throw new BusError('DECRYPTION_FAILED', message, { table: 'keys', position });
}

function describeOwner(owner: KeyOwner): string {
  return owner.kind === 'stream'
    ? `the stream ${owner.stream}`
    : `build ${owner.build} of the projection ${owner.name}`;
}
