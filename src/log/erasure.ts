/**
 * Erasures, as the log knows them: the fact that is appended to `$bus`, how it is found again, and what it has made unreadable.
 *
 * A fact names keys, and a stream, but never a subject: that would be what is to be forgotten. Its tag is how an erasure of the
 * same name is known again.
 */
import { setImmediate } from 'node:timers/promises';
import { Block } from '../codec/block.ts';
import { encodePayload } from '../codec/payload.ts';
import { draftBytes, writeDraft } from '../codec/record.ts';
import type { Erasable } from '../crypto/key-owner.ts';
import type { ErasedKeys } from '../crypto/key-ports.ts';
import { pageBlocksMax } from '../limits.ts';
import type { Engine } from '../storage/engine.ts';
import type { AppendRequest } from './append-request.ts';
import type { LogReader } from './log-reader.ts';
import { throwIfAborted } from './pages.ts';

/** The stream of what the bus tells of itself. Never sealed. */
const busStream = '$bus';
/** Type of the facts of erasures. */
const erasedType = '$erased';

/** Asks the writer to destroy all keys of `what`. */
export interface EraseCommand {
  readonly kind: 'erase';
  readonly what: Erasable;
}

/** Data of a fact. */
export interface ErasureFact {
  readonly kind: 'stream' | 'subject';
  /** Hexadecimal; the same for every erasure of the same name. */
  readonly tag: string;
  /** Ids of the keys that are gone. */
  readonly keys: readonly number[];
  /** Where it is one, and its name is known. */
  readonly stream?: string;
}

/** What the writer has done. */
export interface WrittenErasure {
  readonly tag: string;
  readonly ids: readonly number[];
  readonly timeMs: number;
  /** Of the fact. `undefined`: there is none in this commit, because everything of that name was erased before, or it was a build's key. */
  readonly position: number | undefined;
}

/** The append of a fact. */
export function factRequest(erased: ErasedKeys, stream: string | undefined): AppendRequest {
  const { kind, tag, ids, timeMs } = erased;
  const fact = { kind, tag, keys: ids, ...(stream !== undefined && { stream }) };
  const draft = { id: timeMs, data: encodePayload(fact, 0, 'data'), metadata: encodePayload(undefined, 0, 'metadata') };
  const records = Buffer.allocUnsafe(draftBytes(draft));
  writeDraft(records, 0, draft);
  return {
    kind: 'append',
    parts: [{ stream: busStream, expectedVersion: 'any', eventCount: 1 }],
    types: [erasedType],
    records,
    idempotency: undefined,
  };
}

/** The newest erasure with this tag, if the log tells of one. */
export function findErasure(reader: LogReader, tag: string): WrittenErasure | undefined {
  let high = reader.streamHead(busStream)?.version ?? 0;
  while (high > 0) {
    const page = reader.stream(busStream, 1, high, 'backward', Number.POSITIVE_INFINITY);
    for (const { type, data, timeMs, position } of page) {
      const fact = data as ErasureFact;
      if (type === erasedType && fact.tag === tag) return { tag, ids: fact.keys, timeMs, position };
    }
    high = (page.at(-1)?.version ?? 1) - 1;
  }
  return undefined;
}

/** An erasure that the log tells of. */
export interface ToldErasure {
  readonly position: number;
  /** Of the keys that are gone. */
  readonly ids: readonly number[];
  readonly stream: string | undefined;
}

/** The erasures whose facts are at the positions from `since` to `until`, the last first. @throws {STORE_CORRUPT} {STORE_CLOSED} */
export function erasuresBetween(reader: LogReader, since: number, until: number): ToldErasure[] {
  const told: ToldErasure[] = [];
  let high = reader.streamHead(busStream)?.version ?? 0;
  while (high > 0) {
    const page = reader.stream(busStream, 1, high, 'backward', Number.POSITIVE_INFINITY);
    for (const { type, data, position } of page) {
      if (position < since) return told;
      const { keys, stream } = data as ErasureFact;
      if (type === erasedType && position <= until) told.push({ position, ids: keys, stream });
    }
    high = (page.at(-1)?.version ?? 1) - 1;
  }
  return told;
}

/** What an erasure has, and has not, made unreadable. */
export interface ErasedCount {
  /** Events that were sealed with one of the keys. */
  readonly events: number;
  /** Of the first of them. */
  readonly firstPosition: number | undefined;
  /** Events of the stream that were stored plain: they stay readable. */
  readonly plainEvents: number;
}

/**
 * Looks at the headers of the log up to its head, page by page, once for all of them: a count for each, in their order.
 * @throws {STORE_CORRUPT} {STORE_CLOSED} {ABORTED}
 */
export async function countErased(
  engine: Pick<Engine, 'read'>,
  erasures: readonly Pick<ToldErasure, 'ids' | 'stream'>[],
  signal?: AbortSignal,
): Promise<ErasedCount[]> {
  const tallies = erasures.map(() => ({ events: 0, plainEvents: 0, firstPosition: undefined as number | undefined }));
  const tallyByKey = new Map(erasures.flatMap(({ ids }, index) => ids.map((id) => [id, tallies[index]] as const)));
  const talliesByStream = new Map<string, (typeof tallies)[number][]>();
  for (const [index, { stream }] of erasures.entries()) {
    if (stream === undefined) continue;
    talliesByStream.set(stream, [...(talliesByStream.get(stream) ?? []), tallies[index] as (typeof tallies)[number]]);
  }
  const count = (block: Block) => {
    for (let ordinal = 0; ordinal < block.eventCount; ordinal++) {
      const at = block.recordAt(ordinal);
      const keyId = block.keyIdAt(at);
      if (keyId === 0) {
        if (talliesByStream.size === 0) continue;
        for (const tally of talliesByStream.get(block.streamName(block.streamIndexAt(at))) ?? []) tally.plainEvents++;
        continue;
      }
      const tally = tallyByKey.get(keyId);
      if (tally === undefined) continue;
      tally.events++;
      tally.firstPosition ??= block.positionOf(ordinal);
    }
  };
  for (let next: number | undefined = 1; next !== undefined; await setImmediate()) {
    throwIfAborted(signal);
    const from: number = next;
    next = undefined;
    let blocks = 0;
    engine.read((snapshot) =>
      snapshot.walkForward(from, (position, bytes) => {
        if (blocks++ === pageBlocksMax) {
          next = position;
          return false;
        }
        count(new Block(bytes, position, 'whole'));
        return true;
      }),
    );
  }
  return tallies;
}
