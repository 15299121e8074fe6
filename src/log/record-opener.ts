/**
 * Opens sealed records with the keys of a thread: the port of codec/sealed-run.ts over crypto/.
 */
import type { RunOpener } from '../codec/sealed-run.ts';
import { openSealed } from '../crypto/gcm.ts';
import type { KeyView } from '../crypto/key-ports.ts';

export class RecordOpener implements RunOpener {
  readonly cryptoId: Uint8Array;
  readonly #keys: KeyView;
  #plainUntil: number | undefined;

  constructor(keys: KeyView) {
    this.#keys = keys;
    this.cryptoId = keys.cryptoId;
  }

  /** Events behind this position are sealed, but for those of streams of our own. Known when it is asked for: that may read the file of keys. */
  get plainUntil(): number {
    this.#plainUntil ??= this.#keys.plainUntil;
    return this.#plainUntil;
  }

  isErased(keyId: number, stream: string, position: number): boolean {
    return this.#keys.isErased(keyId, { kind: 'stream', stream, subject: undefined }, position);
  }

  open(
    keyId: number,
    stream: string,
    position: number,
    associated: Uint8Array,
    sealed: Uint8Array,
    seal: Uint8Array,
    at: number,
  ): Uint8Array | 'erased' | undefined {
    const key = this.#keys.open(keyId, { kind: 'stream', stream, subject: undefined }, position);
    return key === undefined ? 'erased' : openSealed(key, associated, sealed, seal, at);
  }
}
