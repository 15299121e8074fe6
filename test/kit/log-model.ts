/**
 * The log as a plain array: what every answer of a bus is held against.
 *
 * Says in the simplest way what design.md promises, with no index, block or page. Knows nothing of how the log works.
 */
import type {
  AppendResult,
  BusError,
  Direction,
  ErrorCode,
  EventFilter,
  ExpectedVersion,
  NewEvent,
  ReadOptions,
  ReadStreamOptions,
  StoredEvent,
  StreamInfo,
  StreamsOptions,
} from '#store';

/** An event of the model. Ids are given by the test, so that the model knows them. */
export type ModelEvent = StoredEvent;

/** One append call as the model takes it; `expectedVersion` is for each part. */
export interface ModelAppend {
  readonly parts: readonly {
    readonly stream: string;
    readonly events: readonly NewEvent[];
    readonly expectedVersion: ExpectedVersion;
  }[];
  readonly idempotencyKey: string | undefined;
}

/** What a call comes to: its places, or the code and detail of its refusal. */
export type ModelOutcome =
  | { readonly results: AppendResult[] }
  | { readonly code: ErrorCode; readonly detail: BusError['detail'] };

interface ModelKey {
  readonly content: string;
  readonly results: AppendResult[];
  readonly timeMs: number;
}

export class LogModel {
  readonly events: ModelEvent[] = [];
  commitCount = 0;
  #lastTimeMs = 0;
  readonly #keys = new Map<string, ModelKey>();
  readonly #idempotencyTtlMs: number;

  constructor(idempotencyTtlMs: number) {
    this.#idempotencyTtlMs = idempotencyTtlMs;
  }

  get head(): number {
    return this.events.length;
  }

  versionOf(stream: string): number {
    return this.events.filter((event) => event.stream === stream).length;
  }

  /** Time of a commit when the clock shows `clockMs`. */
  commitTime(clockMs: number): number {
    return Math.max(this.#lastTimeMs, clockMs);
  }

  append(call: ModelAppend, timeMs: number): ModelOutcome {
    const known = call.idempotencyKey === undefined ? undefined : this.#keys.get(call.idempotencyKey);
    if (known !== undefined && known.timeMs >= timeMs - this.#idempotencyTtlMs) {
      if (known.content === contentOf(call))
        return { results: known.results.map((result) => ({ ...result, duplicate: true })) };
      const firstPosition = known.results[0]?.firstPosition as number;
      return { code: 'IDEMPOTENCY_KEY_REUSED', detail: { key: call.idempotencyKey as string, firstPosition } };
    }
    for (const { stream, expectedVersion } of call.parts) {
      const actual = this.versionOf(stream);
      if (!isExpected(expectedVersion, actual))
        return {
          code: 'CONCURRENCY_CONFLICT',
          detail: { stream, expected: expectedVersion as Exclude<ExpectedVersion, 'any'>, actual },
        };
    }
    const results = call.parts.map((part) => this.#add(part.stream, part.events, timeMs));
    this.commitCount++;
    this.#lastTimeMs = timeMs;
    if (call.idempotencyKey !== undefined)
      this.#keys.set(call.idempotencyKey, { content: contentOf(call), results, timeMs });
    return { results };
  }

  read(options: ReadOptions): ModelEvent[] {
    const { from = 1, to = Number.POSITIVE_INFINITY, direction, limit } = options;
    const found = this.events.filter(({ position }) => position >= from && position <= to).filter(matching(options));
    return ordered(found, direction, limit);
  }

  readStream(stream: string, options: ReadStreamOptions): ModelEvent[] {
    const { from = 1, to = Number.POSITIVE_INFINITY, direction, limit } = options;
    const found = this.events
      .filter((event) => event.stream === stream)
      .filter(({ version }) => version >= from && version <= to);
    return ordered(found, direction, limit);
  }

  streams(options: StreamsOptions): StreamInfo[] {
    const { prefix = '', after, limit } = options;
    const heads = new Map<string, StreamInfo>();
    for (const { stream, version, position } of this.events)
      heads.set(stream, { stream, version, lastPosition: position });
    const found = [...heads.values()]
      .filter(({ stream }) => stream.startsWith(prefix))
      .filter(({ stream }) => after === undefined || compareBytes(stream, after) > 0)
      .sort((left, right) => compareBytes(left.stream, right.stream));
    return ordered(found, 'forward', limit);
  }

  #add(stream: string, events: readonly NewEvent[], timeMs: number): AppendResult {
    const before = this.versionOf(stream);
    const firstPosition = this.head + 1;
    for (const [index, { id, type, data, metadata }] of events.entries()) {
      const place = { version: before + 1 + index, position: this.head + 1 };
      this.events.push({ id: id as string, stream, ...place, type, data, metadata, timeMs });
    }
    return {
      stream,
      firstVersion: before + 1,
      lastVersion: before + events.length,
      firstPosition,
      lastPosition: this.head,
      duplicate: false,
    };
  }
}

/** True for the events a filter lets through. */
function matching({ types, streams, prefix }: EventFilter): (event: ModelEvent) => boolean {
  return (event) =>
    (types === undefined || types.includes(event.type)) &&
    (streams === undefined || streams.includes(event.stream)) &&
    (prefix === undefined || event.stream.startsWith(prefix));
}

function isExpected(expected: ExpectedVersion, actual: number): boolean {
  if (expected === 'any') return true;
  if (expected === 'stream-exists') return actual > 0;
  return expected === 'no-stream' ? actual === 0 : actual === expected;
}

function ordered<Item>(items: Item[], direction: Direction = 'forward', limit = Number.POSITIVE_INFINITY): Item[] {
  return (direction === 'backward' ? items.reverse() : items).slice(0, limit);
}

function contentOf(call: ModelAppend): string {
  return JSON.stringify(call.parts.map(({ stream, events }) => [stream, events]));
}

function compareBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}
