/**
 * A contender's own process: opens one store, does what it is told, one order after the other.
 *
 * Started by contender-client.ts, which sends the orders. Waiting for an order costs no time, so several contenders can stand
 * ready and take turns.
 */

import { cases, type WorkCase } from './cases.ts';
import { type Contender, openStore } from './contenders.ts';
import type { ReadSum, Store } from './store.ts';
import type { Task, Turn, TurnTime } from './task.ts';
import { Workload } from './workload.ts';

/** What one order asks for. */
export type Order =
  | { readonly kind: 'open'; readonly contender: Contender; readonly directory: string }
  | { readonly kind: 'fill'; readonly events: number }
  | { readonly kind: 'warm-up'; readonly caseId: string; readonly ms: number }
  | { readonly kind: 'run'; readonly ms: number }
  | { readonly kind: 'close' };

/** Every order is answered by one of these. */
export type Answer =
  | { readonly ok: true; readonly result: Measurement }
  | { readonly ok: false; readonly error: string };

/** What an order has done. Only turns have more to tell than a sum. */
type Outcome = ReadSum & Turn;

/** That, with the time and CPU that it took. */
export interface Measurement extends Outcome {
  readonly elapsedMs: number;
  readonly cpuUs: number;
}

const seed = 20_260_101;
const fillEvents = 8192;
const workload = new Workload(seed);
let contender: Contender | undefined;
let store: Store | undefined;
let task: Task | undefined;

process.on('message', (order: Order) => {
  void obey(order);
});

async function obey(order: Order): Promise<void> {
  try {
    await answer({ ok: true, result: await measured(() => carryOut(order)) });
  } catch (error) {
    await answer({ ok: false, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
  // Without a channel to wait on, the process ends by itself.
  if (order.kind === 'close') process.disconnect();
}

function answer(message: Answer): Promise<void> {
  return new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
}

async function measured(work: () => Promise<Outcome>): Promise<Measurement> {
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  const outcome = await work();
  const elapsedMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  return { ...outcome, elapsedMs, cpuUs: user + system };
}

async function carryOut(order: Order): Promise<Outcome> {
  switch (order.kind) {
    case 'open':
      contender = order.contender;
      store = await openStore(contender, order.directory);
      return { events: store.head(), checksum: 0 };
    case 'fill':
      return fill(opened(), order.events);
    case 'warm-up':
      return warmUp(order);
    case 'run':
      return { checksum: 0, ...(await started().run(timeOf(order.ms))) };
    case 'close':
      await task?.end?.();
      await opened().close();
      return { events: 0, checksum: 0 };
  }
}

async function fill(target: Store, events: number): Promise<ReadSum> {
  while (target.head() < events) {
    await target.appendSingles(workload.singles(Math.min(fillEvents, events - target.head())));
  }
  return { events: target.head(), checksum: 0 };
}

/** Runs the case once for its sum, then for `ms`. */
async function warmUp({ caseId, ms }: Extract<Order, { kind: 'warm-up' }>): Promise<ReadSum> {
  const chosen = cases.find((one): one is WorkCase => one.kind === 'work' && one.id === caseId);
  if (chosen === undefined) throw new Error(`there is no case ${caseId}`);
  const make = contender === undefined ? undefined : chosen.tasks[contender];
  if (make === undefined) throw new Error(`${contender} has no part in ${caseId}`);
  task = make(opened(), workload);
  const sum = await task.warmUp();
  await task.run(timeOf(ms));
  return sum;
}

function timeOf(ms: number): TurnTime {
  const endMs = performance.now() + ms;
  return { ms, isDone: () => performance.now() >= endMs };
}

function opened(): Store {
  if (store === undefined) throw new Error('no store is open');
  return store;
}

function started(): Task {
  if (task === undefined) throw new Error('no case was warmed up');
  return task;
}
