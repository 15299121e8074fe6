/** How the tasks of a thread share its event loop. */
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { LoopTurns } from '#actors/loop-turns';
import { tempBus } from '../kit/temp-store.ts';

const betweenMs = 10;

/** Works for `ms`, and lets nobody else do anything meanwhile. */
function workFor(ms: number): void {
  for (const endMs = performance.now() + ms; performance.now() < endMs; );
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
  for (let at = 0; at < 20; at++) void turns.run(async () => done.push(at));
  for (let microtasks = 0; microtasks < 20; microtasks++) await Promise.resolve();

  expect(done).toHaveLength(20);
});

test('tasks that go on without a pause take turns, in order, and the loop has one after each that takes long', async () => {
  const turns = new LoopTurns(betweenMs);
  const seen = countedTurns();
  const log: [task: number, turn: number][] = [];
  const task = async (number: number) => {
    for (let round = 0; round < 3; round++) {
      await turns.run(async () => {
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
  await turns.run(async () => workFor(betweenMs + 1));
  const task = async (number: number) => {
    for (let round = 0; round < 3; round++) await turns.run(async () => log.push([number, seen()]));
  };

  await Promise.all(numbers.map(task));

  expect(log.map(([number]) => number)).toEqual([...numbers, ...numbers, ...numbers]);
  // One, where the machine does nothing else meanwhile.
  expect(new Set(log.map(([, turn]) => turn)).size).toBeLessThanOrEqual(numbers.length / 2);
});

test('a task that waits for something itself keeps nobody waiting', async () => {
  const turns = new LoopTurns(betweenMs);
  const { promise, resolve } = Promise.withResolvers<void>();
  await turns.run(async () => workFor(betweenMs + 1));
  const waits = turns.run(() => promise);
  const others = Promise.all([1, 2, 3].map((number) => turns.run(async () => number)));

  expect(await others).toEqual([1, 2, 3]);
  resolve();
  await waits;
});

test('a task that throws gives its turn to the next', async () => {
  const turns = new LoopTurns(betweenMs);
  await turns.run(async () => workFor(betweenMs + 1));
  const broken = turns.run(async () => {
    throw new RangeError('broken');
  });
  const sync = turns.run(() => {
    throw new RangeError('at once');
  });
  const settled = await Promise.allSettled([broken, sync, turns.run(async () => 'fine')]);

  expect(settled).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }, { value: 'fine' }]);
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
