/**
 * What the process that writes a store tells of itself, read in another one: its `status` file.
 *
 * Whoever may write in the directory may have written that file: what has not the shape of a status is none.
 */
import { StatusFileReader } from '../src/storage/status-file.ts';
import type { Bus } from './bus.ts';
import type { BusStatus } from './bus-status.ts';

export class StatusReader {
  readonly #file: StatusFileReader;
  #text: string | undefined;
  #status: BusStatus | undefined;

  constructor(directory: string) {
    this.#file = new StatusFileReader(directory);
  }

  /**
   * The bus of the process that writes the store, as it was a few tenths of a second ago at most; `undefined` when none does, or
   * it tells nothing that this user can read. The same object as long as nothing has changed. Takes some microseconds; more
   * than ten times a second there is never anything new.
   */
  read(): BusStatus | undefined {
    const text = this.#file.read();
    if (text !== this.#text) {
      this.#text = text;
      this.#status = text === undefined ? undefined : statusIn(text);
    }
    return this.#status;
  }
}

/** For a bus on a store that another process may write; `undefined` for one in memory. */
export function statusFileOf(bus: Bus): StatusReader | undefined {
  return bus.capabilities.processes ? new StatusReader(bus.info().path) : undefined;
}

function statusIn(text: string): BusStatus | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isStatus(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

type Facts = Readonly<Record<string, unknown>>;

function isStatus(value: unknown): value is BusStatus {
  return (
    isRecord(value) &&
    hasNumbers(value, ['atMs', 'pid', 'startedMs', 'head', 'eventsRead']) &&
    hasTexts(value, ['state']) &&
    isRecord(value.commits) &&
    hasNumbers(value.commits, ['count']) &&
    isList(value.commits.byMicros, isNumber) &&
    isList(value.processors, isProcessor) &&
    isList(value.actors, isActor)
  );
}

function isProcessor(value: unknown): boolean {
  return (
    isRecord(value) &&
    hasTexts(value, ['name', 'kind']) &&
    isRecord(value.wants) &&
    isProcessorStatus(value.status) &&
    isList(value.lanes, isLane) &&
    (value.build === undefined || (isRecord(value.build) && hasNumbers(value.build, ['version', 'activePosition'])))
  );
}

function isProcessorStatus(value: unknown): boolean {
  if (!isRecord(value) || !hasTexts(value, ['name', 'state']) || !isRecord(value.context)) return false;
  const { context, tags, partitions } = value;
  return (
    hasNumbers(context, ['position', 'cursor', 'head', 'lag', 'attempts', 'handled', 'since']) &&
    (context.lastError === undefined || isError(context.lastError)) &&
    isList(tags, isText) &&
    (partitions === undefined || isList(partitions, isProcessorStatus))
  );
}

function isLane(value: unknown): boolean {
  return (
    isRecord(value) &&
    isList(value.active, isText) &&
    isList(value.can, isText) &&
    (value.failing === undefined || isPlace(value.failing)) &&
    isList(value.changes, isChange) &&
    isList(value.failures, isFailure)
  );
}

function isChange(value: unknown): boolean {
  return isRecord(value) && hasTexts(value, ['from', 'to']) && hasNumbers(value, ['atMs']);
}

function isFailure(value: unknown): boolean {
  return (
    isRecord(value) &&
    isError(value) &&
    hasTexts(value, ['phase']) &&
    hasNumbers(value, ['atMs', 'attempt']) &&
    (value.event === undefined || isPlace(value.event))
  );
}

function isError(value: unknown): boolean {
  return isRecord(value) && hasTexts(value, ['name', 'message']) && (value.code === undefined || isText(value.code));
}

function isPlace(value: unknown): boolean {
  return isRecord(value) && hasNumbers(value, ['position']) && hasTexts(value, ['stream', 'type']);
}

function isActor(value: unknown): boolean {
  return isRecord(value) && hasTexts(value, ['id', 'kind', 'name']) && hasNumbers(value, ['messages']);
}

function hasNumbers(facts: Facts, names: readonly string[]): boolean {
  return names.every((name) => isNumber(facts[name]));
}

function hasTexts(facts: Facts, names: readonly string[]): boolean {
  return names.every((name) => isText(facts[name]));
}

function isList(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isRecord(value: unknown): value is Facts {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
