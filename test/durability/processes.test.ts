/**
 * Several processes at one store, and how each of them may end: none harms the others, and nothing acked is lost.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openBus } from '#store';
import { RemoteBus } from '../kit/crash-bus.ts';
import { crashDirectory } from '../kit/crash-directory.ts';
import { CrashModel } from '../kit/crash-model.ts';
import { Program, waitUntil } from '../kit/crash-process.ts';
import { SeenFile } from '../kit/crash-seen.ts';
import { buildJournal, needTool } from '../kit/crash-tools.ts';
import { readWitness } from '../kit/crash-witness.ts';
import type { Workload } from '../kit/crash-workload.ts';
import type { CrashWriterOptions } from './programs/crash-writer.ts';
import type { FollowerOptions } from './programs/follower.ts';
import type { IdleOptions } from './programs/idle.ts';

const journal = buildJournal();

function newPath(): string {
  return join(crashDirectory(), 'store');
}

/** Checks a store whose writer of `workload` has ended, as the next writer finds it. */
async function checkStore(path: string, workload: Workload, witness: string): Promise<CrashModel> {
  const model = new CrashModel();
  await using bus = await openBus({ path });
  await model.follow(bus, workload, readWitness(witness));
  await model.retryPending(bus);
  return model;
}

describe('a writer in the middle of its appends', () => {
  const workload: Workload = { style: 'mixed', seed: 41 };

  async function startWriter(ending?: 'exit' | 'throw'): Promise<{ writer: Program; path: string; witness: string }> {
    const path = newPath();
    const witness = `${path}.witness`;
    const options: CrashWriterOptions = {
      path,
      witness,
      workload,
      durability: 'sync',
      retries: [],
      callsMax: 100_000,
      tellAfter: 60,
      ...(ending === undefined ? {} : { ending }),
    };
    const writer = Program.start(new URL('programs/crash-writer.ts', import.meta.url), options);
    for (const line of ['opening', 'open', 'acked']) await writer.expectLine(line);
    return { writer, path, witness };
  }

  test('ends by SIGTERM without losing what was acked', async () => {
    const { writer, path, witness } = await startWriter();

    writer.kill('SIGTERM');

    expect(await writer.ended()).toEqual({ code: null, signal: 'SIGTERM', stderr: '' });
    expect((await checkStore(path, workload, witness)).head).toBeGreaterThanOrEqual(60);
  });

  test('ends by process.exit with the code it was given, without losing what was acked', async () => {
    const { writer, path, witness } = await startWriter('exit');

    expect(await writer.ended()).toEqual({ code: 7, signal: null, stderr: '' });
    expect((await checkStore(path, workload, witness)).head).toBeGreaterThanOrEqual(60);
  });

  test("ends by an exception of its user's, which it does not hide, without losing what was acked", async () => {
    const { writer, path, witness } = await startWriter('throw');

    const { code, signal, stderr } = await writer.ended();

    expect({ code, signal }).toEqual({ code: 1, signal: null });
    expect(stderr).toContain('planted');
    expect((await checkStore(path, workload, witness)).head).toBeGreaterThanOrEqual(60);
  });
});

describe('readers in other processes', () => {
  function startFollower(options: FollowerOptions): Program {
    return Program.start(new URL('programs/follower.ts', import.meta.url), options);
  }

  test('follow live, two at a time, and see every event once', async () => {
    const path = newPath();
    const writer = await openBus({ path });
    const files = [`${path}.left`, `${path}.right`];
    const followers = files.map((seen) => startFollower({ path, seen, until: 300 }));
    await Promise.all(followers.map((follower) => follower.expectLine('following')));

    for (let n = 0; n < 150; n++) await writer.append(`stream-${n % 5}`, [{ type: 'counted' }, { type: 'counted' }]);

    for (const follower of followers) expect(await follower.ended()).toEqual({ code: 0, signal: null, stderr: '' });
    const all = Array.from({ length: 300 }, (_, index) => index + 1);
    for (const file of files) expect(new SeenFile(file).readOn().map(({ position }) => position)).toEqual(all);
    await writer.close();
  });

  test('harm nobody when they are killed in the middle of a read', async () => {
    const path = newPath();
    const writer = await openBus({ path });
    for (let n = 0; n < 40; n++) await writer.append(`stream-${n % 5}`, Array(500).fill({ type: 'counted', data: n }));
    const survivor = await RemoteBus.open({ path, readOnly: true });
    await survivor.startFollowing('live', 20_000);

    for (let n = 0; n < 4; n++) {
      const reader = await RemoteBus.open({ path, readOnly: true });
      await reader.startReading('all');
      await reader.nextPage('all');
      // Nothing says when it is in the middle of a page: it is told to read on and killed at once.
      const reading = reader.read().catch(() => undefined);
      await reader.program.crash();
      await reading;
      await writer.append('after-a-kill', { type: 'counted', data: n });
    }

    expect(await survivor.nextPage('live')).not.toBeNull();
    expect(await survivor.head()).toBe(20_004);
    expect(await writer.verify()).toMatchObject({ ok: true, events: 20_004 });
    await writer.close();
    await using again = await openBus({ path });
    expect(again.head).toBe(20_004);
  });

  test('see an event that was committed while they looked, without waiting for another one', async (context) => {
    const { start } = needTool(context, journal, 'a C compiler');
    const path = newPath();
    const writer = await RemoteBus.open({ path }, start(path, `${path}.journal`));
    await writer.append('stream', { type: 'counted' });
    const reader = await RemoteBus.open({ path, readOnly: true });
    await reader.startFollowing('live', 1);
    const page = reader.nextPage('live');

    // The meta page is in the file, but the writer sleeps before it tells the others.
    await writer.fault('meta 1 STOP');
    const appended = writer.append('stream', { type: 'counted' });
    await waitUntil('the writer is stopped', () => isStopped(writer.pid));
    // Long enough for some polls of the reader's own, every 20 ms.
    const until = performance.now() + 100;
    while (performance.now() < until) expect(await reader.head()).toBe(1);
    writer.program.kill('SIGCONT');
    await appended;

    expect(await reader.head()).toBe(2);
    expect(await page).toEqual([[2, expect.any(String)]]);
  });
});

/** Linux: the third field of /proc/PID/stat. */
function isStopped(pid: number): boolean {
  return / T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/, ''));
}

describe('an open bus', () => {
  async function startIdle(running: IdleOptions['running'], readOnly: boolean): Promise<Program> {
    const path = newPath();
    await using bus = await openBus({ path });
    for (let n = 0; n < 5; n++) await bus.append('stream', Array(1000).fill({ type: 'counted', data: n }));
    await bus.close();
    const idle = Program.start(new URL('programs/idle.ts', import.meta.url), { path, readOnly, running });
    await idle.expectLine('open');
    return idle;
  }

  // Each alone would do, so all that keep nothing alive may run beside each other.
  const idling: IdleOptions['running'] = [
    'half a read',
    'head$',
    'paused processor',
    'stopped processor',
    'port',
    'query that is over',
  ];
  test.for<[running: IdleOptions['running'], readOnly: boolean]>([
    [[], false],
    [[], true],
    [idling, false],
    [['half a read', 'head$'], true],
  ])('does not keep the process alive with %j running (readOnly: %s)', async ([running, readOnly]) => {
    const idle = await startIdle(running, readOnly);

    expect(await idle.ended()).toEqual({ code: 0, signal: null, stderr: '' });
    await expect(idle.line()).rejects.toThrow('ended without');
  });

  test.for([false, true])('keeps the process alive while a subscription waits (readOnly: %s)', async (readOnly) => {
    const idle = await startIdle(['subscription'], readOnly);

    await idle.expectLine('alive');
    await idle.crash();
  });

  test.for(['processor', 'retrying processor'] as const)(
    'keeps the process alive while it has a %s',
    async (running) => {
      const idle = await startIdle([running], false);

      await idle.expectLine('alive');
      await idle.crash();
    },
  );
});

describe('a second writer', () => {
  test('is refused with STORE_LOCKED, which names the process that holds the store', async () => {
    const path = newPath();
    const first = await RemoteBus.open({ path });
    const second = RemoteBus.start();

    const refusal = second.open({ path });

    await expect(refusal).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringContaining(String(first.pid)),
      detail: { path, holder: expect.stringContaining(String(first.pid)) },
    });
    expect(await first.append('stream', { type: 'counted' })).toMatchObject({ firstPosition: 1 });
  });

  test('is refused after waiting as long as it was told to', async () => {
    const path = newPath();
    await using first = await openBus({ path });
    const second = RemoteBus.start();
    const start = performance.now();

    await expect(second.open({ path, lockWaitMs: 300 })).rejects.toMatchObject({ code: 'STORE_LOCKED' });

    expect(performance.now() - start).toBeGreaterThan(290);
    expect(await first.append('stream', { type: 'counted' })).toMatchObject({ firstPosition: 1 });
  });

  test('takes over with lockWaitMs once the first is killed, and finds all that was acked', async () => {
    const path = newPath();
    const first = await RemoteBus.open({ path });
    for (let n = 1; n <= 20; n++) await first.append('stream', { type: 'counted', data: n });
    const second = RemoteBus.start();
    const opening = second.open({ path, lockWaitMs: 15_000 });
    await expect(RemoteBus.open({ path })).rejects.toMatchObject({ code: 'STORE_LOCKED' });

    await first.program.crash();
    await opening;

    expect((await second.read()).map(({ data }) => data)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(await second.append('stream', { type: 'counted' })).toMatchObject({ firstPosition: 21, firstVersion: 21 });
  });
});
