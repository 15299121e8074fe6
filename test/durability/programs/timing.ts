/**
 * Schedules, replaces and cancels timers and lets them fire, until it is killed, or, without `goOn`, until all have fired.
 *
 * Each order, and each answer to one, is a line of the witness file, written at once.
 */
import { openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openBus } from '#store';
import { Random } from '../../kit/crash-workload.ts';

export interface TimingOptions {
  readonly path: string;
  readonly witness: string;
  readonly seed: number;
  /** The number of the first timer of this run. */
  readonly first: number;
  /** Orders, and never ends. */
  readonly goOn: boolean;
}

/** What is said of a key. `replaced` and `new` are answers to `ordering`, `cancelled` and `too late` to `cancelling`. */
export type TimingLine =
  | readonly ['ordering' | 'replaced' | 'new', key: string, n: number]
  | readonly ['cancelling' | 'cancelled' | 'too late', key: string, n?: never];

const { path, witness, seed, first, goOn } = JSON.parse(process.argv[2] as string) as TimingOptions;
const random = new Random(seed);
const file = openSync(witness, 'a');
const tell = (line: TimingLine) => writeSync(file, `${JSON.stringify(line)}\n`);
let next = first;

const bus = await openBus({ path });
if (goOn) {
  writeSync(1, 'running\n');
  await Promise.all(Array.from({ length: 16 }, (_, caller) => orderForEver(caller)));
} else {
  await bus.fireTimers();
  await bus.close();
  writeSync(1, 'done\n');
}

/** Keys belong to one caller: so the order of what is said of a key is that of its calls. */
async function orderForEver(caller: number): Promise<never> {
  for (;;) {
    const key = `caller-${caller}-${random.integer(0, 20)}`;
    if (random.next() < 0.2) {
      tell(['cancelling', key]);
      tell([(await bus.cancelTimer(key)) ? 'cancelled' : 'too late', key]);
    } else {
      const n = next++;
      const dueMs = Date.now() + random.integer(0, 60);
      tell(['ordering', key, n]);
      const event = { type: 'Fired', data: { n, key, dueMs } };
      const { replaced } = await bus.schedule(`stream-${n % 5}`, event, { at: dueMs, key });
      tell([replaced ? 'replaced' : 'new', key, n]);
    }
    if (random.next() < 0.1) await delay(random.integer(0, 5));
  }
}
