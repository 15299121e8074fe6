/** A book of keys that is not kept: the port's rules without a file. Streams whose name starts with `plain` have no keys. */
import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import type { Erasable, KeyOwner } from '#kernel/crypto/key-owner';
import type { ErasedKeys, KeyBook, SealingKey } from '#kernel/crypto/key-ports';
import { BusError } from '#store';

interface Entry {
  readonly owner: KeyOwner;
  readonly sealing: SealingKey;
  isErased: boolean;
}

export class KeysInMemory implements KeyBook {
  readonly cryptoId = randomBytes(16);
  readonly plainUntil = 2 ** 48 - 1;
  generation = 0;
  readonly unrecorded: ErasedKeys[] = [];
  readonly #entries: Entry[] = [];
  readonly #secret = randomBytes(32);

  get lastKeyId(): number {
    return this.#entries.length;
  }

  refresh(): void {}

  open(id: number, owner: KeyOwner): KeyObject | undefined {
    const entry = this.#entryOf(id, owner);
    return entry.isErased ? undefined : entry.sealing.key;
  }

  sealing(owner: KeyOwner, newKeyGeneration: boolean): SealingKey | undefined {
    if (owner.kind === 'stream' && owner.stream.startsWith('plain') && owner.subject === undefined) return undefined;
    const entry = this.#entries.findLast((one) => isSame(one.owner, owner));
    if (entry?.isErased === true && !newKeyGeneration) {
      const { stream, subject } = owner.kind === 'stream' ? owner : { stream: undefined, subject: undefined };
      throw new BusError('KEY_ERASED', 'erased', { stream, subject });
    }
    if (entry !== undefined && !entry.isErased) return entry.sealing;
    const sealing = { id: this.#entries.length + 1, key: createSecretKey(randomBytes(32)), seals: 0 };
    this.#entries.push({ owner, sealing, isErased: false });
    return sealing;
  }

  sealingById(id: number, owner: KeyOwner): SealingKey | undefined {
    const entry = this.#entryOf(id, owner);
    return entry.isErased ? undefined : entry.sealing;
  }

  contentTag(hash: Uint8Array): Uint8Array {
    return createHmac('sha256', this.#secret).update(hash).digest();
  }

  isErased(id: number): boolean {
    return this.#entries[id - 1]?.isErased === true;
  }

  erase(what: Erasable, timeMs = 0): ErasedKeys {
    const ids: number[] = [];
    const streams: string[] = [];
    for (const { owner, sealing, ...rest } of this.#entries) {
      if (rest.isErased || !isOf(owner, what)) continue;
      ids.push(sealing.id);
      if (owner.kind === 'stream') streams.push(owner.stream);
    }
    for (const id of ids) (this.#entries[id - 1] as Entry).isErased = true;
    this.generation++;
    const kind = 'stream' in what ? 'stream' : 'subject' in what ? 'subject' : 'projection';
    const erased = {
      kind,
      tag: '',
      ids,
      timeMs,
      isNew: true,
      isOf: (stream: string) => streams.includes(stream),
    } as const;
    if (kind !== 'projection') this.unrecorded.push(erased);
    return erased;
  }

  recorded(): void {
    this.unrecorded.length = 0;
  }

  rotate(): void {
    this.generation++;
  }

  flush(): void {}

  close(): void {}

  #entryOf(id: number, owner: KeyOwner): Entry {
    const entry = this.#entries[id - 1];
    const isOwners =
      owner.kind === 'stream'
        ? entry?.owner.kind === 'stream' && entry.owner.stream === owner.stream
        : entry !== undefined && isSame(entry.owner, owner);
    if (entry !== undefined && isOwners) return entry;
    throw new BusError('DECRYPTION_FAILED', `no key ${id}`, { table: 'keys', position: undefined });
  }
}

function isSame(first: KeyOwner, second: KeyOwner): boolean {
  return JSON.stringify(first) === JSON.stringify(second);
}

function isOf(owner: KeyOwner, what: Erasable): boolean {
  if ('projection' in what) {
    return owner.kind === 'projection' && owner.name === what.projection && owner.build === what.build;
  }
  if (owner.kind !== 'stream') return false;
  return 'stream' in what ? owner.stream === what.stream : owner.subject === what.subject;
}
