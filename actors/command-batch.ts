/**
 * Commands and their outcomes on the way between two threads: a few arrays instead of an object for each.
 *
 * Names are sent once per batch, numbers in one array, records in one buffer. What comes seldom (moves of cursors, rows,
 * refusals) travels as plain objects beside them. A large batch changes hands without a copy; a small one is cheaper to copy
 * (measured: 10 us less for a single append there and back).
 */
import type { AppendRequest, RequestPart } from '../src/log/append-request.ts';
import type { Outcome, WriterCommand } from '../src/log/log-writer.ts';
import type { RowDraft } from '../src/log/row-draft.ts';
import type { AppendResult, ExpectedVersion } from '../src/types.ts';
import { type PackedError, packError, unpackError } from './error-transfer.ts';

/** Few numbers are cheaper to clone as they are, many as one piece of memory. */
type Numbers = readonly number[] | Float64Array<ArrayBuffer>;

/** Commands in their order. */
export interface CommandBatch {
  readonly names: readonly string[];
  /**
   * For each command its number of parts, 0 for another than an append. For an append then: number of bytes, name of the
   * idempotency key + 1 (negative: the first request wins) or 0, number of rows, for each part name of the stream, expected version and number of events, for each event name of the type.
   */
  readonly numbers: Numbers;
  /** The records of each append, and behind them the hash of its idempotency key. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Commands of another kind. */
  readonly others?: readonly OtherCommand[];
  /** Rows of the appends, in their order. */
  readonly rows?: readonly RowDraft[];
  /** Of the appends that say something of keys, by their place among all commands. */
  readonly keys?: ReadonlyMap<number, RequestKeys>;
}

type RequestKeys = Pick<AppendRequest, 'subjects' | 'newKeyGeneration'>;
type OtherCommand = Exclude<WriterCommand, AppendRequest>;

/** Outcomes in the order of their commands. */
export interface OutcomeBatch {
  /** For each part of each append that was written: first version and first position. */
  readonly numbers: Numbers;
  /** Outcomes of another kind, by their place among all. */
  readonly others?: ReadonlyMap<number, OtherOutcome>;
  readonly count: number;
}

type OtherOutcome = Exclude<Outcome, { readonly error: unknown }> | { readonly error: PackedError };

const hashBytes = 32;
const transferBytesMin = 16_384;
const numbersPackedMin = 64;
/** Expected versions that are words, as numbers that no version has. */
const versionWords: readonly ExpectedVersion[] = ['any', 'no-stream', 'stream-exists'];

export function packCommands(commands: readonly WriterCommand[]): CommandBatch {
  const names = new Names();
  const numbers: number[] = [];
  const others: OtherCommand[] = [];
  const rows: RowDraft[] = [];
  const keys = new Map<number, RequestKeys>();
  let bytesLength = 0;
  for (const [index, command] of commands.entries()) {
    if (command.kind === 'append') {
      packAppend(command, names, numbers);
      for (const row of command.rows ?? []) rows.push(row);
      const requestKeys = keysOf(command);
      if (requestKeys !== undefined) keys.set(index, requestKeys);
      bytesLength += packedBytes(command);
    } else {
      numbers.push(0);
      others.push(command);
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
  return {
    names: names.list,
    numbers: packed(numbers),
    bytes,
    ...(others.length > 0 && { others }),
    ...(rows.length > 0 && { rows }),
    ...(keys.size > 0 && { keys }),
  };
}

export function unpackCommands({ names, numbers, bytes, others = [], rows = [], keys }: CommandBatch): WriterCommand[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const commands: WriterCommand[] = [];
  let at = 0;
  let end = 0;
  let otherCount = 0;
  let rowCount = 0;
  const number = () => numbers[at++] as number;
  const name = () => names[number()] as string;
  while (at < numbers.length) {
    const partCount = number();
    if (partCount === 0) {
      commands.push(others[otherCount++] as OtherCommand);
      continue;
    }
    const length = number();
    const keyNumber = number();
    const key = names[Math.abs(keyNumber) - 1];
    const rowsHere = number();
    const records = buffer.subarray(end, end + length);
    end += length;
    const hash = buffer.subarray(end, end + hashBytes);
    const idempotency = key === undefined ? undefined : { key, hash, isFirstWins: keyNumber < 0 };
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
    const request = { kind: 'append', parts, types, records, idempotency, ...keys?.get(commands.length) } as const;
    commands.push(rowsHere === 0 ? request : { ...request, rows: rows.slice(rowCount, rowCount + rowsHere) });
    rowCount += rowsHere;
  }
  return commands;
}

export function packOutcomes(outcomes: readonly Outcome[]): OutcomeBatch {
  const numbers: number[] = [];
  const others = new Map<number, OtherOutcome>();
  for (const [index, outcome] of outcomes.entries()) {
    if ('error' in outcome) others.set(index, { error: packError(outcome.error) });
    else if (outcome.erasure !== undefined || outcome.results[0]?.duplicate === true) others.set(index, outcome);
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

/** What `request` says of keys; `undefined`: nothing. */
function keysOf({ subjects, newKeyGeneration }: AppendRequest): RequestKeys | undefined {
  if (subjects === undefined && newKeyGeneration === undefined) return undefined;
  return { ...(subjects && { subjects }), ...(newKeyGeneration !== undefined && { newKeyGeneration }) };
}

/** What is to be transferred instead of copied. */
export function transferOf({ bytes }: CommandBatch): ArrayBuffer[] {
  return bytes.length < transferBytesMin ? [] : [bytes.buffer];
}

function packed(numbers: number[]): Numbers {
  return numbers.length < numbersPackedMin ? numbers : Float64Array.from(numbers);
}

function packAppend(
  { parts, types, records, idempotency, rows = [] }: AppendRequest,
  names: Names,
  numbers: number[],
): void {
  const keyNumber = idempotency === undefined ? 0 : names.indexOf(idempotency.key) + 1;
  numbers.push(parts.length, records.length, idempotency?.isFirstWins ? -keyNumber : keyNumber, rows.length);
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
