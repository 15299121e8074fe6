/**
 * What one iteration of a read does: its options checked, its upper bound fixed when it starts, its pages taken one by one.
 */
import { inspect } from 'node:util';
import type { Direction, ReadOptions, ReadStreamOptions, StoredEvent, StreamInfo, StreamsOptions } from '../types.ts';
import { DecodeAhead } from './decode-ahead.ts';
import { compileFilter, type LogFilter } from './event-filter.ts';
import type { LogReader } from './log-reader.ts';
import type { PageSource } from './pages.ts';
import type { ScanRange } from './scanner.ts';

/** Pages of `read(options)`. @throws {TypeError} for options out of range. */
export function scanSource(reader: LogReader, options: ReadOptions): () => PageSource<StoredEvent> {
  const { low, high, direction, limit } = checkedRange(options);
  const filter = compileFilter(options);
  return () => {
    const decodeAhead = new DecodeAhead();
    const range: ScanRange = { low, high: Math.min(high, reader.head()), direction, filter, decodeAhead };
    let left = limit;
    return () => {
      const page = reader.scan(range, left);
      left -= page.items.length;
      return left > 0 ? page : { ...page, isLast: true };
    };
  };
}

/** Pages of `readStream(stream, options)`. @throws {TypeError} for options out of range. */
export function streamSource(
  reader: LogReader,
  stream: string,
  options: ReadStreamOptions,
): () => PageSource<StoredEvent> {
  const range = checkedRange(options);
  return () => {
    let { low, limit } = range;
    let high = Math.min(range.high, reader.streamHead(stream)?.version ?? 0);
    return () => {
      const items = reader.stream(stream, low, high, range.direction, limit);
      limit -= items.length;
      const last = items.at(-1);
      if (last === undefined) return undefined;
      if (range.direction === 'forward') low = last.version + 1;
      else high = last.version - 1;
      return { items, isLast: limit <= 0 || low > high };
    };
  };
}

/** Pages of `streams(options)`. @throws {TypeError} for options out of range. */
export function streamsSource(reader: LogReader, options: StreamsOptions): () => PageSource<StreamInfo> {
  const { prefix = '', limit = Number.POSITIVE_INFINITY } = options;
  requireText('prefix', prefix);
  if (options.after !== undefined) requireText('after', options.after);
  requireCount('limit', limit);
  return () => {
    let { after } = options;
    let left = limit;
    return () => {
      const page = reader.streams(prefix, after, left);
      left -= page.items.length;
      after = page.items.at(-1)?.stream;
      return left > 0 ? page : { ...page, isLast: true };
    };
  };
}

/** Where a subscription is: everything up to `position()` has been looked at. */
export interface SubscriptionWalk {
  position(): number;
  /** The next page of what is wanted up to `head`, at most `limit`; it may be empty. */
  next(head: number, limit?: number): StoredEvent[];
}

/** Walks of subscriptions along the log, each starting behind `after`. @throws {TypeError} for a filter of the wrong shape. */
export function subscriptionWalks(reader: LogReader, after: number, options: LogFilter): () => SubscriptionWalk {
  const filter = compileFilter(options);
  return () => {
    const decodeAhead = new DecodeAhead();
    const range: ScanRange = { low: after + 1, high: after, direction: 'forward', filter, decodeAhead };
    return {
      position: () => range.low - 1,
      next: (head, limit = Number.POSITIVE_INFINITY) => {
        range.high = head;
        return reader.scan(range, limit).items;
      },
    };
  };
}

interface CheckedRange {
  readonly low: number;
  readonly high: number;
  readonly direction: Direction;
  readonly limit: number;
}

function checkedRange(options: ReadStreamOptions): CheckedRange {
  const { from = 1, to = Number.POSITIVE_INFINITY, direction = 'forward', limit = Number.POSITIVE_INFINITY } = options;
  requireCount('from', from);
  requireCount('to', to);
  requireCount('limit', limit);
  if (direction !== 'forward' && direction !== 'backward') {
    throw new TypeError(`direction must be 'forward' or 'backward', got ${String(direction)}`);
  }
  return { low: Math.max(1, from), high: to, direction, limit };
}

function requireCount(option: string, value: number): void {
  if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value >= 0)) return;
  throw new TypeError(`${option} must be a whole number from 0 on, got ${String(value)}`);
}

function requireText(option: string, value: string): void {
  if (typeof value === 'string' && value.isWellFormed()) return;
  throw new TypeError(`${option} must be well-formed text, got ${inspect(value)}`);
}
