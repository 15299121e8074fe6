/**
 * The task of `live-200`: how long an event is on its way from the call of `append` to the handler of a live processor.
 *
 * Each turn has two halves, of the length of a turn each, in one process: appends one after the other with nothing else
 * going on, which is what `append-1` does, and then appends at a steady rate, whoever waits for them, with a processor.
 */
import { setTimeout } from 'node:timers/promises';
import type { Bus } from '#store';
import { median } from './statistics.ts';
import { type MakeTask, nothingRead } from './task.ts';
import { onVarvebus } from './varvebus-store.ts';
import type { OrderEvent, Workload } from './workload.ts';

const warmUpMs = 500;

/** The median in milliseconds, at `rate` appends a second; beside it those of the calls of `append` in both halves. */
export function liveTask(rate: number): MakeTask {
  return onVarvebus(({ bus }, workload) => {
    let turns = 0;
    const turn = async (ms: number) => {
      const alone = await appendOneByOne(bus, workload, ms);
      const { toHandler, toCaller } = await appendPaced(bus, workload, { ms, rate, name: `live-${turns++}` });
      const beside = { 'append-1': median(alone), [`append-${rate}`]: median(toCaller) };
      return { events: alone.length + toHandler.length, value: median(toHandler), beside };
    };
    return {
      async warmUp() {
        await turn(warmUpMs);
        return nothingRead;
      },
      run: ({ ms }) => turn(ms),
    };
  });
}

/** Milliseconds of each append. */
async function appendOneByOne(bus: Bus<OrderEvent>, workload: Workload, ms: number): Promise<number[]> {
  const latencies: number[] = [];
  const endMs = performance.now() + ms;
  while (performance.now() < endMs) {
    const startMs = performance.now();
    await bus.append(workload.stream(), workload.event());
    latencies.push(performance.now() - startMs);
  }
  return latencies;
}

interface Pace {
  readonly ms: number;
  readonly rate: number;
  /** The processor's: a new one. */
  readonly name: string;
}

interface PacedLatencies {
  /** From the call to the first line of the handler. Milliseconds, in the order of the calls. */
  readonly toHandler: readonly number[];
  /** From the call until it resolved. */
  readonly toCaller: readonly number[];
}

/** Keeps to its times, however long an append takes. */
async function appendPaced(
  bus: Bus<OrderEvent>,
  workload: Workload,
  { ms, rate, name }: Pace,
): Promise<PacedLatencies> {
  const before = bus.head;
  const calls: number[] = [];
  const toHandler: number[] = [];
  const toCaller: number[] = [];
  const handle = ({ position }: { readonly position: number }) => {
    const nowMs = performance.now();
    if (position !== before + 1 + toHandler.length) throw new Error(`position ${position} is out of turn`);
    toHandler.push(nowMs - (calls[toHandler.length] as number));
  };
  const processor = bus.processor({ name, from: 'now', handle, retry: { attempts: 0 } });
  processor.start();
  await processor.waitFor('live');
  const appends: Promise<void>[] = [];
  const startMs = performance.now();
  const append = async () => {
    const callMs = performance.now();
    calls.push(callMs);
    await bus.append(workload.stream(), workload.event());
    toCaller.push(performance.now() - callMs);
  };
  for (let count = 0; (count / rate) * 1000 < ms; count++) {
    await setTimeout(Math.max(0, startMs + (count / rate) * 1000 - performance.now()));
    appends.push(append());
  }
  await Promise.all(appends);
  await processor.caughtUp();
  await processor.close();
  if (toHandler.length !== calls.length) throw new Error(`${toHandler.length} of ${calls.length} events were handled`);
  return { toHandler, toCaller };
}
