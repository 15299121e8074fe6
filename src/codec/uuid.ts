/**
 * Event ids: UUIDs of version 7 (RFC 9562) as 16 bytes, and their text.
 *
 * Owns the random pool and the counter behind `nextUuid`. Ids of one thread made in the same millisecond ascend, in bytes and
 * in text; ids of different threads and processes differ by 73 random bits. Does not look at clocks: the caller passes the time.
 */
import { randomFillSync } from 'node:crypto';
import { assert } from '../assert.ts';
import { u48Max } from '../limits.ts';

/** Length of an id in bytes. */
export const uuidBytes = 16;
/** Length of an id as text. */
export const uuidTextLength = 36;

/**
 * Writes a new id to `target[offset .. offset + 16)`: `timeMs` (milliseconds since 1970) in 48 bits, a 26-bit counter,
 * 48 random bits. The counter starts anew, at random below 2^25, whenever `timeMs` differs from that of the call before.
 */
export function nextUuid(target: Uint8Array, offset: number, timeMs: number): void {
  assert(timeMs >= 0 && timeMs <= u48Max && Number.isInteger(timeMs), 'a UUIDv7 holds 48 bits of milliseconds');
  if (poolOffset > poolBytes - randomBytesPerId) refillPool();
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
  let text = '';
  for (let i = 0; i < uuidBytes; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += '-';
    text += hexByByte[bytes[offset + i] as number];
  }
  return text;
}

/**
 * Writes the 16 bytes of `text` to `target` at `offset` and returns true, if `text` is what `formatUuid` gives for them: 36
 * characters, lower case, of any version and variant. Otherwise returns false; `target` may then be written in part.
 */
export function parseUuid(text: string, target: Uint8Array, offset: number): boolean {
  if (text.length !== uuidTextLength) return false;
  let at = 0;
  for (let i = 0; i < uuidBytes; i++) {
    if ((i === 4 || i === 6 || i === 8 || i === 10) && text.charCodeAt(at++) !== hyphen) return false;
    const high = nibble(text.charCodeAt(at++));
    const low = nibble(text.charCodeAt(at++));
    if (high < 0 || low < 0) return false;
    target[offset + i] = (high << 4) | low;
  }
  return true;
}

const hyphen = 0x2d;
const hexByByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function nibble(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
}

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
