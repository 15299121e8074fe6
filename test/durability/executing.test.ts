/** Aggregates through `kill -9`: what was acknowledged is there, counted once, and the snapshots agree with the log. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openBus } from '#store';
import { counterOf, countOf } from '../kit/counter.ts';
import { crashDirectory } from '../kit/crash-directory.ts';
import { Program } from '../kit/crash-process.ts';
import { Random } from '../kit/crash-workload.ts';

const program = new URL('./programs/executing.ts', import.meta.url);
const rounds = process.env.TEST_LONG === undefined ? 3 : 100;

test(`a count survives ${rounds} kills: each version once, nothing lost, and snapshots as the log says`, {
  timeout: 600_000,
}, async () => {
  const path = join(crashDirectory(), 'store');
  const random = new Random(Number(process.env.TEST_SEED ?? Date.now() % 1e9));
  let last = 0;
  for (let round = 0; round < rounds; round++) {
    const acknowledged: number[] = [];
    const run = Program.start(program, { path });
    run.onLine((line) => acknowledged.push(Number(line)));
    await expect.poll(() => acknowledged.length, { interval: 5, timeout: 20_000 }).toBeGreaterThan(0);
    await delay(random.integer(20, 300));
    await run.crash();

    const bus = await openBus({ path, lockWaitMs: 5000 });
    const reports: unknown[] = [];
    bus.errors$.subscribe((error) => reports.push(error));
    const { state, version } = await counterOf(bus).load('1');
    const { ok } = await bus.verify();
    await bus.close();

    expect({ state, ok, reports }).toEqual({ state: countOf(version), ok: true, reports: [] });
    expect(version).toBeGreaterThanOrEqual(Math.max(...acknowledged));
    expect(new Set(acknowledged).size).toBe(acknowledged.length);
    expect(Math.min(...acknowledged)).toBeGreaterThan(last);
    last = Math.max(...acknowledged);
  }
});
