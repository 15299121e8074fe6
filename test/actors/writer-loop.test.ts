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
function caller(stream: string, commandCount: number) {
  const queue: WriterCommand[] = Array.from({ length: commandCount }, () =>
    encodeRequest([{ stream, events: { type: 'x' } }], {}, 0),
  );
  const told: number[][] = [];
  const source: CommandSource = {
    next: (room) => (room.isEmpty || room.events >= 1 ? queue.shift() : undefined),
    tell: (outcomes: readonly Outcome[]) => {
      told.push(outcomes.flatMap((outcome) => ('error' in outcome ? [] : (outcome.results[0]?.firstPosition ?? []))));
    },
  };
  return { source, told };
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
