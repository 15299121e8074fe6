/**
 * Closes its bus on a signal, while a processor runs whose cursor is behind: it is saved only when the bus is closed.
 *
 * Says `ready` once everything is handled, `closed` when the bus is.
 */
import { writeSync } from 'node:fs';
import { closeOnSignal, openBus } from '#store';

export interface SignalledOptions {
  readonly path: string;
  /** The application listens to SIGTERM itself, and leaves with code 5 a little later. */
  readonly listens: boolean;
}

const { path, listens } = JSON.parse(process.argv[2] as string) as SignalledOptions;
const bus = await openBus({ path });
closeOnSignal(bus);
if (listens) {
  process.on('SIGTERM', async () => {
    await bus.close();
    process.exitCode = 5;
  });
}
const checkpoint = { events: 1_000_000, ms: 3_600_000 };
const processor = bus.processor({ name: 'busy', handle: () => handled++, checkpoint });
let handled = 0;
processor.start();
await bus.append(
  'a',
  Array.from({ length: 100 }, () => ({ type: 'x' })),
);
await processor.caughtUp();
processor.state$.subscribe({ complete: () => writeSync(1, `closed ${handled}\n`) });
writeSync(1, 'ready\n');
