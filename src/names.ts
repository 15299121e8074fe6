/**
 * What may be a name: streams, types, ids, subjects, consumers, idempotency keys and keys of timers. Names are compared by their UTF-8 bytes.
 */
import { inspect } from 'node:util';
import { BusError } from './errors.ts';
import { idBytesMax, idempotencyKeyBytesMax, nameBytesMax, subjectBytesMax, timerKeyBytesMax } from './limits.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are refused
const controlCharacters = /[\u0000-\u001f\u007f-\u009f]/;

/** Where `publish` appends unless told otherwise: one stream, so that what is published has one order. */
export const messagesStream = 'messages';

/** @throws {STREAM_NAME_INVALID} unless `stream` is 1 to 512 bytes of well-formed text without control characters, not starting with `$`. */
export function checkStreamName(stream: unknown): asserts stream is string {
  const problem = nameProblem(stream) ?? (reserved(stream as string) ? 'starts with $, which is reserved' : undefined);
  if (problem === undefined) return;
  const detail = { stream: typeof stream === 'string' ? stream : inspect(stream) };
  throw new BusError('STREAM_NAME_INVALID', `the stream name ${shown(stream)} ${problem}`, detail);
}

/** @throws {EVENT_INVALID} for the same reasons; `index` is the event's place in the call. */
export function checkTypeName(type: unknown, index: number): asserts type is string {
  const problem = nameProblem(type) ?? (reserved(type as string) ? 'starts with $, which is reserved' : undefined);
  if (problem !== undefined) refuseEvent(index, 'type', `the event type ${shown(type)} ${problem}`);
}

/** @throws {EVENT_INVALID} unless `id` is 1 to 256 bytes of well-formed text without control characters. */
export function checkId(id: unknown, index: number): asserts id is string {
  const problem = textProblem(id, idBytesMax);
  if (problem !== undefined) refuseEvent(index, 'id', `the event id ${shown(id)} ${problem}`);
}

/** @throws {EVENT_INVALID} unless `subject` is 1 to 512 bytes of well-formed text without control characters. The text is not told: it names a person. */
export function checkSubject(subject: unknown, index: number): asserts subject is string {
  const problem = textProblem(subject, subjectBytesMax);
  if (problem !== undefined) refuseEvent(index, 'subject', `the subject of event ${index} ${problem}`);
}

/** @throws {TypeError} as {@link checkSubject}. */
export function checkErasedSubject(subject: unknown): asserts subject is string {
  const problem = textProblem(subject, subjectBytesMax);
  if (problem !== undefined) throw new TypeError(`the subject to erase ${problem}`);
}

/** @throws {TypeError} unless `name` could be the name of a stream. */
export function checkConsumerName(name: unknown): asserts name is string {
  const problem = nameProblem(name) ?? (reserved(name as string) ? 'starts with $, which is reserved' : undefined);
  if (problem !== undefined) throw new TypeError(`the name ${shown(name)} of a processor ${problem}`);
}

/** @throws {TypeError} unless `name` could be the name of a stream. */
export function checkAggregateName(name: unknown): asserts name is string {
  const problem = nameProblem(name) ?? (reserved(name as string) ? 'starts with $, which is reserved' : undefined);
  if (problem !== undefined) throw new TypeError(`the name ${shown(name)} of an aggregate ${problem}`);
}

/** @throws {TypeError} unless `key` is 1 to 512 bytes of well-formed text. */
export function checkIdempotencyKey(key: unknown): asserts key is string {
  if (typeof key === 'string' && key.length > 0 && key.isWellFormed() && fits(key, idempotencyKeyBytesMax)) return;
  throw new TypeError(`idempotencyKey must be 1 to ${idempotencyKeyBytesMax} bytes of well-formed text`);
}

/** @throws {TypeError} unless `key` is 1 to 512 bytes of well-formed text. */
export function checkTimerKey(key: unknown): asserts key is string {
  if (typeof key === 'string' && key.length > 0 && key.isWellFormed() && fits(key, timerKeyBytesMax)) return;
  throw new TypeError(
    `the key of a timer must be 1 to ${timerKeyBytesMax} bytes of well-formed text, got ${shown(key)}`,
  );
}

function nameProblem(name: unknown): string | undefined {
  return textProblem(name, nameBytesMax);
}

function textProblem(text: unknown, bytesMax: number): string | undefined {
  if (typeof text !== 'string') return 'is not a string';
  if (text.length === 0) return 'is empty';
  if (!fits(text, bytesMax)) return `is longer than ${bytesMax} bytes`;
  if (!text.isWellFormed()) return 'is not well-formed text (a lone surrogate)';
  if (controlCharacters.test(text)) return 'has a control character';
  return undefined;
}

function reserved(name: string): boolean {
  return name.charCodeAt(0) === 0x24;
}

function fits(text: string, bytesMax: number): boolean {
  return text.length * 3 <= bytesMax || (text.length <= bytesMax && Buffer.byteLength(text) <= bytesMax);
}

/** Anything at all, for a message. */
function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : inspect(value);
}

function refuseEvent(index: number, path: string, message: string): never {
  throw new BusError('EVENT_INVALID', message, { index, path });
}
