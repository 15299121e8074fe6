/**
 * Whether something is a {@link BusStatus} as it stands in a status file, as far as those go who show it: whoever may write in a
 * store's directory may have written what is read there.
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
    isWants(value.wants) &&
    isProcessorStatus(value.status) &&
    isList(value.lanes, isLane) &&
    isMissingOr(value.build, isBuild)
  );
}

function isWants(value: unknown): boolean {
  return (
    isRecord(value) &&
    isMissingOr(value.types, isTexts) &&
    isMissingOr(value.streams, isTexts) &&
    isMissingOr(value.prefix, isText)
  );
}

function isBuild(value: unknown): boolean {
  return (
    isRecord(value) &&
    hasNumbers(value, ['version', 'activePosition']) &&
    isMissingOr(value.activeVersion, isNumber) &&
    typeof value.isBuilding === 'boolean'
  );
}

function isProcessorStatus(value: unknown): boolean {
  if (!isRecord(value) || !hasTexts(value, ['name', 'state']) || !isRecord(value.context)) return false;
  const { context, tags, partitions } = value;
  return (
    hasNumbers(context, ['position', 'cursor', 'head', 'lag', 'attempts', 'handled', 'since']) &&
    isMissingOr(context.nextRetryAt, isNumber) &&
    isMissingOr(context.lastError, isError) &&
    isTexts(tags) &&
    isMissingOr(partitions, (parts) => isList(parts, isProcessorStatus))
  );
}

function isLane(value: unknown): boolean {
  return (
    isRecord(value) &&
    isTexts(value.active) &&
    isTexts(value.can) &&
    isMissingOr(value.transition, isTransition) &&
    isMissingOr(value.failing, isFailing) &&
    isList(value.changes, isChange) &&
    isList(value.failures, isFailure)
  );
}

function isTransition(value: unknown): boolean {
  return (
    isRecord(value) &&
    isTexts(value.from) &&
    isTexts(value.to) &&
    hasTexts(value, ['event']) &&
    hasNumbers(value, ['atMs', 'number'])
  );
}

function isFailing(value: unknown): boolean {
  return isPlace(value) && hasNumbers(value as Facts, ['sinceMs']);
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
    isMissingOr(value.stack, isText) &&
    isMissingOr(value.event, isPlace)
  );
}

function isError(value: unknown): boolean {
  return isRecord(value) && hasTexts(value, ['name', 'message']) && isMissingOr(value.code, isText);
}

function isPlace(value: unknown): boolean {
  return isRecord(value) && hasNumbers(value, ['position']) && hasTexts(value, ['stream', 'type']);
}

function isActor(value: unknown): boolean {
  return (
    isRecord(value) &&
    hasTexts(value, ['id', 'kind', 'name']) &&
    isMissingOr(value.parent, isText) &&
    isMissingOr(value.state, isText) &&
    hasNumbers(value, ['messages'])
  );
}

function hasNumbers(facts: Facts, names: readonly string[]): boolean {
  return names.every((name) => isNumber(facts[name]));
}

function hasTexts(facts: Facts, names: readonly string[]): boolean {
  return names.every((name) => isText(facts[name]));
}

function isMissingOr(value: unknown, isSo: (value: unknown) => boolean): boolean {
  return value === undefined || isSo(value);
}

function isTexts(value: unknown): boolean {
  return isList(value, isText);
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
