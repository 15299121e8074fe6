/**
 * A thread of callers on a bus that another thread has opened; started by append-threads.ts.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { connectBus } from '#store';
import { runCallers } from './callers.ts';
import { type OrderEvent, Workload } from './workload.ts';

export interface CallersData {
  /** The bus's. */
  readonly port: MessagePort;
  readonly callers: number;
  readonly seed: number;
}

/** `'times'`: that many appends of each caller. Both are answered by the number of events appended. */
export type CallersOrder =
  | { readonly kind: 'times'; readonly times: number }
  | { readonly kind: 'run'; readonly ms: number }
  | { readonly kind: 'end' };

const { port, callers, seed } = workerData as CallersData;
const main = parentPort as MessagePort;
const workload = new Workload(seed);
const bus = await connectBus<OrderEvent>(port);

// An order that fails ends the thread, which its starter is told.
main.on('message', async (order: CallersOrder) => {
  if (order.kind === 'end') {
    await bus.close();
    main.close();
  } else main.postMessage(await runCallers(callers, appendOnce, endOf(order)));
});

function appendOnce(): Promise<unknown> {
  return bus.append(workload.stream(), workload.event());
}

function endOf(order: Exclude<CallersOrder, { kind: 'end' }>): () => boolean {
  if (order.kind === 'run') {
    const endMs = performance.now() + order.ms;
    return () => performance.now() >= endMs;
  }
  let left = callers * order.times;
  return () => left-- <= 0;
}
