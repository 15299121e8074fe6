/**
 * The pool under queries that harm their thread. What survives: the process, the store, and every other query.
 */
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runQuery } from '#actors/query';
import type { ReaderPool } from '#actors/reader-pool';
import { BusError } from '#store';
import type { Ending } from './query-modules/ending.ts';
import { failureOf, filledStore, openWriting, tempPool } from './query-modules/filled-store.ts';
import { moduleUrl } from './query-modules/module-url.ts';
import { runProgram } from './query-modules/program.ts';

const endingModule = moduleUrl('ending');
const events = 5000;

/** A query over all events that ends as told at the first one; the others only count. */
function end(pool: ReaderPool, ending: Ending, signal?: AbortSignal): Promise<number> {
  return runQuery<number>(pool, events, endingModule, { args: ending, ...(signal && { signal }) });
}

test.each([
  ['exit', { message: 'worker exited with code: 3' }],
  ['heap', { code: 'ERR_WORKER_OUT_OF_MEMORY' }],
  ['exception', { name: 'RangeError', message: 'in a callback' }],
  ['null', null],
] satisfies [Ending, unknown][])(
  'a query whose thread ends by %s fails, and the pool goes on',
  async (ending, cause) => {
    const store = await filledStore(events);
    const pool = tempPool(store.path, { heapMbMax: 40 });

    const error = await failureOf(end(pool, ending));

    expect(error).toBeInstanceOf(BusError);
    expect(error).toMatchObject({ code: 'QUERY_FAILED', detail: { module: endingModule.href, export: 'query' } });
    if (cause === null) expect(error.cause).toBeNull();
    else expect(error.cause).toMatchObject(cause);
    expect(await end(pool, 'none')).toBe(events);
    expect(pool.errors).toEqual([]);
  },
);

test('queries that wait for the only thread are run when it dies', async () => {
  const store = await filledStore(events);
  const pool = tempPool(store.path, { threads: 1 });

  const outcomes = await Promise.allSettled([
    end(pool, 'exit'),
    end(pool, 'none'),
    end(pool, 'exit'),
    end(pool, 'none'),
  ]);

  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
});

test('queries beside one whose thread dies again and again are not disturbed', { timeout: 60_000 }, async () => {
  const store = await filledStore(events);
  const pool = tempPool(store.path);

  const dying = Array.from({ length: 8 }, () => failureOf(end(pool, 'exit')));
  const counting = await Promise.all(Array.from({ length: 8 }, () => end(pool, 'none')));

  expect(counting).toEqual(Array.from({ length: 8 }, () => events));
  for (const error of await Promise.all(dying)) expect(error).toMatchObject({ code: 'QUERY_FAILED' });
});

test.each(['loop', 'never'] satisfies Ending[])('an aborted query ends, also in an endless %s', async (ending) => {
  const store = await filledStore(events);
  const pool = tempPool(store.path);
  await end(pool, 'none');
  const abort = new AbortController();
  const query = failureOf(end(pool, ending, abort.signal));
  await setTimeout(100);

  abort.abort('enough');
  const error = await query;

  expect(error).toMatchObject({ code: 'ABORTED', detail: { outcome: 'nothing-written' }, cause: 'enough' });
  expect(await end(pool, 'none')).toBe(events);
});

test('an aborted query that waits for a thread leaves the queue', async () => {
  const store = await filledStore(events);
  const pool = tempPool(store.path, { threads: 1 });
  const running = new AbortController();
  const waiting = new AbortController();
  const first = failureOf(end(pool, 'never', running.signal));
  const second = failureOf(end(pool, 'none', waiting.signal));
  const third = end(pool, 'none');

  waiting.abort();

  expect(await second).toMatchObject({ code: 'ABORTED' });
  running.abort();
  expect(await first).toMatchObject({ code: 'ABORTED' });
  expect(await third).toBe(events);
});

test('a query whose signal was aborted before starts nothing', async () => {
  const pool = tempPool('/nowhere');

  const error = await failureOf(end(pool, 'none', AbortSignal.abort('early')));

  expect(error).toMatchObject({ code: 'ABORTED', cause: 'early' });
});

test('when one part of a query fails, the thread of another that would never end is free again', async () => {
  const store = await filledStore(events);
  const pool = tempPool(store.path);

  // Each takes two threads: one for the part that never ends, one that gets to the part that fails.
  for (let round = 0; round < 3; round++) {
    const error = await failureOf(runQuery(pool, events, endingModule, { export: 'loopOrFail' }));

    expect(error).toMatchObject({ code: 'QUERY_FAILED', cause: { message: 'the other part' } });
  }
});

test.each([
  ['late-exception', { name: 'RangeError', message: 'too late' }],
  ['late-rejection', { name: 'RangeError', code: 'LATE' }],
] satisfies [Ending, object][])('a %s that a query left behind is reported', async (ending, reported) => {
  const store = await filledStore(events);
  const pool = tempPool(store.path);

  expect(await end(pool, ending)).toBe(events);

  await expect.poll(() => pool.errors).toEqual([expect.objectContaining(reported)]);
  expect(await end(pool, 'none')).toBe(events);
});

test('threads that can not start fail their queries instead of keeping them waiting', async () => {
  const store = await filledStore(events);
  const pool = tempPool(store.path, { file: moduleUrl('broken') });

  const failures = await Promise.all(Array.from({ length: 4 }, () => failureOf(end(pool, 'none'))));

  for (const error of failures)
    expect(error).toMatchObject({ code: 'QUERY_FAILED', cause: { code: 'TARIFF_MISSING' } });
});

test('after close nothing has the store open: it can be opened for writing again', { timeout: 60_000 }, async () => {
  const store = await filledStore(events);
  const pool = tempPool(store.path);
  const stuck = new AbortController();
  const aborted = failureOf(end(pool, 'loop', stuck.signal));
  await setTimeout(300);
  stuck.abort();
  await aborted;
  await end(pool, 'none');

  await pool.close();
  store.engine.close();

  const again = await openWriting(store.path);
  again.close();
});

test('close waits for a query, with all its tasks, and takes no further one', async () => {
  const store = await filledStore(events);
  const pool = tempPool(store.path);
  const query = end(pool, 'none');

  const closing = pool.close();
  const refused = failureOf(end(pool, 'none'));

  expect(await refused).toMatchObject({ code: 'STORE_CLOSED', detail: { path: store.path } });
  expect(await query).toBe(events);
  await closing;
});

test('close ends a query that does not end, and those that wait', async () => {
  const store = await filledStore(events);
  const pool = tempPool(store.path, { threads: 1, closeMs: 300 });
  const endless = failureOf(end(pool, 'loop'));
  const waiting = failureOf(end(pool, 'none'));
  await setTimeout(200);

  await pool.close();

  expect(await endless).toMatchObject({ code: 'STORE_CLOSED' });
  expect(await waiting).toMatchObject({ code: 'STORE_CLOSED' });
});

test('close twice, and close of a pool that had nothing to do, are fine', async () => {
  const pool = tempPool('/nowhere');

  await Promise.all([pool.close(), pool.close()]);
  await pool[Symbol.asyncDispose]();
});

test('an idle pool does not keep its process alive, a running query does', { timeout: 60_000 }, async () => {
  const store = await filledStore(events);

  const { output, elapsedMs } = await runProgram('counting-program.ts', store.path);

  expect(output).toBe(`${events}\n`);
  expect(elapsedMs).toBeLessThan(20_000);
});
