/**
 * Finds keys that were erased in bytes, by the fingerprints that their tombstones keep: the keys themselves, and as they were
 * wrapped.
 *
 * A hash rolls over the bytes; few places have one that a fingerprint has, and those are proved. 100 MB take a second or less.
 */
import { entryAt, entryKinds, fingerprintBytes } from './key-entry.ts';
import { proofOf, rollingHash, rollMultiplier } from './key-fingerprint.ts';
import type { KeyTable } from './key-table.ts';
import { type StoreSecrets, secretBytes } from './secrets.ts';

/** A place where something is that was erased. */
export interface ErasedFinding {
  /** Of the first of 32 bytes, in what was searched. */
  readonly offset: number;
  readonly keyId: number;
  readonly what: 'key' | 'wrapped key';
}

interface Fingerprint {
  readonly keyId: number;
  readonly what: ErasedFinding['what'];
  readonly proof: Buffer;
}

/** What the byte that leaves the window has become: multiplied 32 times. */
const leaving = new Int32Array(256).map((_, byte) => {
  let value = byte;
  for (let times = 0; times < secretBytes; times += 1) value = Math.imul(value, rollMultiplier);
  return value;
});

export class ErasedSearch {
  /** Bytes that are needed to find something: as many of a piece are to be searched again with the next, less one. */
  static readonly windowBytes = secretBytes;
  /** Keys that are looked for. */
  readonly keys: number;
  readonly #secrets: StoreSecrets;
  readonly #byHash = new Map<number, Fingerprint[]>();
  /** By the upper bits of a hash: whether any fingerprint has those. */
  readonly #flags: Uint8Array;
  readonly #shift: number;

  constructor(table: KeyTable, secrets: StoreSecrets) {
    this.#secrets = secrets;
    let keys = 0;
    for (const start of table.starts()) {
      if (table.kindAt(start) !== entryKinds.tombstone) continue;
      keys += 1;
      this.#add(table, start, 'key', entryAt.fingerprints);
      this.#add(table, start, 'wrapped key', entryAt.fingerprints + fingerprintBytes);
    }
    this.keys = keys;
    // At most one flag in 32 is up, and all of them stay in the processor's cache as long as that goes.
    const bits = Math.min(24, Math.max(16, Math.ceil(Math.log2(64 * keys + 1))));
    this.#shift = 32 - bits;
    this.#flags = new Uint8Array(2 ** bits);
    for (const hash of this.#byHash.keys()) this.#flags[hash >>> this.#shift] = 1;
  }

  /** Everything in `bytes` that was erased. */
  find(bytes: Uint8Array): ErasedFinding[] {
    const found: ErasedFinding[] = [];
    if (bytes.length < secretBytes || this.#byHash.size === 0) return found;
    const flags = this.#flags;
    const shift = this.#shift;
    let hash = rollingHash(bytes.subarray(0, secretBytes)) | 0;
    for (let end = secretBytes; ; end += 1) {
      if (flags[hash >>> shift] !== 0) this.#prove(bytes, end - secretBytes, hash >>> 0, found);
      if (end === bytes.length) return found;
      // What comes and what goes is one number, so that a step waits for no more than a product and a sum.
      const change = ((bytes[end] as number) - (leaving[bytes[end - secretBytes] as number] as number)) | 0;
      hash = (Math.imul(hash, rollMultiplier) + change) | 0;
    }
  }

  #prove(bytes: Uint8Array, offset: number, hash: number, found: ErasedFinding[]): void {
    const fingerprints = this.#byHash.get(hash);
    if (fingerprints === undefined) return;
    const proof = proofOf(this.#secrets, bytes.subarray(offset, offset + secretBytes));
    for (const { keyId, what, proof: wanted } of fingerprints)
      if (proof.equals(wanted)) found.push({ offset, keyId, what });
  }

  #add(table: KeyTable, start: number, what: Fingerprint['what'], at: number): void {
    const print = table.entries.subarray(start + at, start + at + fingerprintBytes);
    // There is none of a key that did not open when it was erased.
    if (print.every((byte) => byte === 0)) return;
    const hash = print.readUInt32LE(0);
    const others = this.#byHash.get(hash);
    const fingerprint = { keyId: table.idAt(start), what, proof: Buffer.from(print.subarray(4)) };
    if (others === undefined) this.#byHash.set(hash, [fingerprint]);
    else others.push(fingerprint);
  }
}
