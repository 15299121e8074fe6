/** Stores on LMDB for queries, filled without a bus, and pools on them: closed and removed when the test ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ReaderPool, type ReaderPoolOptions } from '#actors/reader-pool';
import { encodeRequest } from '#kernel/log/append-request';
import { LogWriter } from '#kernel/log/log-writer';
import { initialMetaRows } from '#kernel/log/store-meta';
import type { Engine } from '#kernel/storage/engine';
import { openLmdbEngine } from '#kernel/storage/lmdb-engine';

interface FilledStore {
  readonly path: string;
  readonly engine: Engine;
  append(count: number): void;
}

/** Events of this store at `position`. */
export const eventAt = (position: number) => ({
  stream: `${position % 3 === 0 ? 'order' : 'cart'}-${position % 7}`,
  type: ['placed', 'paid', 'sent'][position % 5] ?? 'other',
  data: { amount: position % 100 },
});

/** A store that is open for writing and has events at positions 1 to `count`, as {@link eventAt} gives them. */
export async function filledStore(count: number): Promise<FilledStore> {
  const path = mkdtempSync(join(tmpdir(), 'varvebus-query-'));
  const engine = await openWriting(path);
  onTestFinished(() => {
    engine.close();
    rmSync(path, { recursive: true, force: true });
  });
  const log = new LogWriter(engine, { clock: Date.now, idempotencyTtlMs: 1000 });
  const append = (more: number) => {
    const first = log.head + 1;
    const appends = Array.from({ length: more }, (_, index) => {
      const { stream, type, data } = eventAt(first + index);
      return encodeRequest([{ stream, events: { type, data }, expectedVersion: undefined }], {}, 0);
    });
    for (let from = 0; from < more; from += 5000) {
      for (const outcome of log.commit(appends.slice(from, from + 5000))) if ('error' in outcome) throw outcome.error;
    }
  };
  append(count);
  return { path, engine, append };
}

export function openWriting(path: string): Promise<Engine> {
  return openLmdbEngine({
    directory: path,
    readOnly: false,
    durability: 'os',
    lockWaitMs: 0,
    force: [],
    initialRows: initialMetaRows('os', 0),
  });
}

/** A pool of two threads; `errors` are those it reported. */
export function tempPool(path: string, options: Partial<ReaderPoolOptions> = {}): ReaderPool & { errors: unknown[] } {
  const errors: unknown[] = [];
  const pool = new ReaderPool({ path, threads: 2, onError: (error) => errors.push(error), ...options });
  onTestFinished(() => pool.close());
  return Object.assign(pool, { errors });
}

/** What `promise` is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const settled = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in settled && settled.error instanceof Error) return settled.error;
  throw new TypeError('expected a rejection with an error', { cause: settled });
}
