/**
 * Threads that write to one stream at a time: three clerks sell the rows of a hall, ten seats each, and none is sold twice.
 *
 * Every clerk is a worker thread with a bus of its own, connected through a port. It decides on the version it knows, and
 * decides again when another clerk was faster. The example checks what it shows.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Bus, connectBus, isBusError, openBus, type QueryResult } from '#store';
import type { query, SeatSold } from './seats-by-clerk.ts';

const hall = 'hall-1';
const seatsPerRow = 10;
const seatCount = 2100;

if (isMainThread) await openTheHall();
else await sell(workerData);

interface Sales {
  readonly seats: number;
  readonly conflicts: number;
}

async function openTheHall(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'worker-threads-'));
  const bus = await openBus<SeatSold>({ path: directory, readers: 2 });
  try {
    const clerks = await Promise.all(['Ada', 'Ben', 'Cem'].map((name) => employ(bus, name)));
    const selling = Promise.all(clerks.map((clerk) => salesOf(clerk)));
    await follow(bus);
    const sales = await selling;
    const conflicts = sales.reduce((sum, clerk) => sum + clerk.conflicts, 0);
    console.log(`${seatCount} seats sold, with ${conflicts} conflicts: each version has one winner`);

    const module = new URL('./seats-by-clerk.ts', import.meta.url);
    const seatsByClerk = await bus.query<QueryResult<typeof query>>(module, { streams: [hall], parallel: 2 });
    const counted = ['Ada', 'Ben', 'Cem'].map((name) => seatsByClerk[name] ?? 0);
    assert.deepEqual(
      counted,
      sales.map(({ seats }) => seats),
    );
    console.log(seatsByClerk);
  } finally {
    await bus.close();
    rmSync(directory, { recursive: true });
  }
}

/** Resolves when the clerk is connected. */
async function employ(bus: Bus<SeatSold>, name: string): Promise<Worker> {
  const port = bus.port();
  const clerk = new Worker(new URL(import.meta.url), { workerData: { name, port }, transferList: [port] });
  await once(clerk, 'message');
  return clerk;
}

/** Tells the clerk to begin, and resolves when the hall is full. */
async function salesOf(clerk: Worker): Promise<Sales> {
  clerk.postMessage('begin');
  const [sales] = await once(clerk, 'message');
  return sales;
}

/** Sees every seat sold once, while that happens. */
async function follow(bus: Bus<SeatSold>): Promise<void> {
  let last = 0;
  for await (const { version, data } of bus.subscribe({ streams: [hall] })) {
    assert.deepEqual({ version, seat: data.seat }, { version: last + 1, seat: last + 1 });
    last = version;
    if (last === seatCount) break;
  }
}

/** A clerk, in a thread of its own. */
async function sell({ name, port }: { name: string; port: MessagePort }): Promise<void> {
  const bus = await connectBus<SeatSold>(port);
  parentPort?.postMessage('connected');
  await once(parentPort as MessagePort, 'message');

  let [version, seats, conflicts] = [0, 0, 0];
  while (version < seatCount) {
    const row = Array.from({ length: seatsPerRow }, (_, index): SeatSold => {
      return { type: 'SeatSold', data: { seat: version + 1 + index, clerk: name } };
    });
    try {
      const { lastVersion } = await bus.append(hall, row, { expectedVersion: version });
      version = lastVersion;
      seats += seatsPerRow;
    } catch (error) {
      if (!isBusError(error, 'CONCURRENCY_CONFLICT')) throw error;
      version = error.detail.actual;
      conflicts++;
    }
  }
  await bus.close();
  parentPort?.postMessage({ seats, conflicts } satisfies Sales);
}
