/**
 * The versions of streams that are in the index and were asked for lately: most appends go to streams that had some before.
 */
import { headCacheMax } from '../limits.ts';
import type { Snapshot } from '../storage/engine.ts';
import { readStreamRow } from './deferred-index.ts';
import type { Tail } from './tail.ts';

export class StreamVersions {
  readonly #versions = new Map<string, number>();

  /** The version of `stream`, whose newest event is not in the tail; 0 if there is no such stream. @throws {STORE_CORRUPT} */
  of(snapshot: Snapshot, stream: string): number {
    const known = this.#versions.get(stream);
    if (known !== undefined) return known;
    const version = readStreamRow(snapshot, stream)?.version ?? 0;
    if (version > 0) this.#add(stream, version);
    return version;
  }

  /** Keeps what leaves the tail: it is likely to be asked for again. */
  keep(tail: Tail): void {
    for (const stream of tail.streams.keys()) this.#add(stream, tail.versionOf(stream) as number);
  }

  #add(stream: string, version: number): void {
    if (this.#versions.size >= headCacheMax) this.#versions.clear();
    this.#versions.set(stream, version);
  }
}
