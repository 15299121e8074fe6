/**
 * A full disk, met through the bus: refused appends leave nothing behind, and everything else goes on.
 *
 * `ulimit -f` in a shell makes the disk small: a write beyond it fails, as one to a full disk does.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openBus, type StoredEvent } from '#store';
import { RemoteBus } from '../kit/crash-bus.ts';
import { crashDirectory } from '../kit/crash-directory.ts';

/** The shell counts in units of 512 bytes (POSIX, ulimit). */
const limitBytes = 2 * 2 ** 20;
const smallDisk = { under: ['sh', '-c', `ulimit -f ${limitBytes / 512} && exec "$@"`, 'sh'] };
const timeoutMs = 60_000;

/** Appends batches until the disk is full, and tells how many were acked. */
async function fill(bus: RemoteBus, stream: string, eventsPerBatch: number, textLength: number): Promise<number> {
  const events = Array.from({ length: eventsPerBatch }, () => ({ type: 'filled', data: 'x'.repeat(textLength) }));
  for (let acked = 0; acked < 2000; acked++) {
    try {
      await bus.append(stream, events);
    } catch (error) {
      expect(error).toMatchObject({ code: 'STORE_FULL' });
      return acked;
    }
  }
  throw new Error('the disk did not become full');
}

async function smallStore(): Promise<{ path: string; bus: RemoteBus }> {
  const path = join(crashDirectory(), 'store');
  return { path, bus: await RemoteBus.open({ path }, smallDisk) };
}

async function readBack(path: string): Promise<StoredEvent[]> {
  const bus = await openBus({ path });
  try {
    expect(await bus.verify()).toMatchObject({ ok: true });
    expect(await bus.append('afterwards', { type: 'fits-again' })).toMatchObject({ firstVersion: 1 });
    const events: StoredEvent[] = [];
    for await (const event of bus.read()) events.push(event);
    return events.slice(0, -1);
  } finally {
    await bus.close();
  }
}

test('an append that does not fit is refused with STORE_FULL and writes nothing', { timeout: timeoutMs }, async () => {
  const { bus } = await smallStore();

  const acked = await fill(bus, 'large', 10, 10_000);

  expect(acked).toBeGreaterThan(5);
  expect(await bus.head()).toBe(10 * acked);
  expect(await bus.stream('large')).toMatchObject({ version: 10 * acked });
});

test('a bus on a full disk stays open and readable', { timeout: timeoutMs }, async () => {
  const { bus } = await smallStore();
  const acked = await fill(bus, 'large', 10, 10_000);

  const events = await bus.read();

  expect(events.map(({ position }) => position)).toEqual(Array.from({ length: 10 * acked }, (_, index) => index + 1));
  expect(await bus.verify()).toMatchObject({ ok: true, events: 10 * acked });
});

test('a smaller append still fits where a large one did not', { timeout: timeoutMs }, async () => {
  const { bus } = await smallStore();
  const large = await fill(bus, 'large', 200, 1000);

  const small = await fill(bus, 'small', 10, 100);

  expect(small).toBeGreaterThan(0);
  expect(await bus.head()).toBe(200 * large + 10 * small);
});

test('all that was acked on a full disk is there when the store is opened with more space', {
  timeout: timeoutMs,
}, async () => {
  const { bus, path } = await smallStore();
  const large = await fill(bus, 'large', 10, 10_000);
  const small = await fill(bus, 'small', 10, 100);

  await bus.program.crash();

  const events = await readBack(path);
  expect(events.filter(({ stream }) => stream === 'large')).toHaveLength(10 * large);
  expect(events.filter(({ stream }) => stream === 'small')).toHaveLength(10 * small);
});

test('a bus on a full disk closes, and its process ends by itself', { timeout: timeoutMs }, async () => {
  const { bus, path } = await smallStore();
  const large = await fill(bus, 'large', 10, 10_000);
  const small = await fill(bus, 'small', 10, 100);

  await bus.close();

  expect(await bus.ended()).toMatchObject({ code: 0, signal: null });
  expect(await readBack(path)).toHaveLength(10 * large + 10 * small);
});
