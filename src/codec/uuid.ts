/**
 * Event ids: UUIDs of version 7 (RFC 9562) as 16 bytes, and their text.
 *
 * Owns the random pool and the counter behind `nextUuid`. Ids of one thread made in the same millisecond ascend, in bytes and
 * in text; ids of different threads and processes differ by 73 random bits. Does not look at clocks: the caller passes the time.
 */
import { randomFillSync } from 'node:crypto';
import { assert } from '../assert.ts';
import { u48Max } from '../limits.ts';

const uuidBytes = 16;
const uuidTextLength = 36;

/**
 * Writes a new id to `target[offset .. offset + 16)`: `timeMs` (milliseconds since 1970) in 48 bits, a 26-bit counter,
 * 48 random bits. The counter starts anew, at random below 2^25, whenever `timeMs` differs from that of the call before.
 */
export function nextUuid(target: Uint8Array, offset: number, timeMs: number): void {
  assert(timeMs >= 0 && timeMs <= u48Max && Number.isInteger(timeMs), 'a UUIDv7 holds 48 bits of milliseconds');
  if (poolOffset + randomBytesPerId > poolBytes) refillPool();
  const count = nextCount(timeMs);
  const timeHigh = Math.floor(timeMs / 0x1_0000_0000);
  const timeLow = timeMs >>> 0;
  target[offset] = timeHigh >>> 8;
  target[offset + 1] = timeHigh;
  target[offset + 2] = timeLow >>> 24;
  target[offset + 3] = timeLow >>> 16;
  target[offset + 4] = timeLow >>> 8;
  target[offset + 5] = timeLow;
  target[offset + 6] = 0x70 | (count >>> 22);
  target[offset + 7] = count >>> 14;
  target[offset + 8] = 0x80 | ((count >>> 8) & 0x3f);
  target[offset + 9] = count;
  for (let i = 10; i < uuidBytes; i++) target[offset + i] = pool[poolOffset++] as number;
}

/** The canonical text of the id at `bytes[offset .. offset + 16)`: lower case, 8-4-4-4-12. Any 16 bytes have one. */
export function formatUuid(bytes: Uint8Array, offset: number): string {
  for (let i = 0; i < uuidBytes; i++) {
    const byte = bytes[offset + i] as number;
    const at = textAt[i] as number;
    text[at] = digits[byte >>> 4] as number;
    text[at + 1] = digits[byte & 0xf] as number;
  }
  return text.toString('latin1');
}

/**
 * Writes the 16 bytes of `id` to `target` at `offset` and returns true, if `id` is what `formatUuid` gives for them: 36
 * characters, lower case, of any version and variant. Otherwise returns false; `target` may then be written in part.
 */
export function parseUuid(id: string, target: Uint8Array, offset: number): boolean {
  if (id.length !== uuidTextLength) return false;
  for (const at of hyphensAt) if (id.charCodeAt(at) !== hyphen) return false;
  for (let i = 0; i < uuidBytes; i++) {
    const at = textAt[i] as number;
    const high = valueByDigit[id.charCodeAt(at)] ?? notADigit;
    const low = valueByDigit[id.charCodeAt(at + 1)] ?? notADigit;
    if ((high | low) > 0xf) return false;
    target[offset + i] = (high << 4) | low;
  }
  return true;
}

const hyphen = 0x2d;
const hyphensAt = [8, 13, 18, 23];
/** Where in the text the digits of each byte are. */
const textAt = Uint8Array.of(0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34);
const digits = Buffer.from('0123456789abcdef', 'latin1');
const notADigit = 0x10;
const valueByDigit = new Uint8Array(0x80).fill(notADigit);
digits.forEach((digit, value) => {
  valueByDigit[digit] = value;
});

// The text under construction. Adding up strings instead gives a tree of 20 pieces, ten times the size of the text.
const text = Buffer.alloc(uuidTextLength, hyphen);

// One call to the CSPRNG for many ids: a call per id costs more than all the rest.
const poolBytes = 4096;
const randomBytesPerId = 10;
const countMax = 2 ** 26 - 1;
const pool = new Uint8Array(poolBytes);
let poolOffset = poolBytes;
let lastTimeMs = -1;
let lastCount = 0;

function refillPool(): void {
  randomFillSync(pool);
  poolOffset = 0;
}

function nextCount(timeMs: number): number {
  if (timeMs === lastTimeMs && lastCount < countMax) return ++lastCount;
  lastTimeMs = timeMs;
  lastCount =
    (((pool[poolOffset++] as number) & 1) << 24) |
    ((pool[poolOffset++] as number) << 16) |
    ((pool[poolOffset++] as number) << 8) |
    (pool[poolOffset++] as number);
  return lastCount;
}
