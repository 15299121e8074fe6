/**
 * A store that is appended to from three threads while one processor handles everything, with a handler that fails now and
 * then and a user who pauses, stops and resets it. Goes on until it is killed, or, without `goOn`, until all is handled.
 *
 * Every event handled, and every reset asked for and done, is a line of the witness file, written at once.
 */
import { openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { connectBus, openBus, type Processor } from '#store';
import { Random } from '../../kit/crash-workload.ts';

export interface ProcessingOptions {
  readonly path: string;
  readonly witness: string;
  readonly seed: number;
  /** Appends, disturbs, and never ends. */
  readonly goOn: boolean;
}

/** `reset` before it is asked for, `done` after; `start`: a run begins. */
export type ProcessingLine = readonly ['handled' | 'reset' | 'done', number] | readonly ['start'];

if (isMainThread) await processAll(JSON.parse(process.argv[2] as string) as ProcessingOptions);
else await appendForEver();

async function processAll({ path, witness, seed, goOn }: ProcessingOptions): Promise<void> {
  const random = new Random(seed);
  const file = openSync(witness, 'a');
  const tell = (line: ProcessingLine) => writeSync(file, `${JSON.stringify(line)}\n`);
  const bus = await openBus({ path });
  const processor = bus.processor({
    name: 'witnessed',
    handle: async ({ position }) => {
      const chance = random.next();
      if (goOn && chance < 0.01) throw new Error('planted');
      if (goOn && chance < 0.03) await delay(1);
      if (goOn && chance < 0.04) return Promise.reject(new Error('planted, later'));
      tell(['handled', position]);
    },
    batch: 64,
    checkpoint: { events: 100, ms: 15 },
    retry: { minMs: 1, maxMs: 5, attempts: Number.POSITIVE_INFINITY },
  });
  tell(['start']);
  processor.start();
  if (goOn) {
    for (let thread = 0; thread < 2; thread++) {
      const port = bus.port();
      new Worker(new URL(import.meta.url), { workerData: { port, seed: seed + thread }, transferList: [port] });
    }
    void appendMore();
    writeSync(1, 'running\n');
    await disturb();
  }
  await processor.caughtUp();
  await bus.close();
  writeSync(1, 'done\n');

  async function appendMore(): Promise<void> {
    for (;;) await bus.append('main', { type: 'made', data: random.integer(0, 1000) });
  }

  async function disturb(): Promise<never> {
    for (;;) {
      await delay(random.integer(1, 30));
      await disturbOnce(processor);
    }
  }

  async function disturbOnce(disturbed: Processor): Promise<void> {
    const chance = random.next();
    if (chance < 0.3) {
      disturbed.pause();
      await delay(random.integer(0, 5));
      disturbed.resume();
    } else if (chance < 0.5) {
      await disturbed.stop();
      disturbed.start();
    } else if (chance < 0.6) {
      const to = Math.max(0, disturbed.status.context.position - random.integer(0, 300));
      tell(['reset', to]);
      await disturbed.reset({ to });
      tell(['done', to]);
    } else disturbed.retryNow();
  }
}

async function appendForEver(): Promise<never> {
  const bus = await connectBus(workerData.port);
  const random = new Random(workerData.seed);
  for (;;) {
    const events = Array.from({ length: random.integer(1, 20) }, () => ({ type: 'made', data: random.integer(0, 9) }));
    await bus.append(`thread-${random.integer(0, 5)}`, events);
  }
}
