/**
 * Little-endian integers in byte arrays, and variable-length integers: what the formats of this folder are made of.
 *
 * Numbers are checked by the callers; these functions only move bytes.
 */

export function writeU16(target: Uint8Array, at: number, value: number): void {
  target[at] = value;
  target[at + 1] = value >>> 8;
}

export function writeU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value;
  target[at + 1] = value >>> 8;
  target[at + 2] = value >>> 16;
  target[at + 3] = value >>> 24;
}

/** A safe integer below 2^48: the low 32 bits, then the high 16. */
export function writeU48(target: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  writeU32(target, at, value - high * 0x1_0000_0000);
  writeU16(target, at + 4, high);
}

export function readU16(source: Uint8Array, at: number): number {
  return (source[at] as number) | ((source[at + 1] as number) << 8);
}

export function readU32(source: Uint8Array, at: number): number {
  return (
    ((source[at] as number) |
      ((source[at + 1] as number) << 8) |
      ((source[at + 2] as number) << 16) |
      ((source[at + 3] as number) << 24)) >>>
    0
  );
}

export function readU48(source: Uint8Array, at: number): number {
  return readU32(source, at) + readU16(source, at + 4) * 0x1_0000_0000;
}

/** Big-endian, 8 bytes: a key that sorts like its number. */
export function writeU64BigEndian(target: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  const low = value - high * 0x1_0000_0000;
  for (let index = 0; index < 4; index++) {
    target[at + index] = high >>> (24 - 8 * index);
    target[at + 4 + index] = low >>> (24 - 8 * index);
  }
}

export function readU64BigEndian(source: Uint8Array, at: number): number {
  let value = 0;
  for (let index = 0; index < 8; index++) value = value * 256 + (source[at + index] as number);
  return value;
}

/** Longest variable-length integer here: 48 bits in groups of 7. */
export const varintBytesMax = 7;

/** Writes groups of 7 bits, lowest first, the high bit set on all but the last. Returns the end. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  let rest = value;
  let end = at;
  while (rest >= 0x80) {
    target[end++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[end++] = rest;
  return end;
}

/** Reads variable-length integers one after the other; `next` gives `undefined` at the end or on a broken one. */
export class VarintReader {
  readonly #source: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(source: Uint8Array, at: number, end: number) {
    this.#source = source;
    this.#at = at;
    this.#end = end;
  }

  next(): number | undefined {
    let value = 0;
    let scale = 1;
    const limit = Math.min(this.#end, this.#at + varintBytesMax);
    for (let at = this.#at; at < limit; at++) {
      const byte = this.#source[at] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.#at = at + 1;
        return value;
      }
      scale *= 0x80;
    }
    return undefined;
  }

  get finished(): boolean {
    return this.#at === this.#end;
  }
}
