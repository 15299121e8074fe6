/**
 * Whether something is a {@link BusStatus}, as far as those go who show it: whoever may write in a store's directory may have written
 * what is read there.
 */
import type { BusStatus } from './bus-status.ts';

type Facts = Readonly<Record<string, unknown>>;

export function isStatus(value: unknown): value is BusStatus {
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
