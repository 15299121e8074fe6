/**
 * A writer that tells in a file what it was promised: `begin 1` before the first append, `ack 1` when that has resolved.
 */
import { openSync, writeSync } from 'node:fs';
import { openBus } from '#store';

export interface AckWriterOptions {
  readonly path: string;
  /** The file it tells in. */
  readonly acks: string;
  readonly durability: 'sync' | 'os';
  /** Appends, one after the other. */
  readonly count: number;
  /** Lies: writes each ack before the append has resolved. */
  readonly isEarly: boolean;
}

const { path, acks, durability, count, isEarly } = JSON.parse(process.argv[2] as string) as AckWriterOptions;
const file = openSync(acks, 'a');

const bus = await openBus({ path, durability });
for (let number = 1; number <= count; number++) {
  writeSync(file, `begin ${number}\n`);
  const appended = bus.append(`stream-${number % 3}`, {
    type: 'counted',
    data: { number, text: 'x'.repeat(number * 500) },
  });
  if (isEarly) writeSync(file, `ack ${number}\n`);
  await appended;
  if (!isEarly) writeSync(file, `ack ${number}\n`);
}
await bus.close();
