/**
 * Rows on their way to the writer: finished, or with a part that comes from events and is sealed there.
 *
 * A draft's value is what stands before that part, and is never secret. The writer appends the part, sealed if its owner's
 * things are, and the checksum.
 */
import type { EncodedPayload } from '../codec/payload.ts';
import type { KeyOwner } from '../crypto/key-owner.ts';
import type { RowWrite } from '../storage/engine.ts';

/** What a row is, so that one can't stand for another: part of what is authenticated. */
export type RowLabel = 'dead-letter' | 'timer' | 'snapshot' | 'projection';

/** The very key that an event of `stream` is sealed with: what comes from the event goes with it, whoever's key it is. */
export interface EventKeyOwner {
  readonly kind: 'event-key';
  readonly id: number;
  readonly stream: string;
}

export interface RowSecret {
  readonly label: RowLabel;
  readonly owner: KeyOwner | EventKeyOwner;
  readonly payload: EncodedPayload;
  /** When the owner's key is erased: refuse the command {KEY_ERASED}, leave the row out, or write it without the secret. */
  readonly ifErased: 'refuse' | 'leave-out' | 'omit';
  /** `meta.keyGeneration` when all of the payload could be read: where keys were destroyed since, they count as the owner's. */
  readonly keyGeneration?: number;
  /** The whole row, with its checksum, where the secret stays plain. @default value, encoding and payload */
  readonly plain?: Uint8Array;
}

/** `payload` in memory of its own: rows go to another thread, and a view takes along all that it is a view of. */
export function ownPayload({ encoding, bytes }: EncodedPayload): EncodedPayload {
  return { encoding, bytes: Uint8Array.prototype.slice.call(bytes) };
}

/** A row, or its beginning and a secret. */
export interface RowDraft extends RowWrite {
  readonly secret?: RowSecret;
}
