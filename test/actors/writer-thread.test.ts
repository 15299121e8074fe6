/** The bus with its writer in a thread of its own, as `openBus` makes it unless told otherwise. */
import { expect, onTestFinished, test } from 'vitest';
import { guardExit, releaseExit } from '#actors/exit-guard';
import { SharedState } from '#actors/shared-state';
import { openBus } from '#store';
import type { LeavingOptions } from '../durability/programs/leaving.ts';
import { Program } from '../kit/crash-process.ts';
import { tempDirectory } from '../kit/temp-store.ts';

const event = { type: 'placed' };

async function openedBus(path = tempDirectory()) {
  const bus = await openBus({ path });
  onTestFinished(() => bus.close());
  return bus;
}

test('an append is readable in the calling thread as soon as it is acknowledged', async () => {
  const bus = await openedBus();

  for (let version = 1; version <= 50; version++) {
    const { lastPosition } = await bus.append('a', event, { expectedVersion: version - 1 });

    expect(bus.head).toBe(lastPosition);
    expect((await bus.event(lastPosition))?.version).toBe(version);
    expect(await bus.stream('a')).toEqual({ version, lastPosition });
  }
});

test('appends of one turn keep their order and their own outcomes, however many batches they make', async () => {
  const bus = await openedBus();

  const outcomes = await Promise.allSettled(
    Array.from({ length: 3000 }, (_, index) =>
      bus.append('a', event, index % 10 === 9 ? { expectedVersion: 'no-stream' } : {}),
    ),
  );

  const positions = outcomes.flatMap((outcome) =>
    outcome.status === 'fulfilled' ? [outcome.value.firstPosition] : [],
  );
  expect(positions).toEqual(Array.from({ length: 2700 }, (_, index) => index + 1));
  const refused = outcomes.filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(300);
});

test('what the writer refuses in its thread has its code, detail and a stack', async () => {
  const path = tempDirectory();
  await openedBus(path);

  await expect(openBus({ path })).rejects.toMatchObject({
    name: 'BusError',
    code: 'STORE_LOCKED',
    detail: { path, holder: expect.stringContaining('this process') },
    stack: expect.stringContaining('writer-lock'),
  });
});

test('the wait for another writer ends with the signal, and with its end', async () => {
  const path = tempDirectory();
  const bus = await openedBus(path);
  const reason = new Error('enough');
  const controller = new AbortController();

  const aborted = openBus({ path, lockWaitMs: 60_000, signal: controller.signal });
  const patient = openBus({ path, lockWaitMs: 60_000 });
  setTimeout(() => controller.abort(reason), 100);

  await expect(aborted).rejects.toMatchObject({ code: 'ABORTED', cause: reason });
  await bus.close();
  const next = await patient;
  expect(next.head).toBe(0);
  await next.close();
});

test('more appends than are ever on their way are all settled', async () => {
  const bus = await openedBus();

  const results = await Promise.all(Array.from({ length: 40_000 }, () => bus.append('a', event)));

  expect(results.at(-1)?.lastVersion).toBe(40_000);
});

test('a wait for another writer that is aborted before it begins ends at once', async () => {
  const path = tempDirectory();
  await openedBus(path);

  const opened = openBus({ path, lockWaitMs: 60_000, signal: AbortSignal.abort('never') });

  await expect(opened).rejects.toMatchObject({ code: 'ABORTED', cause: 'never' });
});

test('a closed bus leaves neither thread nor reader behind: the store opens again and again', async () => {
  const path = tempDirectory();

  for (let round = 1; round <= 8; round++) {
    const bus = await openBus({ path });
    const appended = bus.append('a', event);
    const [result] = await Promise.all([appended, bus.close(), bus.close()]);
    expect(result.lastPosition).toBe(round);
  }
});

test('a bus at rest has no hook on the process, and one that works only that of its exit', async () => {
  const hooks = () => process.eventNames().map((name) => [name, process.listenerCount(name)]);
  const before = hooks();
  const bus = await openedBus();
  expect(hooks()).toEqual(before);
  const exits = process.listenerCount('exit');

  const appended = bus.append('a', event);

  expect(process.listenerCount('exit')).toBe(exits + 1);
  await appended;
  expect(hooks()).toEqual(before);
});

test('an exit waits for the commit that is under way, and is not kept by what does not end', () => {
  const state = new SharedState();
  guardExit(state);
  guardExit(state);
  onTestFinished(() => releaseExit(state));

  const outcome = state.whileCommitting(() => {
    state.halt(20);
    return 'committed';
  });

  expect(outcome).toBe('committed');
  expect(state.whileCommitting(() => 'committed')).toBeUndefined();
});

test.each(['exit', 'throw'] as const)(
  'a process that ends in the middle of commits ends at once, and loses nothing acked (%s)',
  {
    timeout: 120_000,
  },
  async (how) => {
    const path = tempDirectory();
    for (let round = 0; round < 2; round++) {
      const options: LeavingOptions = { path, how, afterMs: 60 + round * 54 };
      const program = Program.start(new URL('../durability/programs/leaving.ts', import.meta.url), options);

      const acked = Number(await program.line());
      const { code, signal } = await program.ended();

      expect({ code, signal }).toEqual({ code: how === 'exit' ? 3 : 1, signal: null });
      const bus = await openBus({ path });
      expect(bus.head).toBeGreaterThanOrEqual(acked);
      expect(await bus.verify()).toMatchObject({ ok: true });
      await bus.close();
    }
  },
);
