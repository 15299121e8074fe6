/**
 * A store that is appended to while a processor with some number of partitions handles everything, each call taking as long
 * as it likes, some failing. Goes on until it is killed, or, without `goOn`, until all is handled.
 *
 * Every event handled is a line of the witness file, written at once.
 */
import { openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openBus } from '#store';
import { Random } from '../../kit/crash-workload.ts';

export interface PartitionedOptions {
  readonly path: string;
  readonly witness: string;
  readonly seed: number;
  readonly partitions: number;
  readonly goOn: boolean;
}

/** An event that was handled. */
export type PartitionedLine = readonly [stream: string, version: number, position: number];

const { path, witness, seed, partitions, goOn } = JSON.parse(process.argv[2] as string) as PartitionedOptions;
const random = new Random(seed);
const file = openSync(witness, 'a');
const bus = await openBus({ path });
const processor = bus.processor({
  name: 'witnessed',
  partitions,
  handle: async ({ stream, version, position }) => {
    const chance = random.next();
    if (goOn && chance < 0.02) throw new Error('planted');
    if (goOn && chance < 0.1) await delay(random.integer(0, 4));
    writeSync(file, `${JSON.stringify([stream, version, position] satisfies PartitionedLine)}\n`);
  },
  checkpoint: { events: 20, ms: 10 },
  retry: { minMs: 1, maxMs: 5, attempts: Number.POSITIVE_INFINITY },
});
processor.start();
if (goOn) {
  writeSync(1, 'running\n');
  for (;;) {
    const events = Array.from({ length: random.integer(1, 5) }, () => ({ type: 'made' }));
    await bus.append(`stream-${random.integer(0, 20)}`, events);
  }
}
await processor.caughtUp();
await bus.close();
writeSync(1, 'done\n');
