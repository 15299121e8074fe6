/**
 * The part of the check that holds `stream_index` against the log: what the log says of each stream, and what its runs say.
 */
import { decodeIndexRun, type IndexEntry, runVersionOf } from '../codec/row.ts';
import type { Snapshot } from '../storage/engine.ts';
import { readMetaNumber } from './store-meta.ts';

/** What the log says of one stream. */
export interface LoggedStream {
  version: number;
  /** The part that the index tables have to know, and a running mix of where its events are. */
  indexedVersion: number;
  indexedLastPosition: number;
  mix: number;
  hasRow: boolean;
  /** Where its row says that its newest run begins; `undefined` when the row is of later than the start. */
  runVersion: number | undefined;
}

/** Compares the runs of `stream_index`, which come stream by stream, with what the log said. */
export class RunChecker {
  readonly #streams: ReadonlyMap<string, LoggedStream>;
  readonly #indexedPosition: number;
  readonly #problem: (table: 'streams' | 'stream_index', message: string) => void;
  /** What the runs of each stream came to, and where the newest of them begins. */
  readonly #found = new Map<string, { version: number; mix: number; runVersion: number }>();

  constructor(
    streams: ReadonlyMap<string, LoggedStream>,
    indexedPosition: number,
    problem: (table: 'streams' | 'stream_index', message: string) => void,
  ) {
    this.#streams = streams;
    this.#indexedPosition = indexedPosition;
    this.#problem = problem;
  }

  check(key: Uint8Array, row: Uint8Array, snapshot: Snapshot): void {
    const name = Buffer.from(key.subarray(0, Math.max(0, key.length - 9))).toString();
    const found = this.#found.get(name) ?? { version: 0, mix: 0, runVersion: 0 };
    this.#found.set(name, found);
    const run = decodeIndexRun(key, row);
    const last = run.at(-1);
    if (last === undefined || last.position > readMetaNumber(snapshot, 'indexedPosition')) {
      this.#problem('stream_index', `a run of ${JSON.stringify(name)} is empty or goes on behind what is indexed`);
    }
    // What was written since the start of the check is left out.
    const entries = run.filter((entry) => entry.position <= this.#indexedPosition);
    if (entries.length === 0) return;
    found.runVersion = runVersionOf(key);
    if (found.runVersion !== found.version + 1) {
      const message = `${JSON.stringify(name)} has a run at version ${found.runVersion} instead of ${found.version + 1}`;
      this.#problem('stream_index', message);
    }
    for (const entry of entries) found.mix = mixed(found.mix, entry);
    found.version += entries.length;
  }

  finish(hasHole: boolean): void {
    if (hasHole) return;
    for (const [name, { indexedVersion, mix, runVersion }] of this.#streams) {
      const found = this.#found.get(name) ?? { version: 0, mix: 0, runVersion: 0 };
      if (found.version !== indexedVersion || found.mix !== mix) {
        this.#problem('stream_index', `the runs of ${JSON.stringify(name)} do not lead to its events in the log`);
      } else if (runVersion !== undefined && runVersion !== found.runVersion) {
        const message = `the row of ${JSON.stringify(name)} says that its newest run is at version ${runVersion}`;
        this.#problem('streams', `${message}, but it is at ${found.runVersion}`);
      }
    }
    for (const [name, { version }] of this.#found) {
      if (version > 0 && !this.#streams.has(name))
        this.#problem('stream_index', `${JSON.stringify(name)} has runs but no events`);
    }
  }
}

/** A running number of positions and blocks, equal for equal sequences. FNV-1a over both, 32 bits. */
export function mixed(mix: number, { position, block }: IndexEntry): number {
  let next = mix;
  for (const part of [position % 0x1_0000_0000, Math.floor(position / 0x1_0000_0000), position - block]) {
    next = Math.imul(next ^ part, 0x0100_0193) >>> 0;
  }
  return next;
}
