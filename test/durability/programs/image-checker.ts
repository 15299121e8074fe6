/**
 * Opens stores that may be damaged, one after the other, and checks each against its writer's witness.
 *
 * For each line of input, a job, it answers with `ok` or with what is wrong. LMDB may take the process down over a file:
 * that, too, is an answer.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { openBus } from '#store';
import { CrashModel } from '../../kit/crash-model.ts';
import type { WitnessLine } from '../../kit/crash-witness.ts';
import type { Workload } from '../../kit/crash-workload.ts';

export interface ImageJob {
  readonly path: string;
  readonly durability: 'sync' | 'os';
  readonly workload: Workload;
  readonly lines: readonly WitnessLine[];
}

async function check({ path, durability, workload, lines }: ImageJob): Promise<string> {
  const model = new CrashModel();
  try {
    const bus = await openBus({ path, durability });
    try {
      await model.follow(bus, workload, lines);
      await model.retryPending(bus);
    } finally {
      await bus.close();
    }
    return 'ok';
  } catch (error) {
    return String(error).replaceAll('\n', ' ');
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  writeSync(1, `${await check(JSON.parse(line) as ImageJob)}\n`);
}
