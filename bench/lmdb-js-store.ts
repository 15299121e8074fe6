/**
 * The peer: an event store written by hand on lmdb-js, one row per event and one index row per event.
 *
 * As a competent Node developer would: safe options, one synchronous transaction per commit, heads in memory, the values left
 * to lmdb's default encoding. No checksums, no idempotency, no fencing of other writers.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { type ReadSum, type ScanRequest, type Store, scanStepEvents } from './store.ts';
import type { Order, OrderEvent, Single } from './workload.ts';

/** With `sharesStructures` lmdb keeps the names of the properties once per table instead of once per value. */
export async function openLmdbJsStore(directory: string, sharesStructures: boolean): Promise<Store> {
  return new LmdbJsStore(directory, sharesStructures);
}

interface Row {
  readonly id: string;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly data: Order;
  readonly timeMs: number;
}

class LmdbJsStore implements Store {
  readonly #root: RootDatabase;
  /** Position to event. */
  readonly #events: Database<Row, number>;
  /** Stream and version to position. */
  readonly #index: Database<number, [string, number]>;
  /** Versions of the streams appended to so far. */
  readonly #versions = new Map<string, number>();
  #head: number;

  constructor(directory: string, sharesStructures: boolean) {
    // The same map, page size and durability as varvebus.
    this.#root = open({
      path: join(directory, 'events.mdb'),
      overlappingSync: false,
      mapSize: 256 * 2 ** 30,
      pageSize: 4096,
    });
    this.#events = this.#root.openDB({
      name: 'events',
      ...(sharesStructures ? { sharedStructuresKey: Symbol.for('structures') } : {}),
    });
    this.#index = this.#root.openDB({ name: 'index' });
    this.#head = first(this.#events.getKeys({ reverse: true, limit: 1 })) ?? 0;
  }

  async append(stream: string, events: readonly OrderEvent[]): Promise<void> {
    this.#commit(() => {
      for (const event of events) this.#put(stream, event);
    });
  }

  async appendSingles(singles: readonly Single[]): Promise<void> {
    this.#commit(() => {
      for (const { stream, event } of singles) this.#put(stream, event);
    });
  }

  async scan({ touchesData, type, isDone }: ScanRequest): Promise<ReadSum> {
    const sum: ReadSum = { events: 0, checksum: 0 };
    let stepsLeft = scanStepEvents;
    for (const { value: row } of this.#events.getRange()) {
      if (type === undefined || row.type === type) {
        sum.events++;
        sum.checksum += touchesData ? row.data.totalCents : row.version;
      }
      if (--stepsLeft > 0) continue;
      if (isDone()) break;
      stepsLeft = scanStepEvents;
    }
    return sum;
  }

  async readNewest(stream: string, count: number): Promise<ReadSum> {
    const sum: ReadSum = { events: 0, checksum: 0 };
    for (const { value: position } of this.#index.getRange({ ...newestFirst(stream), limit: count })) {
      sum.checksum += this.#events.get(position)?.data.totalCents ?? Number.NaN;
      sum.events++;
    }
    return sum;
  }

  async readAt(positions: readonly number[]): Promise<ReadSum> {
    const sum: ReadSum = { events: 0, checksum: 0 };
    for (const position of positions) {
      sum.checksum += this.#events.get(position)?.data.totalCents ?? Number.NaN;
      sum.events++;
    }
    return sum;
  }

  head(): number {
    return this.#head;
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  #commit(put: () => void): void {
    this.#root.transactionSync(put);
  }

  #put(stream: string, { type, data }: OrderEvent): void {
    const version = this.#version(stream) + 1;
    const position = this.#head + 1;
    const row = { id: randomUUID(), stream, version, type, data, timeMs: Date.now() };
    written(this.#events.put(position, row, append));
    written(this.#index.put([stream, version], position));
    this.#versions.set(stream, version);
    this.#head = position;
  }

  #version(stream: string): number {
    return this.#versions.get(stream) ?? first(this.#index.getKeys({ ...newestFirst(stream), limit: 1 }))?.[1] ?? 0;
  }
}

const append = { append: true } as unknown as number;

/** Inside `transactionSync`, lmdb tells of a refused put only by its result. */
function written(outcome: unknown): void {
  if ((outcome as { readonly result?: boolean }).result === false) throw new Error('lmdb refused a put');
}

function newestFirst(stream: string): { start: [string, number]; end: [string, number]; reverse: true } {
  return { start: [stream, Number.MAX_SAFE_INTEGER], end: [stream, 0], reverse: true };
}

function first<Item>(items: Iterable<Item>): Item | undefined {
  for (const item of items) return item;
  return undefined;
}
