/**
 * The port to the bytes of the `keys` file: what the keys of a store are kept in.
 *
 * There is one that writes at a time (the holder of the writer lock), and any number that read meanwhile. Knows nothing of
 * what the bytes mean.
 */
export interface KeyStorage {
  /** Names it in messages. */
  readonly path: string;
  /**
   * All of it as it was at one moment, or the first `bytesMax`; `undefined` when there is none. The caller's to keep.
   * @throws {STORE_FAILED}
   */
  read(bytesMax?: number): Buffer | undefined;
  /** What is behind `from` in a file that begins with `head`; `undefined` when it is another one by now. @throws {STORE_FAILED} */
  readOn(head: Uint8Array, from: number): Buffer | undefined;
  /** For the one that writes, before it reads: finishes what a crash left half done. @throws {STORE_FAILED} */
  recover(): void;
  /**
   * Makes `bytes` follow the `end` bytes that there are, lasting when it returns. Readers see of them what is there so far,
   * and zeros.
   * @throws {STORE_FULL} it is as it was. @throws {WRITER_FENCED} another one has written to it. @throws {STORE_FAILED}
   */
  append(end: number, bytes: Uint8Array): void;
  /** Takes away what is behind the first `end` bytes, lasting when it returns. @throws {WRITER_FENCED} {STORE_FAILED} */
  cut(end: number): void;
  /**
   * Makes `bytes` all there is, in place of `end` bytes that are overwritten, lasting when it returns. `onReplaced` is called
   * as soon as readers find the new ones. After a crash it is either of the two.
   * @param end 0: there are none
   * @throws {STORE_FULL} it is as it was. @throws {WRITER_FENCED} another one has written to it. @throws {STORE_FAILED} it may be either
   */
  replace(end: number, bytes: Uint8Array, onReplaced: () => void): void;
  close(): void;
}
