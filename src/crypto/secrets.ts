/**
 * The secrets of an open store, shared by all threads of the process: the key that wraps data keys, and the key of tags.
 *
 * They lie in shared memory, so that a thread sees a rotation at once, without a message that could come late; that memory is
 * handed over on private ports only. Whoever opened the store fills it, and zeroes it in the end. Neither key leaves this file.
 */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

export const cryptoIdBytes = 16;
export const secretBytes = 32;
/** Of a name's tag. */
export const tagOfNameBytes = 16;

/** The keys in memory: a counter that is odd while they are being written, one of erasures, wrap id, crypto id, both keys. */
const wrapIdAt = 8;
const cryptoIdAt = 16;
const wrappingKeyAt = 32;
const tagKeyAt = wrappingKeyAt + secretBytes;
const memoryBytes = tagKeyAt + secretBytes;

/** What a tag is made for: no two uses of the tag key can be mixed up. */
const tagDomains = { stream: 1, subject: 2, projection: 3, content: 4, ledger: 5, fingerprint: 6 } as const;
export type TagDomain = keyof typeof tagDomains;

export interface SecretValues {
  /** Changes whenever the wrapping key does. */
  readonly wrapId: number;
  /** 16 bytes. */
  readonly cryptoId: Uint8Array;
  /** 32 bytes: wraps data keys. */
  readonly wrappingKey: Uint8Array;
  /** 32 bytes: never changes. */
  readonly tagKey: Uint8Array;
}

export class StoreSecrets {
  readonly memory: SharedArrayBuffer;
  /** The two of them. */
  readonly #counter: Int32Array;
  readonly #bytes: Uint8Array;
  /** The wrapping key as it was at this count. */
  #key: { readonly count: number; readonly wrapId: number; readonly key: KeyObject } | undefined;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(memoryBytes)) {
    this.memory = memory;
    this.#counter = new Int32Array(memory, 0, 2);
    this.#bytes = new Uint8Array(memory);
  }

  /** Whether they are there: not before the store is open, nor after it was closed. */
  get isKnown(): boolean {
    return Atomics.load(this.#counter, 0) > 0;
  }

  /** For the one thread that opens, or rotates. `values` stay the caller's to zero. Does nothing once they were cleared. */
  set({ wrapId, cryptoId, wrappingKey, tagKey }: SecretValues): void {
    const count = Atomics.load(this.#counter, 0);
    if (count < 0 || Atomics.compareExchange(this.#counter, 0, count, count + 1) !== count) return;
    new DataView(this.memory).setFloat64(wrapIdAt, wrapId);
    this.#bytes.set(cryptoId, cryptoIdAt);
    this.#bytes.set(wrappingKey, wrappingKeyAt);
    this.#bytes.set(tagKey, tagKeyAt);
    if (Atomics.compareExchange(this.#counter, 0, count + 1, count + 2) !== count + 1) this.clear();
  }

  /** Changes when keys are erased in this process. */
  get erasures(): number {
    return Atomics.load(this.#counter, 1);
  }

  /** Tells all threads that keys are not in the file any more. */
  noteErasure(): void {
    Atomics.add(this.#counter, 1, 1);
  }

  get cryptoId(): Uint8Array {
    return this.#bytes.slice(cryptoIdAt, cryptoIdAt + cryptoIdBytes);
  }

  /** What wraps data keys, with its id: from a time when nobody was writing it. `undefined` when there is none (any more). */
  wrapping(): { readonly wrapId: number; readonly key: KeyObject } | undefined {
    for (;;) {
      const count = Atomics.load(this.#counter, 0);
      if (count <= 0) return undefined;
      if (this.#key?.count === count) return this.#key;
      const bytes = Buffer.from(this.#bytes.subarray(wrappingKeyAt, wrappingKeyAt + secretBytes));
      const wrapId = new DataView(this.memory).getFloat64(wrapIdAt);
      const isWhole = count % 2 === 0 && Atomics.load(this.#counter, 0) === count;
      if (isWhole) this.#key = { count, wrapId, key: createSecretKey(bytes) };
      bytes.fill(0);
    }
  }

  /** HMAC-SHA256 of `parts` under the tag key, for one use; as many of its bytes as are asked for. */
  tag(domain: TagDomain, parts: readonly (string | Uint8Array)[], bytes = tagOfNameBytes): Buffer {
    const key = Buffer.from(this.#bytes.subarray(tagKeyAt, tagKeyAt + secretBytes));
    const hmac = createHmac('sha256', key).update(Uint8Array.of(tagDomains[domain]));
    key.fill(0);
    for (const part of parts) hmac.update(part);
    return hmac.digest().subarray(0, bytes);
  }

  /** Zeroes them, for all threads. */
  clear(): void {
    Atomics.store(this.#counter, 0, -1);
    this.#bytes.fill(0, wrapIdAt);
    this.#key = undefined;
  }
}
