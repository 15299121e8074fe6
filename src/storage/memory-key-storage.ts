/**
 * A `keys` file in memory, beside the storage of the memory engine: it outlives whoever opens it, so that a test can close
 * a store and open it again.
 */
import type { KeyStorage } from '../crypto/key-storage.ts';

export class MemoryKeyStorage implements KeyStorage {
  readonly path: string;
  bytes: Buffer | undefined;
  /** Called before anything is written; what it throws, the write throws. */
  beforeWrite: (() => void) | undefined;

  constructor(path: string) {
    this.path = path;
  }

  read(bytesMax?: number): Buffer | undefined {
    return this.bytes === undefined ? undefined : Buffer.from(this.bytes.subarray(0, bytesMax));
  }

  readOn(head: Uint8Array, from: number): Buffer | undefined {
    const { bytes } = this;
    if (bytes === undefined || !bytes.subarray(0, head.length).equals(head)) return undefined;
    return Buffer.from(bytes.subarray(from));
  }

  recover(): void {}

  append(end: number, bytes: Uint8Array): void {
    this.beforeWrite?.();
    this.bytes = Buffer.concat([(this.bytes ?? Buffer.alloc(0)).subarray(0, end), bytes]);
  }

  cut(end: number): void {
    this.beforeWrite?.();
    this.bytes = this.bytes?.subarray(0, end);
  }

  replace(_end: number, bytes: Uint8Array, onReplaced: () => void): void {
    this.beforeWrite?.();
    this.bytes?.fill(0);
    this.bytes = Buffer.from(bytes);
    onReplaced();
  }

  close(): void {}
}
