/**
 * The task of `timers`: a hundred thousand timers are pending, their time comes for all of them at once, and they fire.
 *
 * Measured from the moment they are due until the last of them is in the log. That each fired once and in order is checked
 * after each turn, which is one round of scheduling and firing: the former is told beside.
 */
import { setTimeout } from 'node:timers/promises';
import { assertSum, type MakeTask } from './task.ts';
import { onVarvebus, type VarvebusStore } from './varvebus-store.ts';
import type { Workload } from './workload.ts';

/** Timers that are being scheduled at a time. */
const callersMax = 4096;
const warmUpCount = 4096;
/** None may be due while others are still being made: on a machine that makes fewer the turn fails. */
const scheduledPerMsMin = 10;
const leadMs = 200;

/** Events a second, of the time in which `count` timers fired. */
export function timersTask(count: number): MakeTask {
  return onVarvebus((store, workload) => ({
    async warmUp() {
      await fireAll(store, workload, warmUpCount);
      return { events: warmUpCount, checksum: 0 };
    },
    async run() {
      const { scheduleMs, fireMs } = await fireAll(store, workload, count);
      return {
        events: count,
        value: (count / fireMs) * 1000,
        beside: { 'timers-schedule': (count / scheduleMs) * 1000 },
      };
    },
  }));
}

async function fireAll(
  { bus }: VarvebusStore,
  workload: Workload,
  count: number,
): Promise<{ scheduleMs: number; fireMs: number }> {
  const headBefore = bus.head;
  const singles = workload.singles(count);
  const dueMs = Date.now() + leadMs + Math.ceil(count / scheduledPerMsMin);
  const startMs = performance.now();
  for (let at = 0; at < count; at += callersMax) {
    const some = singles.slice(at, at + callersMax);
    await Promise.all(some.map(({ stream, event }) => bus.schedule(stream, event, { at: dueMs })));
  }
  const scheduleMs = performance.now() - startMs;
  if (Date.now() >= dueMs) throw new Error('timers were due before all of them were made');
  while (Date.now() < dueMs) await setTimeout(dueMs - Date.now());
  const dueAtMs = performance.now();
  await bus.fireTimers();
  const fireMs = performance.now() - dueAtMs;

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
