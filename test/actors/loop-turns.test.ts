/** How the tasks of a thread share its event loop. */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { LoopTurns } from '#actors/loop-turns';
import { tempBus } from '../kit/temp-store.ts';

const betweenMs = 10;

/** Works for `ms`, and lets nobody else do anything meanwhile. */
function workFor(ms: number): void {
  for (const endMs = performance.now() + ms; performance.now() < endMs; );
}

/** As those do that share a loop: begins in the caller's stack where there is time. */
async function run<Result>(turns: LoopTurns, task: () => Promise<Result>): Promise<Result> {
  const turn = turns.begin();
  if (turn !== undefined) await turn;
  return task();
}

/** Counts turns of the event loop until the test ends. */
function countedTurns(): () => number {
  let [turns, isOver] = [0, false];
  const count = async () => {
    for (; !isOver; turns++) await setImmediate();
  };
  void count();
  onTestFinished(() => {
    isOver = true;
  });
  return () => turns;
}

test('tasks that take less than the time between two turns all go at once', async () => {
  const turns = new LoopTurns(1000);
  const done: number[] = [];
  for (let at = 0; at < 20; at++) void run(turns, async () => done.push(at));
  for (let microtasks = 0; microtasks < 20; microtasks++) await Promise.resolve();

  expect(done).toHaveLength(20);
});

test('tasks that go on without a pause take turns, in order, and the loop has one after each that takes long', async () => {
  const turns = new LoopTurns(betweenMs);
  const seen = countedTurns();
  const log: [task: number, turn: number][] = [];
  const task = async (number: number) => {
    for (let round = 0; round < 3; round++) {
      await run(turns, async () => {
        log.push([number, seen()]);
        workFor(betweenMs + 1);
      });
    }
  };

  await Promise.all([0, 1, 2, 3].map(task));

  expect(log.map(([number]) => number)).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
  expect(new Set(log.map(([, turn]) => turn)).size).toBe(log.length);
});

test('tasks that had to wait go together as far as there is time, and who comes back goes behind them', async () => {
  const turns = new LoopTurns(betweenMs);
  const seen = countedTurns();
  const log: [task: number, turn: number][] = [];
  const numbers = Array.from({ length: 20 }, (_, number) => number);
  await run(turns, async () => workFor(betweenMs + 1));
  const task = async (number: number) => {
    for (let round = 0; round < 3; round++) await run(turns, async () => log.push([number, seen()]));
  };

  await Promise.all(numbers.map(task));

  expect(log.map(([number]) => number)).toEqual([...numbers, ...numbers, ...numbers]);
  // One, where the machine does nothing else meanwhile.
  expect(new Set(log.map(([, turn]) => turn)).size).toBeLessThanOrEqual(numbers.length / 2);
});

test('a task that waits for something itself keeps nobody waiting', async () => {
  const turns = new LoopTurns(betweenMs);
  const { promise, resolve } = Promise.withResolvers<void>();
  await run(turns, async () => workFor(betweenMs + 1));
  const waits = run(turns, () => promise);
  const others = Promise.all([1, 2, 3].map((number) => run(turns, async () => number)));

  expect(await others).toEqual([1, 2, 3]);
  resolve();
  await waits;
});

test('tasks that wait for something else do not wait for turns as well: many begin in one', async () => {
  const turns = new LoopTurns(betweenMs);
  const seen = countedTurns();
  const waitMs = 20;
  let [rounds, isOver] = [0, false];
  const waiting = async () => {
    for (; !isOver; rounds++) await run(turns, () => setTimeout(waitMs));
  };
  // Of the app itself, in each turn of the loop.
  const busy = async () => {
    for (; !isOver; workFor(2)) await setImmediate();
  };
  const all = Promise.all([busy(), ...Array.from({ length: 50 }, waiting)]);
  await setTimeout(5 * waitMs);
  const [roundsUntilNow, turnsUntilNow] = [rounds, seen()];
  isOver = true;
  await all;

  expect(roundsUntilNow).toBeGreaterThan(2 * turnsUntilNow);
});

test('twenty processors at full speed leave the event loop its turns', async () => {
  const bus = await tempBus();
  const perProcessor = 4;
  await bus.append(
    'a',
    Array.from({ length: perProcessor }, () => ({ type: 'x' })),
  );
  const seen = countedTurns();
  const begunAt: number[] = [];
  const processors = Array.from({ length: 20 }, (_, at) =>
    bus.processor({
      name: `p-${at}`,
      handle: () => {
        begunAt.push(seen());
        workFor(5);
      },
    }),
  );
  for (const processor of processors) processor.start();
  await Promise.all(processors.map((processor) => processor.caughtUp()));

  // A page takes 15 ms at most, which is three calls of 5 ms, after less than 10 ms of others; what counts may come a turn later.
  const callsByTurn = Map.groupBy(begunAt, (turn) => turn);
  expect(begunAt).toHaveLength(20 * perProcessor);
  expect(Math.max(...[...callsByTurn.values()].map((calls) => calls.length))).toBeLessThanOrEqual(10);
});
