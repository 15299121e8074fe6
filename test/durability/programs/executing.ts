/**
 * A store in which several executors at a time count up one aggregate with snapshots, for ever. Each count that was
 * acknowledged is a line on stdout, written at once; it is ended by `kill -9`.
 */
import { writeSync } from 'node:fs';
import { openBus } from '#store';
import { counterOf } from '../../kit/counter.ts';

const { path } = JSON.parse(process.argv[2] as string) as { readonly path: string };
const bus = await openBus({ path });
const counter = counterOf(bus);
// A listener that is told of each as well: it must not get in the way of anything.
bus.on('counted', () => undefined, { overflow: 'block', buffer: 1 });

for (let executor = 0; executor < 4; executor++) void count();

async function count(): Promise<void> {
  for (;;) {
    const { version } = await counter.execute('1', 'count');
    writeSync(1, `${version}\n`);
  }
}
