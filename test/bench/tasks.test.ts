/**
 * The tasks that only a bus can do, on a small store: each checks its own work, so that a turn that ends has done it.
 */
import { expect, onTestFinished, test } from 'vitest';
import { callersTask } from '../../bench/append-tasks.ts';
import { dashboardTask, drainWork } from '../../bench/dashboard.ts';
import { drainTask } from '../../bench/drain.ts';
import { deadLetterTask, parkedDrainTask } from '../../bench/giving-up.ts';
import { handlerThreadsTask } from '../../bench/handler-threads.ts';
import { liveTask } from '../../bench/live-latency.ts';
import { loopDelayTask } from '../../bench/loop-delay.ts';
import { queryTask } from '../../bench/query-tasks.ts';
import { statusTask } from '../../bench/status-lateness.ts';
import { assertSum, type MakeTask, type Turn } from '../../bench/task.ts';
import { timersTask } from '../../bench/timers.ts';
import { openVarvebusStore } from '../../bench/varvebus-store.ts';
import { Workload } from '../../bench/workload.ts';
import { tempDirectory } from '../kit/temp-store.ts';

const storedEvents = 3000;
const turnMs = 40;

/** One turn of the task on a store of `storedEvents` events. */
async function oneTurn(make: MakeTask): Promise<Turn> {
  const store = await openVarvebusStore(tempDirectory(), { inline: true });
  onTestFinished(() => store.close());
  const workload = new Workload(1);
  await store.appendSingles(workload.singles(storedEvents));
  const task = make(store, workload);
  onTestFinished(() => task.end?.());
  await task.warmUp();
  const endMs = performance.now() + turnMs;
  return task.run({ ms: turnMs, isDone: () => performance.now() >= endMs });
}

test.each([[false], [true]])('a drain handles the whole store, touching data: %s', async (touchesData) => {
  const { events, value } = await oneTurn(drainTask({ touchesData }));

  expect(events % storedEvents).toBe(0);
  expect(value).toBeGreaterThan(0);
});

test('what a handler fails on is put away, and what is parked costs a drain of its own', async () => {
  expect(await oneTurn(deadLetterTask(50))).toMatchObject({ value: expect.any(Number) });
  const { value, beside } = await oneTurn(parkedDrainTask(0.3));

  expect(value).toBeGreaterThan(0);
  expect(beside).toEqual({ 'drain-unparked': expect.any(Number) });
});

test('a query with several numbers of threads has a rate for each', async () => {
  const { events, value, beside } = await oneTurn(queryTask(2, 1));

  expect(events % (2 * storedEvents)).toBe(0);
  expect(value).toBeGreaterThan(0);
  expect(beside).toEqual({ 'query-1': expect.any(Number) });
});

test('what handlers in threads leave of the event loop is told beside what those in it leave', async () => {
  const { events, value, beside } = await oneTurn(handlerThreadsTask(200));

  expect(events).toBe(2 * 2 * 200);
  expect(value).toBeGreaterThanOrEqual(1);
  expect(beside).toEqual({ inline: expect.any(Number) });
});

test('the way to a live handler is told beside those of the appends', async () => {
  const { value, beside } = await oneTurn(liveTask(200));

  expect(value).toBeGreaterThan(0);
  expect(beside).toEqual({ 'append-1': expect.any(Number), 'append-200': expect.any(Number) });
});

test('the delay of the event loop is told in milliseconds, the timer included', async () => {
  const { events, value } = await oneTurn(loopDelayTask(8));

  expect(events).toBeGreaterThanOrEqual(8);
  expect(value).toBeGreaterThanOrEqual(1);
  expect(value).toBeLessThan(10_000);
});

test('callers count what they have appended', async () => {
  const { events } = await oneTurn(callersTask(8));

  expect(events).toBeGreaterThanOrEqual(8);
});

test('timers fire, each once and in order, and the rate of making them is told beside', async () => {
  const { events, value, beside } = await oneTurn(timersTask(300));

  expect(events).toBe(300);
  expect(value).toBeGreaterThan(0);
  expect(beside).toEqual({ 'timers-schedule': expect.any(Number) });
});

test('a task for a bus refuses another store', () => {
  const other = { head: () => 0 } as Parameters<MakeTask>[0];

  expect(() => drainTask({ touchesData: false })(other, new Workload(1))).toThrow(TypeError);
});

test.each([
  ['an event too few', { events: 1, checksum: 5 }],
  ['other data', { events: 2, checksum: 6 }],
])('%s fails the run', (_, seen) => {
  expect(() => assertSum('a query', seen, { events: 2, checksum: 5 })).toThrow(/a query has seen/);
});

test('what a dashboard costs is told with a client, without one, and without a dashboard', async () => {
  const { value, beside } = await oneTurn(dashboardTask(drainWork));

  expect(value).toBeGreaterThan(0);
  expect(beside).toEqual({ 'no-client': expect.any(Number), 'no-dashboard': expect.any(Number) });
});

test('how late a state is seen by another process is told', async () => {
  const { events, value } = await oneTurn(statusTask(2));

  expect(events).toBeGreaterThanOrEqual(1);
  expect(value).toBeGreaterThanOrEqual(0);
});
