/**
 * The task of `timers`: a hundred thousand timers are pending, their time comes for all of them at once, and they fire.
 *
 * Measured from the moment they are due until the last of them is in the log. That each fired once and in order is checked
 * after each turn, which is one round of scheduling and firing: the former is told beside.
 */
import { setTimeout } from 'node:timers/promises';
import { assertSum, type MakeTask, nothingRead } from './task.ts';
import { onVarvebus, type VarvebusStore } from './varvebus-store.ts';
import type { Workload } from './workload.ts';

/** Timers that are being scheduled at a time. */
const callersMax = 4096;
const warmUpCount = 2048;
/** What making one takes at first; then what it took the last time. */
const firstScheduleMs = 0.1;
/** How much longer than that it is until they are due: none may fire while others are still being made. */
const leadMs = 200;
const leadFactor = 2;

/** Events a second, of the time in which `count` timers fired. */
export function timersTask(count: number): MakeTask {
  return onVarvebus((store, workload) => {
    let perTimerMs = firstScheduleMs;
    /** Again with more time, where making them has taken too long. */
    async function measure(timers: number): Promise<{ scheduleMs: number; fireMs: number }> {
      for (;;) {
        const round = await fireAll(store, workload, timers, leadMs + leadFactor * perTimerMs * timers);
        perTimerMs = round.scheduleMs / timers;
        if (round.fireMs !== undefined) return { scheduleMs: round.scheduleMs, fireMs: round.fireMs };
      }
    }
    return {
      async warmUp() {
        await measure(warmUpCount);
        return nothingRead;
      },
      async run() {
        const { scheduleMs, fireMs } = await measure(count);
        const beside = { 'timers-schedule': (count / scheduleMs) * 1000 };
        return { events: count, value: (count / fireMs) * 1000, beside };
      },
    };
  });
}

interface Round {
  readonly scheduleMs: number;
  /** `undefined`: some were due before all of them were made. */
  readonly fireMs: number | undefined;
}

async function fireAll({ bus }: VarvebusStore, workload: Workload, count: number, waitMs: number): Promise<Round> {
  const headBefore = bus.head;
  const singles = workload.singles(count);
  const dueMs = Date.now() + Math.ceil(waitMs);
  const startMs = performance.now();
  for (let at = 0; at < count; at += callersMax) {
    const some = singles.slice(at, at + callersMax);
    await Promise.all(some.map(({ stream, event }) => bus.schedule(stream, event, { at: dueMs })));
  }
  const scheduleMs = performance.now() - startMs;
  const isLate = Date.now() >= dueMs;
  while (Date.now() < dueMs) await setTimeout(dueMs - Date.now());
  const dueAtMs = performance.now();
  await bus.fireTimers();
  const fireMs = isLate ? undefined : performance.now() - dueAtMs;

  const sum = { events: 0, checksum: 0 };
  const expected = { events: count, checksum: 0 };
  for (const { event } of singles) expected.checksum += event.data.totalCents;
  let misplaced = 0;
  for await (const event of bus.read({ from: headBefore + 1 })) {
    if (event.stream !== singles[sum.events]?.stream) misplaced++;
    sum.events++;
    sum.checksum += event.data.totalCents;
  }
  assertSum('the log', sum, expected);
  if (misplaced > 0) throw new Error(`${misplaced} timers fired out of order`);
  return { scheduleMs, fireMs };
}
