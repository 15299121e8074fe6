/**
 * Opens a bus and leaves it open: does it keep the process alive?
 *
 * Says `open`, and `alive` half a second later, with a timer that keeps nothing alive itself.
 */
import { writeSync } from 'node:fs';
import { openBus } from '#store';

export interface IdleOptions {
  readonly path: string;
  readonly readOnly: boolean;
  /** What is left running. */
  readonly running: 'nothing' | 'subscription' | 'head$' | 'half a read';
}

const { path, readOnly, running } = JSON.parse(process.argv[2] as string) as IdleOptions;
const bus = await openBus({ path, readOnly });
if (!readOnly) await bus.append('idle', { type: 'appended' });
if (running === 'subscription') void bus.subscribe({ after: bus.head })[Symbol.asyncIterator]().next();
if (running === 'head$') bus.head$.subscribe();
if (running === 'half a read') await bus.read()[Symbol.asyncIterator]().next();
writeSync(1, 'open\n');
setTimeout(() => writeSync(1, 'alive\n'), 500).unref();
