/**
 * Filters of a read, decided once per block on its dictionary and then per record on two numbers.
 */
import type { Block } from '../codec/block.ts';
import type { EventFilter } from '../types.ts';
import { belongsTo, type Partition } from './partitions.ts';

/** Tells of a record of one block whether it is wanted. */
export type BlockFilter = (recordAt: number) => boolean;

/** A filter ready for use: `undefined` for a block without a wanted event, `'all'` where every event is wanted. */
export type CompiledFilter = (block: Block) => BlockFilter | 'all' | undefined;

/** What users may ask for, and beside it one part of the streams. */
export interface LogFilter extends EventFilter {
  readonly partition?: Partition;
}

/** @throws {TypeError} for a filter of the wrong shape. */
export function compileFilter(filter: LogFilter): CompiledFilter {
  const types = nameSet(filter.types, 'types');
  const streams = nameSet(filter.streams, 'streams');
  const { prefix, partition } = filter;
  if (prefix !== undefined && !(typeof prefix === 'string' && prefix.isWellFormed()))
    throw new TypeError('prefix must be well-formed text');
  const wantsAllStreams = streams === undefined && prefix === undefined && partition === undefined;
  if (types === undefined && wantsAllStreams) return () => 'all';
  const wantsType = types === undefined ? undefined : (name: string) => types.has(name);
  const isMine = belongsTo(partition);
  const wantsStream = wantsAllStreams
    ? undefined
    : (name: string) => (streams?.has(name) ?? true) && name.startsWith(prefix ?? '') && isMine(name);
  return (block) => filterOf(block, wantsType, wantsStream);
}

/** Whether `filter` may want an event of a stream, by its name alone; where that is not known it may. */
export function streamFilter({ streams, prefix = '' }: EventFilter): (stream: string | undefined) => boolean {
  return (stream) => stream === undefined || ((streams?.includes(stream) ?? true) && stream.startsWith(prefix));
}

type Wants = ((name: string) => boolean) | undefined;

function filterOf(block: Block, wantsType: Wants, wantsStream: Wants): BlockFilter | 'all' | undefined {
  const types = wantedIndexes(wantsType, block.typeCount, (index) => block.typeName(index));
  const streams =
    types === undefined ? undefined : wantedIndexes(wantsStream, block.streamCount, (index) => block.streamName(index));
  if (types === undefined || streams === undefined) return undefined;
  if (types === 'all' && streams === 'all') return 'all';
  return (recordAt) =>
    (types === 'all' || types[block.typeIndexAt(recordAt)] === 1) &&
    (streams === 'all' || streams[block.streamIndexAt(recordAt)] === 1);
}

/** One byte per name of a dictionary; `undefined` where none is wanted. */
function wantedIndexes(wants: Wants, count: number, nameOf: (index: number) => string): Uint8Array | 'all' | undefined {
  if (wants === undefined) return 'all';
  const wanted = new Uint8Array(count);
  let total = 0;
  for (let index = 0; index < count; index++) {
    if (!wants(nameOf(index))) continue;
    wanted[index] = 1;
    total++;
  }
  if (total === 0) return undefined;
  return total === count ? 'all' : wanted;
}

function nameSet(names: unknown, option: string): ReadonlySet<string> | undefined {
  if (names === undefined) return undefined;
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return new Set<string>(names);
  throw new TypeError(`${option} must be an array of strings`);
}
