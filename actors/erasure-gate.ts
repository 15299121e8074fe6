/**
 * The gate that projections pass before they read anything: closed while something is erased.
 *
 * What a projection has read before an erasure must not be saved behind it; so none has anything in memory while it is shut.
 */
export class ErasureGate {
  #opened: Promise<void> | undefined;

  /** Shuts it, until what is returned is called. One at a time. */
  shut(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#opened = promise;
    return () => {
      this.#opened = undefined;
      resolve();
    };
  }

  /** Resolves when it is open. */
  async passed(): Promise<void> {
    while (this.#opened !== undefined) await this.#opened;
  }
}
