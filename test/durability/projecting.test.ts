/**
 * Projections and `kill -9`: at named points around each kind of commit, and at any time. Whatever was killed, each build in
 * the store is what a fold over the log makes up to its cursor, and what is left over goes.
 */

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openBus, type StoredEvent } from '#store';
import { collect } from '../kit/collect.ts';
import { crashDirectory } from '../kit/crash-directory.ts';
import { Program } from '../kit/crash-process.ts';
import { Random } from '../kit/crash-workload.ts';
import { openReader } from '../kit/open-reader.ts';
import { builtIn, type Done, folded } from '../kit/projection-model.ts';
import type { KillPoint, ProjectingOptions } from './programs/projecting.ts';

const program = new URL('./programs/projecting.ts', import.meta.url);
/** `undefined`: at any time, with the writer in a thread of its own. */
const points: readonly (KillPoint | undefined)[] = [
  'after a save',
  'before a save',
  'after a switch',
  'before a sweep',
  'before a switch',
  'after a sweep',
  'in a handler',
  undefined,
];
const cycles = process.env.TEST_LONG === undefined ? 1 : 10;

/** Checks what the store holds; tells the position of what is read. */
async function check(path: string): Promise<number> {
  const bus = await openBus({ path, readOnly: true });
  const engine = await openReader(path);
  try {
    const log = (await collect(bus.read())) as StoredEvent<Done>[];
    const built = builtIn(engine, 'p');
    for (const { values, position } of built) expect(values).toEqual(folded(log, position));
    expect((await bus.verify()).problems).toEqual([]);
    return built.find(({ isActive }) => isActive)?.position ?? 0;
  } finally {
    engine.close();
    await bus.close();
  }
}

test(`a projection is a fold over the log through ${cycles * points.length} kills`, {
  timeout: 1_200_000,
}, async () => {
  const path = join(crashDirectory(), 'store');
  const random = new Random(Number(process.env.TEST_SEED ?? Date.now() % 1e9));
  let position = 0;
  let version = 1;
  for (let cycle = 0; cycle < cycles; cycle++) {
    for (const point of points) {
      // Another build takes over once, and the one before is swept once.
      const isOnce = point?.endsWith('switch') === true || point?.endsWith('sweep') === true;
      const passes = isOnce ? 0 : random.integer(0, point === 'in a handler' ? 300 : 6);
      version++;
      const options: ProjectingOptions = { path, seed: random.integer(0, 2 ** 30), version, point, passes };
      const run = Program.start(program, options, { deadlineMs: 60_000 });
      await run.expectLine('running');
      if (point === undefined) {
        await delay(random.integer(50, 500));
        await run.crash();
      } else expect(await run.ended()).toMatchObject({ signal: 'SIGKILL', stderr: '' });
      const before = position;
      position = await check(path);
      expect(position).toBeGreaterThanOrEqual(before);
    }
  }

  expect(position).toBeGreaterThan(0);
});
