/**
 * One process writes, another follows: it opens the same directory read-only and sees each event once it is on disk.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBus } from '#store';

type Reading = { type: 'Measured'; data: { celsius: number } };

const [, program, directoryToFollow] = process.argv;
if (directoryToFollow === undefined) await write();
else await follow(directoryToFollow);

async function write(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'second-process-'));
  const bus = await openBus<Reading>({ path: directory });
  try {
    await bus.append('sensor-1', { type: 'Measured', data: { celsius: 20 } });
    const follower = spawn(process.execPath, [...process.execArgv, program as string, directory], { stdio: 'inherit' });
    for (const celsius of [21, 22]) await bus.append('sensor-1', { type: 'Measured', data: { celsius } });
    await once(follower, 'exit');
  } finally {
    await bus.close();
    rmSync(directory, { recursive: true });
  }
}

async function follow(directory: string): Promise<void> {
  const bus = await openBus<Reading>({ path: directory, readOnly: true });
  for await (const { version, data } of bus.subscribe({ streams: ['sensor-1'] })) {
    console.log(`the other process sees reading ${version}: ${data.celsius} °C`);
    if (version === 3) break;
  }
  await bus.close();
}
