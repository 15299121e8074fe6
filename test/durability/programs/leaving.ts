/**
 * Appends as much as it can, and leaves in the middle of it: by process.exit, or by an error that nobody catches.
 */
import { writeSync } from 'node:fs';
import { openBus } from '#store';

export interface LeavingOptions {
  readonly path: string;
  readonly how: 'exit' | 'throw';
  readonly afterMs: number;
}

const { path, how, afterMs } = JSON.parse(process.argv[2] as string) as LeavingOptions;
const bus = await openBus({ path });
const events = Array.from({ length: 2000 }, (_, n) => ({ type: 'made', data: { n, text: 'x'.repeat(100) } }));
let acked = 0;
for (let caller = 0; caller < 8; caller++) void appendForEver(`stream-${caller}`);
setTimeout(() => {
  writeSync(1, `${acked}\n`);
  if (how === 'exit') process.exit(3);
  throw new Error('planted');
}, afterMs);

async function appendForEver(stream: string): Promise<void> {
  for (;;) acked = Math.max(acked, (await bus.append(stream, events)).lastPosition);
}
