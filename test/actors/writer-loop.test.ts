/** The writer's turns between its callers, with groups of at most 4 events. */
import { expect, test, vi } from 'vitest';
import type { CommandSource } from '#actors/command-source';
import { SharedState } from '#actors/shared-state';
import { WriterLoop } from '#actors/writer-loop';
import { encodeRequest } from '#kernel/log/append-request';
import { LogWriter, type Outcome, type WriterCommand } from '#kernel/log/log-writer';
import { tempStore } from '../kit/temp-store.ts';

vi.mock('#kernel/limits', async (importOriginal) => ({
  ...(await importOriginal<typeof import('#kernel/limits')>()),
  groupEventsMax: 4,
}));

/** A caller with a queue of commands, and the positions it was told, in the order of the commits. */
function caller(stream: string, commandCount: number, eventsEach = 1) {
  const events = Array.from({ length: eventsEach }, () => ({ type: 'x' }));
  const queue: WriterCommand[] = Array.from({ length: commandCount }, () => encodeRequest([{ stream, events }], {}, 0));
  const told: number[][] = [];
  const failures: unknown[] = [];
  const source: CommandSource = {
    next: (room) => (queue[0] !== undefined && room.fits(queue[0]) ? queue.shift() : undefined),
    tell: (outcomes: readonly Outcome[]) => {
      told.push(outcomes.flatMap((outcome) => ('error' in outcome ? [] : (outcome.results[0]?.firstPosition ?? []))));
    },
    fail: (error) => failures.push(error),
  };
  return { source, told, failures };
}

async function loopOn() {
  const store = tempStore();
  const state = new SharedState();
  const loop = new WriterLoop(
    new LogWriter(await store.openEngine(), { clock: Date.now, idempotencyTtlMs: 1000 }),
    state,
  );
  return { loop, state, store };
}

test('a caller with a long queue does not keep others waiting', async () => {
  const { loop } = await loopOn();
  const [greedy, modest] = [caller('greedy', 20), caller('modest', 2)];
  loop.add(greedy.source);
  loop.add(modest.source);

  loop.wake();
  await loop.drained();

  // Command by command: of the first group of four, two are the modest caller's.
  expect(modest.told).toEqual([[2, 4]]);
  expect(greedy.told.flat()).toHaveLength(20);
});

test('callers take turns in going first, so that none is left over when groups are small', async () => {
  const { loop } = await loopOn();
  const callers = Array.from({ length: 8 }, (_, index) => caller(`s-${index}`, 4));
  for (const { source } of callers) loop.add(source);

  loop.wake();
  await loop.drained();

  const last = callers.map(({ told }) => Math.max(...told.flat()));
  expect(Math.max(...last) - Math.min(...last)).toBeLessThan(16);
});

test('a call that needs a whole group has its turn among small ones that never end', async () => {
  const { loop } = await loopOn();
  const [one, large, other] = [caller('one', 200), caller('large', 1, 4), caller('other', 200)];
  for (const { source } of [one, large, other]) loop.add(source);

  loop.wake();
  await loop.drained();

  // In the second group: in the first it did not fit behind the others.
  expect(large.told).toEqual([[5]]);
});

test('a writer that fails tells all callers once, and those that come later', async () => {
  const { loop, store } = await loopOn();
  const [busy, idle, late] = [caller('busy', 9), caller('idle', 0), caller('late', 0)];
  loop.add(busy.source);
  loop.add(idle.source);
  store.storage.beforeNextCommit = () => {
    throw new Error('the disk is gone');
  };

  loop.wake();
  await loop.drained();
  loop.add(late.source);

  for (const { failures } of [busy, idle, late]) expect(failures).toMatchObject([{ code: 'STORE_FAILED' }]);
});

test('a writer that was given up commits nothing more', async () => {
  const { loop, state, store } = await loopOn();
  const one = caller('a', 3);
  loop.add(one.source);
  state.giveUp();

  loop.wake();
  await loop.drained();

  expect(one.told.flat()).toEqual([]);
  expect(one.failures).toMatchObject([{ code: 'STORE_FAILED' }]);
  expect(store.storage.blocks).toHaveLength(0);
});

test('the head is published before anybody is told', async () => {
  const { loop, state } = await loopOn();
  const heads: number[] = [];
  const one = caller('a', 1);
  loop.add({ ...one.source, tell: () => heads.push(state.head) });

  loop.wake();
  await loop.drained();

  expect(heads).toEqual([1]);
});

test('a writer that is halted begins no commit', async () => {
  const { loop, state, store } = await loopOn();
  const one = caller('a', 1);
  loop.add(one.source);
  state.halt(0);

  loop.wake();
  await new Promise(setImmediate);

  expect(one.told).toEqual([]);
  expect(store.storage.blocks).toHaveLength(0);
});
