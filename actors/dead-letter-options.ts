/**
 * Which dead letters are meant: the options of listing them, checked, and how those are chosen that something is done with.
 */
import type { LetterState } from '../src/codec/letter-row.ts';
import { refuseUnknownNames } from '../src/option-names.ts';
import { isWhole, wrong } from './option-checks.ts';

/** Which dead letters. Several conditions must all hold. */
export interface DeadLetterFilter {
  readonly stream?: string;
  readonly type?: string;
}

export interface DeadLetterListOptions extends DeadLetterFilter {
  /** @default those that are not discarded */
  readonly state?: LetterState;
  /** Position to start behind. @default 0 */
  readonly after?: number;
  /** Most letters. @default no limit */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** One, some, those of a stream or type, or all. */
export type DeadLetterChoice = number | readonly number[] | DeadLetterFilter | 'all';

const listNames: readonly (keyof DeadLetterListOptions)[] = ['stream', 'type', 'state', 'after', 'limit', 'signal'];

/** @throws {TypeError} naming the option, its range and what was given. */
export function resolveListOptions(options: DeadLetterListOptions): {
  readonly after: number;
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
} {
  refuseUnknownNames('list', options, listNames);
  const { after = 0, limit = Number.POSITIVE_INFINITY, signal } = options;
  if (!isWhole(after, 0, Number.MAX_SAFE_INTEGER)) throw wrong('after', 'a position from 0 on', after);
  if (limit !== Number.POSITIVE_INFINITY && !isWhole(limit, 0, Number.MAX_SAFE_INTEGER)) {
    throw wrong('limit', 'a whole number from 0 on', limit);
  }
  return { after, limit, signal };
}
