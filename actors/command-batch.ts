/**
 * Commands and their outcomes on the way between two threads: a few arrays instead of an object for each.
 *
 * Names are sent once per batch, numbers in one array, records in one buffer. What comes seldom (moves of cursors,
 * refusals) travels as plain objects beside them. A large batch changes hands without a copy; a small one is cheaper to copy
 * (measured: 10 us less for a single append there and back).
 */
import type { AppendRequest, RequestPart } from '../src/log/append-request.ts';
import type { CursorMove } from '../src/log/cursor.ts';
import type { Outcome, WriterCommand } from '../src/log/log-writer.ts';
import type { AppendResult, ExpectedVersion } from '../src/types.ts';
import { type PackedError, packError, unpackError } from './error-transfer.ts';

/** Few numbers are cheaper to clone as they are, many as one piece of memory. */
type Numbers = readonly number[] | Float64Array<ArrayBuffer>;

/** Commands in their order. */
export interface CommandBatch {
  readonly names: readonly string[];
  /**
   * For each command its number of parts, 0 for a move. For an append then: number of bytes, name of the idempotency key + 1
   * or 0, for each part name of the stream, expected version and number of events, for each event name of the type.
   */
  readonly numbers: Numbers;
  /** The records of each append, and behind them the hash of its idempotency key. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly moves?: readonly CursorMove[];
}

/** Outcomes in the order of their commands. */
export interface OutcomeBatch {
  /** For each part of each append that was written: first version and first position. */
  readonly numbers: Numbers;
  /** Outcomes of another kind, by their place among all. */
  readonly others?: ReadonlyMap<number, OtherOutcome>;
  readonly count: number;
}

type OtherOutcome = { readonly results: AppendResult[] } | { readonly error: PackedError };

const hashBytes = 32;
const transferBytesMin = 16_384;
const numbersPackedMin = 64;
/** Expected versions that are words, as numbers that no version has. */
const versionWords: readonly ExpectedVersion[] = ['any', 'no-stream', 'stream-exists'];

export function packCommands(commands: readonly WriterCommand[]): CommandBatch {
  const names = new Names();
  const numbers: number[] = [];
  const moves: CursorMove[] = [];
  let bytesLength = 0;
  for (const command of commands) {
    if (command.kind === 'append') {
      packAppend(command, names, numbers);
      bytesLength += packedBytes(command);
    } else {
      numbers.push(0);
      moves.push(command);
    }
  }
  const bytes = new Uint8Array(bytesLength);
  let end = 0;
  for (const command of commands) {
    if (command.kind !== 'append') continue;
    bytes.set(command.records, end);
    if (command.idempotency !== undefined) bytes.set(command.idempotency.hash, end + command.records.length);
    end += packedBytes(command);
  }
  const batch = { names: names.list, numbers: packed(numbers), bytes };
  return moves.length === 0 ? batch : { ...batch, moves };
}

export function unpackCommands({ names, numbers, bytes, moves = [] }: CommandBatch): WriterCommand[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const commands: WriterCommand[] = [];
  let at = 0;
  let end = 0;
  let moveCount = 0;
  const number = () => numbers[at++] as number;
  const name = () => names[number()] as string;
  while (at < numbers.length) {
    const partCount = number();
    if (partCount === 0) {
      commands.push(moves[moveCount++] as CursorMove);
      continue;
    }
    const length = number();
    const key = names[number() - 1];
    const records = buffer.subarray(end, end + length);
    end += length;
    const idempotency = key === undefined ? undefined : { key, hash: buffer.subarray(end, end + hashBytes) };
    if (key !== undefined) end += hashBytes;
    const parts: RequestPart[] = [];
    let eventCount = 0;
    for (let left = partCount; left > 0; left--) {
      const part = { stream: name(), expectedVersion: expectedVersion(number()), eventCount: number() };
      eventCount += part.eventCount;
      parts.push(part);
    }
    const types: string[] = [];
    for (let left = eventCount; left > 0; left--) types.push(name());
    commands.push({ kind: 'append', parts, types, records, idempotency });
  }
  return commands;
}

export function packOutcomes(outcomes: readonly Outcome[]): OutcomeBatch {
  const numbers: number[] = [];
  const others = new Map<number, OtherOutcome>();
  for (const [index, outcome] of outcomes.entries()) {
    if ('error' in outcome) others.set(index, { error: packError(outcome.error) });
    else if (outcome.results[0]?.duplicate === true) others.set(index, outcome);
    else for (const { firstVersion, firstPosition } of outcome.results) numbers.push(firstVersion, firstPosition);
  }
  const batch = { numbers: packed(numbers), count: outcomes.length };
  return others.size === 0 ? batch : { ...batch, others };
}

/** `commands` are those that the outcomes are of. */
export function unpackOutcomes({ numbers, others }: OutcomeBatch, commands: readonly WriterCommand[]): Outcome[] {
  let at = 0;
  return commands.map((command, index) => {
    const other = others?.get(index);
    if (other !== undefined) return 'error' in other ? { error: unpackError(other.error) } : other;
    const parts = command.kind === 'append' ? command.parts : [];
    const results = parts.map(({ stream, eventCount }): AppendResult => {
      const firstVersion = numbers[at++] as number;
      const firstPosition = numbers[at++] as number;
      return {
        stream,
        firstVersion,
        lastVersion: firstVersion + eventCount - 1,
        firstPosition,
        lastPosition: firstPosition + eventCount - 1,
        duplicate: false,
      };
    });
    return { results };
  });
}

/** What is to be transferred instead of copied. */
export function transferOf({ bytes }: CommandBatch): ArrayBuffer[] {
  return bytes.length < transferBytesMin ? [] : [bytes.buffer];
}

function packed(numbers: number[]): Numbers {
  return numbers.length < numbersPackedMin ? numbers : Float64Array.from(numbers);
}

function packAppend({ parts, types, records, idempotency }: AppendRequest, names: Names, numbers: number[]): void {
  numbers.push(parts.length, records.length, idempotency === undefined ? 0 : names.indexOf(idempotency.key) + 1);
  for (const { stream, expectedVersion: expected, eventCount } of parts) {
    numbers.push(names.indexOf(stream), versionNumber(expected), eventCount);
  }
  for (const type of types) numbers.push(names.indexOf(type));
}

function packedBytes({ records, idempotency }: AppendRequest): number {
  return records.length + (idempotency === undefined ? 0 : hashBytes);
}

function versionNumber(expected: ExpectedVersion): number {
  return typeof expected === 'number' ? expected : -1 - versionWords.indexOf(expected);
}

function expectedVersion(number: number): ExpectedVersion {
  return number >= 0 ? number : (versionWords[-1 - number] as ExpectedVersion);
}

/** The names of a batch, each once. */
class Names {
  readonly list: string[] = [];
  readonly #indexes = new Map<string, number>();

  indexOf(name: string): number {
    let index = this.#indexes.get(name);
    if (index === undefined) {
      index = this.list.push(name) - 1;
      this.#indexes.set(name, index);
    }
    return index;
  }
}
