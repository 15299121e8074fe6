/**
 * Ranges of keys in a projection: what `range` takes, checked, and the order of keys.
 *
 * Keys are text; their order is that of their UTF-8 bytes, as the store has it, which is that of their code points.
 */
import { inspect } from 'node:util';
import { keyBehindPrefix } from '../codec/row.ts';
import { projectionKeyBytesMax } from '../limits.ts';
import { refuseUnknownNames } from '../option-names.ts';

/** Which entries of a projection, and in which order. Several conditions must all hold. */
export interface ProjectionRange {
  /** First key, inclusive. */
  readonly from?: string;
  /** Last key, inclusive. */
  readonly to?: string;
  /** Keys that begin with this. */
  readonly prefix?: string;
  /** Highest key first. @default false */
  readonly reverse?: boolean;
  /** Most entries. @default no limit */
  readonly limit?: number;
}

export interface KeyRange {
  readonly from: string;
  readonly to: string | undefined;
  readonly prefix: string;
  readonly isReverse: boolean;
  readonly limit: number;
}

const rangeNames: readonly (keyof ProjectionRange)[] = ['from', 'to', 'prefix', 'reverse', 'limit'];

/** @throws {TypeError} naming the option, what it takes and what was given. */
export function resolveRange(options: ProjectionRange): KeyRange {
  refuseUnknownNames('range', options, rangeNames);
  const { from = '', to, prefix = '', reverse = false, limit = Number.POSITIVE_INFINITY } = options;
  for (const [name, text] of [
    ['from', from],
    ['to', to ?? ''],
    ['prefix', prefix],
  ] as const) {
    if (typeof text !== 'string' || !text.isWellFormed()) throw wrong(name, 'well-formed text', text);
  }
  if (typeof reverse !== 'boolean') throw wrong('reverse', 'true or false', reverse);
  if (limit !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(limit) && limit >= 0)) {
    throw wrong('limit', 'a whole number from 0 on', limit);
  }
  return { from: compareKeys(from, prefix) < 0 ? prefix : from, to, prefix, isReverse: reverse, limit };
}

/** @throws {TypeError} unless `key` is 1 to 1024 bytes of well-formed text. */
export function checkProjectionKey(key: unknown): asserts key is string {
  const isKey =
    typeof key === 'string' &&
    key.length > 0 &&
    key.isWellFormed() &&
    (key.length * 3 <= projectionKeyBytesMax || Buffer.byteLength(key) <= projectionKeyBytesMax);
  if (!isKey) throw wrong('a key', `1 to ${projectionKeyBytesMax} bytes of well-formed text`, key);
}

/** Whether the range has `key`, but for its lower end. */
export function isInRange({ to, prefix }: KeyRange, key: string): boolean {
  return (to === undefined || compareKeys(key, to) <= 0) && key.startsWith(prefix);
}

/** The row keys that hold the range, behind `prefix`; what follows on `after`, in the order of the range. */
export function rowRange(
  prefix: Buffer,
  range: KeyRange,
  after: string | undefined,
): { readonly from: Buffer; readonly below: Uint8Array | undefined } {
  const { from, to, isReverse } = range;
  const within = keyBehindPrefix(rowKey(prefix, range.prefix));
  const behindTo = to === undefined ? within : lowest(within, behind(rowKey(prefix, to)));
  if (after === undefined) return { from: rowKey(prefix, from), below: behindTo };
  return isReverse
    ? { from: rowKey(prefix, from), below: lowest(behindTo, rowKey(prefix, after)) }
    : { from: behind(rowKey(prefix, after)), below: behindTo };
}

/** Negative when `left` comes first. */
export function compareKeys(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const difference = codePointRank(left.charCodeAt(index)) - codePointRank(right.charCodeAt(index));
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Surrogates stand for code points above all that have one unit. */
function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** The key of an entry. No key is longer than the limit, so what lies behind it bounds nothing. */
function rowKey(prefix: Buffer, text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([prefix, bytes.subarray(0, projectionKeyBytesMax + 1)]);
}

function behind(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.of(0)]);
}

function lowest(left: Uint8Array | undefined, right: Uint8Array): Uint8Array {
  return left === undefined || Buffer.compare(right, left) < 0 ? right : left;
}

function wrong(option: string, range: string, value: unknown): TypeError {
  return new TypeError(`${option} must be ${range}, got ${inspect(value)}`);
}
