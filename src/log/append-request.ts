/**
 * From what a caller gives to `append` to what the writer takes: checked, encoded, and independent of the caller's objects.
 *
 * Everything that can be wrong with a call, apart from the state of the store, is refused here, before anything is written.
 */
import { contentHash } from '../codec/canonical.ts';
import { encodePayload } from '../codec/payload.ts';
import { draftBytes, encodeId, type RecordDraft, writeDraft } from '../codec/record.ts';
import { BusError } from '../errors.ts';
import { callBytesMax, callEventsMax, eventBytesMax } from '../limits.ts';
import { checkId, checkIdempotencyKey, checkStreamName, checkSubject, checkTypeName } from '../names.ts';
import type { ExpectedVersion, Metadata } from '../types.ts';
import type { RowDraft } from './row-draft.ts';

/** The events of one stream in a request; their records and types follow each other in the request. */
export interface RequestPart {
  readonly stream: string;
  readonly expectedVersion: ExpectedVersion;
  readonly eventCount: number;
}

/** One append call, ready for the writer. */
export interface AppendRequest {
  readonly kind: 'append';
  readonly parts: readonly RequestPart[];
  readonly types: readonly string[];
  /** Draft records, back to back. */
  readonly records: Buffer;
  readonly idempotency: RequestKey | undefined;
  /** Written in the same transaction, unless the request is a duplicate. */
  readonly rows?: readonly RowDraft[];
  /** Whom each event is about; not there where no event names one. */
  readonly subjects?: readonly (string | undefined)[];
  /** A stream, or subject, that was erased gets a new key. @default false */
  readonly newKeyGeneration?: boolean;
}

/** What makes a repeated request known again. */
export interface RequestKey {
  readonly key: string;
  readonly hash: Uint8Array;
  /** The first request with this key counts, whatever a later one holds; otherwise other content is refused. */
  readonly isFirstWins: boolean;
}

/** The part of a call that goes to one stream, as it was given. */
export interface GivenAppend {
  readonly stream: string;
  readonly events: unknown;
  readonly expectedVersion?: ExpectedVersion | undefined;
}

export interface RequestOptions {
  readonly idempotencyKey?: string;
  /** See {@link RequestKey}. @default false */
  readonly isFirstWins?: boolean;
  readonly metadata?: Metadata;
  /** Of the call's surroundings: goes under all other metadata, and is not content: a retry may have another. */
  readonly ambient?: Metadata | undefined;
  /** See {@link AppendRequest}. */
  readonly newKeyGeneration?: boolean;
}

/** A call that was read: each property of the caller's objects once. What `data` and `metadata` hold is not checked yet. */
export interface GivenCall {
  readonly parts: readonly RequestPart[];
  readonly events: readonly GivenEvent[];
}

/**
 * Encodes a call. `timeMs` is the caller's clock and only goes into the ids.
 * @throws as {@link readCall} and {@link encodeCall}.
 */
export function encodeRequest(appends: readonly GivenAppend[], options: RequestOptions, timeMs: number): AppendRequest {
  return encodeCall(readCall(appends, options), options, timeMs);
}

/**
 * @throws {APPEND_EMPTY} {STREAM_NAME_INVALID} {EVENT_INVALID} {EVENT_TOO_LARGE}
 * @throws {TypeError} for an `expectedVersion`, `idempotencyKey` or `newKeyGeneration` out of range, or a stream that is named twice.
 */
export function readCall(appends: readonly GivenAppend[], options: RequestOptions): GivenCall {
  if (!Array.isArray(appends) || appends.length === 0) throw emptyAppend(undefined);
  if (options.idempotencyKey !== undefined) checkIdempotencyKey(options.idempotencyKey);
  checkNewKeyGeneration(options.newKeyGeneration);
  const lists = appends.map(({ stream, events }) => checkedEvents(stream, events));
  refuseRepeatedStreams(appends);
  requireAtMost('callEventsMax', totalLength(lists), callEventsMax);
  const parts: RequestPart[] = [];
  const events: GivenEvent[] = [];
  for (const [part, list] of lists.entries()) {
    const { stream, expectedVersion } = appends[part] as GivenAppend;
    parts.push({ stream, expectedVersion: checkedVersion(expectedVersion), eventCount: list.length });
    for (const given of list) events.push(readEvent(given, options.metadata, events.length));
  }
  return { parts, events };
}

/** `timeMs` as in {@link encodeRequest}. @throws {EVENT_INVALID} {EVENT_TOO_LARGE} */
export function encodeCall({ parts, events }: GivenCall, options: RequestOptions, timeMs: number): AppendRequest {
  const { idempotencyKey: key, isFirstWins = false, ambient, newKeyGeneration } = options;
  const drafts = events.map((event, index) => encodeDraft(event, ambient, index, timeMs));
  const request: AppendRequest = {
    kind: 'append',
    parts,
    types: events.map((event) => event.type),
    records: layOut(drafts),
    idempotency: key === undefined ? undefined : { key, hash: hashOf(parts, events), isFirstWins },
  };
  const hasSubjects = namesSubject(events);
  if (!hasSubjects && newKeyGeneration !== true) return request;
  return {
    ...request,
    ...(hasSubjects && { subjects: events.map(({ subject }) => subject) }),
    ...(newKeyGeneration === true && { newKeyGeneration }),
  };
}

function namesSubject(events: readonly GivenEvent[]): boolean {
  for (const { subject } of events) if (subject !== undefined) return true;
  return false;
}

function totalLength(lists: readonly (readonly unknown[])[]): number {
  let total = 0;
  for (const list of lists) total += list.length;
  return total;
}

/** What a caller gave as an event, with the metadata of its call. */
export interface GivenEvent {
  readonly type: string;
  readonly id: string | undefined;
  readonly data: unknown;
  readonly metadata: unknown;
  readonly subject: string | undefined;
}

function checkedEvents(stream: unknown, events: unknown): readonly unknown[] {
  checkStreamName(stream);
  const list = Array.isArray(events) ? (events as readonly unknown[]) : [events];
  if (list.length === 0) throw emptyAppend(stream);
  return list;
}

function readEvent(given: unknown, common: unknown, index: number): GivenEvent {
  if (typeof given !== 'object' || given === null) {
    throw new BusError('EVENT_INVALID', `event ${index} is not an object`, { index, path: '' });
  }
  const { type, id, data, metadata, subject } = readProperties(given as Partial<GivenEvent>, index);
  checkTypeName(type, index);
  if (id !== undefined) checkId(id, index);
  if (subject !== undefined) checkSubject(subject, index);
  return { type, id, data, metadata: mergedMetadata(common, metadata, index), subject };
}

function readProperties(given: Partial<GivenEvent>, index: number): Partial<GivenEvent> {
  try {
    const { type, id, data, metadata, subject } = given;
    return { type, id, data, metadata, subject } as Partial<GivenEvent>;
  } catch (cause) {
    throw new BusError('EVENT_INVALID', `event ${index} can't be read`, { index, path: '' }, { cause });
  }
}

function checkedVersion(expected: ExpectedVersion = 'any'): ExpectedVersion {
  if (expected === 'any' || expected === 'no-stream' || expected === 'stream-exists') return expected;
  if (Number.isSafeInteger(expected) && expected >= 0) return expected;
  throw new TypeError(
    `expectedVersion must be a version (0, 1, 2 …), 'any', 'no-stream' or 'stream-exists', got ${String(expected)}`,
  );
}

function checkNewKeyGeneration(option: unknown): void {
  if (option === undefined || typeof option === 'boolean') return;
  throw new TypeError(`newKeyGeneration must be true or false, got ${String(option)}`);
}

function refuseRepeatedStreams(appends: readonly GivenAppend[]): void {
  if (appends.length === 1) return;
  const names = new Set<string>();
  for (const { stream } of appends) {
    if (names.has(stream)) throw new TypeError(`appendMany names the stream ${JSON.stringify(stream)} twice`);
    names.add(stream);
  }
}

/** Metadata of the call, with the event's own over it. What is not a plain object is left for the payload check to refuse. */
function mergedMetadata(common: unknown, own: unknown, index: number): unknown {
  if (common === undefined || (own !== undefined && !isPlainObject(own))) return own;
  if (!isPlainObject(common)) throw new TypeError('the option metadata must be a plain object');
  if (own === undefined) return common;
  try {
    return { ...common, ...own };
  } catch (cause) {
    throw new BusError(
      'EVENT_INVALID',
      `metadata of event ${index} can't be read`,
      { index, path: 'metadata' },
      { cause },
    );
  }
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function encodeDraft(event: GivenEvent, ambient: unknown, index: number, timeMs: number): RecordDraft {
  const { id, data } = event;
  const metadata = mergedMetadata(ambient, event.metadata, index);
  const draft = {
    id: id === undefined ? timeMs : encodeId(id),
    data: encodePayload(data, index, 'data'),
    metadata: encodePayload(metadata, index, 'metadata'),
  };
  requireAtMost('eventBytesMax', draftBytes(draft), eventBytesMax);
  return draft;
}

function layOut(drafts: readonly RecordDraft[]): Buffer {
  let bytes = 0;
  for (const draft of drafts) bytes += draftBytes(draft);
  requireAtMost('callBytesMax', bytes, callBytesMax);
  const records = Buffer.allocUnsafe(bytes);
  let end = 0;
  for (const draft of drafts) end = writeDraft(records, end, draft);
  return records;
}

function hashOf(parts: readonly RequestPart[], events: readonly GivenEvent[]): Uint8Array {
  let end = 0;
  return contentHash(
    parts.map(({ stream, eventCount }) => {
      end += eventCount;
      return { stream, events: events.slice(end - eventCount, end) };
    }),
  );
}

function requireAtMost(limit: 'eventBytesMax' | 'callEventsMax' | 'callBytesMax', actual: number, max: number): void {
  if (actual <= max) return;
  const what = { eventBytesMax: 'an event', callEventsMax: 'the events of a call', callBytesMax: 'a call' }[limit];
  const unit = limit === 'callEventsMax' ? '' : ' bytes encoded';
  throw new BusError('EVENT_TOO_LARGE', `${what}: ${actual}${unit}, at most ${max} allowed`, { limit, max, actual });
}

function emptyAppend(stream: string | undefined): BusError<'APPEND_EMPTY'> {
  const where = stream === undefined ? '' : ` to ${JSON.stringify(stream)}`;
  return new BusError('APPEND_EMPTY', `an append${where} without events`, { stream });
}
