/**
 * The part of the check that looks at what consumers gave up: dead letters, and events parked behind them.
 */
import { checkParkedRow, positionOfKey } from '../codec/letter-row.ts';
import type { Snapshot } from '../storage/engine.ts';
import { openLetter } from './letters.ts';

/** Bytes of a key behind its names: a zero byte, and a position. */
const keyTailBytes = 9;

/** What is wrong with a row of `dead_letters`, where the log ends at `head()`. @throws {STORE_CORRUPT} {DECRYPTION_FAILED} */
export function letterProblem(
  snapshot: Snapshot,
  key: Uint8Array,
  row: Uint8Array,
  head: () => number,
): string | undefined {
  openLetter(snapshot, key, row);
  return keyProblem(key, 1) ?? placeProblem(key, head);
}

/** What is wrong with a row of `parked`. @throws {STORE_CORRUPT} */
export function parkedProblem(key: Uint8Array, row: Uint8Array, head: () => number): string | undefined {
  checkParkedRow(key, row);
  return keyProblem(key, 2) ?? placeProblem(key, head);
}

/** Keys are so many names, each with a zero byte behind it, and a position. */
function keyProblem(key: Uint8Array, names: number): string | undefined {
  const text = key.subarray(0, key.length - keyTailBytes + 1);
  const parts = key.length <= keyTailBytes ? [] : Buffer.from(text).toString('latin1').split('\0');
  const isWhole = parts.length === names + 1 && parts.at(-1) === '' && !parts.slice(0, -1).includes('');
  return isWhole ? undefined : `the key ${JSON.stringify(Buffer.from(key).toString())} is none of this table`;
}

function placeProblem(key: Uint8Array, head: () => number): string | undefined {
  const position = positionOfKey(key);
  const names = Buffer.from(key.subarray(0, key.length - keyTailBytes))
    .toString()
    .split('\0');
  if (position >= 1 && position <= head()) return undefined;
  return `${JSON.stringify(names[0])} gave up an event at ${position}, which the log does not have`;
}
