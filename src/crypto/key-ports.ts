/**
 * Data keys as the rest of the store sees them: what opens sealed things where it is read, and what seals where it is written.
 */
import type { KeyObject } from 'node:crypto';
import type { Erasable, KeyOwner } from './key-owner.ts';
import type { MasterKey } from './master-key.ts';

/** What opens sealed things. One in every thread that reads. */
export interface KeyView {
  /** Of the store, public: part of everything that is authenticated. 16 bytes. */
  readonly cryptoId: Uint8Array;
  /** Events behind this position are sealed, but for those of streams whose name starts with `$`. */
  readonly plainUntil: number;
  /**
   * Told at the beginning of every look at a snapshot: `meta.keyGeneration` as it shows. Drops what is out of date.
   * @throws {STORE_CORRUPT} {MASTER_KEY_WRONG} the store's keys were wrapped anew by another process
   */
  refresh(keyGeneration: number): void;
  /**
   * The key `id`; `undefined`: it is erased. `position` is for messages.
   * @throws {DECRYPTION_FAILED} there is no such key, or it is another owner's (subjects are not compared: a reader does not know them)
   */
  open(id: number, owner: KeyOwner, position: number | undefined): KeyObject | undefined;
  /** Whether {@link open} would give `undefined`, without opening anything. @throws {DECRYPTION_FAILED} as {@link open}, where it is erased */
  isErased(id: number, owner: KeyOwner, position: number | undefined): boolean;
  /** Forgets all keys. Twice is fine. */
  close(): void;
}

/** A key to seal with. */
export interface SealingKey {
  readonly id: number;
  readonly key: KeyObject;
  /** Raised by whoever seals, by one for each call of the cipher. */
  seals: number;
}

/** An erasure: what it was of, and what it has made unreadable. */
export interface ErasedKeys {
  readonly kind: 'stream' | 'subject' | 'projection';
  /** Names what was erased without telling it: hexadecimal, always the same for the same name. */
  readonly tag: string;
  /** Of the keys that are gone, in order; none where there was no key. */
  readonly ids: readonly number[];
  /** When it was erased, milliseconds since 1970. */
  readonly timeMs: number;
  /** False when everything of that name was erased before. */
  readonly isNew: boolean;
  /** Whether one of the keys was a key of `stream`, or of a subject in it. */
  isOf(stream: string): boolean;
}

/** What seals. The writer's alone. */
export interface KeyBook extends KeyView {
  /** Of the file. Whoever raises it makes `meta.keyGeneration` follow. */
  readonly generation: number;
  /** The highest id given so far. */
  readonly lastKeyId: number;
  /**
   * The key for what `owner` owns; `undefined`: that stays plain. Makes one, which is durable after {@link flush}.
   * @throws {KEY_ERASED} unless `newKeyGeneration`
   */
  sealing(owner: KeyOwner, newKeyGeneration: boolean): SealingKey | undefined;
  /**
   * The key `id` of `owner`, to seal with what comes from something that is sealed with it; `undefined`: it is erased.
   * @throws {DECRYPTION_FAILED} as {@link KeyView.open}
   */
  sealingById(id: number, owner: KeyOwner): SealingKey | undefined;
  /** What is stored of the hash of a call's content: it tells nothing to who does not have the store's keys. 32 bytes. */
  contentTag(hash: Uint8Array): Uint8Array;
  /**
   * Replaces all keys of `what` by tombstones, durable when it returns: no key is made for it by accident any more. Changes
   * nothing when everything of it was erased before.
   * @throws {STORE_FULL} nothing has changed. @throws {STORE_FAILED} it may be erased or not
   */
  erase(what: Erasable, timeMs: number): ErasedKeys;
  /** Erasures of streams and subjects that the log has not told yet: asked for now, or before a crash, or by a ledger. */
  readonly unrecorded: readonly ErasedKeys[];
  /** The log has told of all of {@link unrecorded}, and meta has {@link generation}. */
  recorded(): void;
  /**
   * Wraps everything anew, with `next` in the end, durable when it returns: the old master key opens nothing any more. Raises
   * `generation`. Takes about 40 us for each key.
   * @throws {STORE_FULL} nothing has changed. @throws {STORE_FAILED} it may be either. @throws {STORE_CORRUPT} nothing has changed
   */
  rotate(next: MasterKey): void;
  /**
   * Makes everything new durable, before the commit that depends on it. Costs nothing when there is nothing new.
   * @throws {STORE_FULL} nothing is lost: it may be tried again. @throws {STORE_FAILED}
   */
  flush(): void;
}
