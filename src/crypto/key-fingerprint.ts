/**
 * What a tombstone keeps of the bytes it has replaced, so that they can be searched for and not be found out.
 *
 * Of the key, and of the key as it was wrapped: a hash that rolls over bytes, which says where to look, and 16 bytes of an
 * HMAC with a key of the store's own, which says that it is them. The first tells 32 of 256 bits.
 */
import { fingerprintBytes } from './key-entry.ts';
import type { StoreSecrets } from './secrets.ts';

const proofBytes = fingerprintBytes - 4;
/** Odd, so that no byte is lost; its square is far from a small number. The hash is sum of byte x multiplier^(31 - index). */
export const rollMultiplier = 0x9e37_79b1;

/** The hash of `bytes` that a search rolls: of 32 bits. */
export function rollingHash(bytes: Uint8Array): number {
  let hash = 0;
  for (const byte of bytes) hash = (Math.imul(hash, rollMultiplier) + byte) | 0;
  return hash >>> 0;
}

/** What proves that a place has exactly these bytes. */
export function proofOf(secrets: StoreSecrets, bytes: Uint8Array): Buffer {
  return secrets.tag('fingerprint', [bytes], proofBytes);
}

/** Puts the fingerprint of `bytes` into `target`: 20 bytes. */
export function fingerprintInto(secrets: StoreSecrets, bytes: Uint8Array, target: Buffer, start: number): void {
  target.writeUInt32LE(rollingHash(bytes), start);
  target.set(proofOf(secrets, bytes), start + 4);
}
