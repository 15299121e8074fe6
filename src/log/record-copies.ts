/**
 * Records copied out of blocks for events that outlive them, many to one piece of memory: to allocate 300 bytes by
 * themselves costs ten times as much as to copy them (Node 24). An event keeps its piece, 4 KiB, or its own size if larger.
 */
const pieceBytes = 4096;

export class RecordCopies {
  /** Where the last copy is. */
  bytes = new Uint8Array(0);
  #end = 0;

  /** Copies `source[start .. end)` into `bytes` and returns where it begins there. */
  add(source: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (this.#end + length > this.bytes.length) {
      this.bytes = new Uint8Array(Math.max(pieceBytes, length));
      this.#end = 0;
    }
    const at = this.#end;
    this.bytes.set(source.subarray(start, end), at);
    this.#end = at + length;
    return at;
  }
}
