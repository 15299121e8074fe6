/**
 * A bus whose processors are at work all the time: those that have handled everything begin anew. The last one, `target`, fails once
 * for each line it is sent, and goes on soon.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { openBus, type Processor } from '#store';

export interface BusyOptions {
  readonly path: string;
  readonly processors: number;
  readonly partitions: number;
}

const { path, processors, partitions } = JSON.parse(process.argv[2] as string) as BusyOptions;
const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const bus = await openBus({ path, logger });
for (let at = 0; at < 100; at++) await bus.append(`stream-${at}`, Array(500).fill({ type: 'told' }));
let isToFail = false;
const retry = { attempts: 1000, minMs: 200, maxMs: 200 };
function busy(name: string, handle: () => void): Processor {
  const processor = bus.processor({ name, partitions, retry, handle });
  processor.start();
  return processor;
}
const all = Array.from({ length: processors - 1 }, (_, at) => busy(`busy-${at}`, () => undefined));
all.push(
  busy('target', () => {
    if (!isToFail) return;
    isToFail = false;
    throw new Error('told to');
  }),
);
const again = (processor: Processor): Promise<void> =>
  processor
    .waitFor('live')
    .then(() => processor.reset({ to: 0 }))
    .then(() => again(processor));
for (const processor of all) void again(processor);
writeSync(1, 'ready\n');
for await (const _ of createInterface({ input: process.stdin })) isToFail = true;
