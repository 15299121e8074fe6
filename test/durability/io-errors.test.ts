/**
 * A disk that fails: the append is rejected, the bus takes no more, the process lives on, and nothing acked is lost.
 *
 * The faults are injected by a preloaded library, at the call they name.
 */
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { type Bus, openBus, type StoredEvent } from '#store';
import { RemoteBus } from '../kit/crash-bus.ts';
import { crashDirectory } from '../kit/crash-directory.ts';
import { buildJournal, type Fault, needTool } from '../kit/crash-tools.ts';

const journal = buildJournal();

/** A store with three events, open for writing in a process whose writes can be made to fail. */
async function openWithFaults(context: TestContext): Promise<{ path: string; bus: RemoteBus }> {
  const { start } = needTool(context, journal, 'a C compiler');
  const directory = crashDirectory();
  const path = join(directory, 'store');
  const bus = await RemoteBus.open({ path }, start(directory, join(directory, 'journal')));
  for (let n = 1; n <= 3; n++) await bus.append('acked', { type: 'counted', data: n });
  return { path, bus };
}

async function readAll(path: string): Promise<StoredEvent[]> {
  const bus: Bus = await openBus({ path });
  try {
    expect(await bus.verify()).toMatchObject({ ok: true });
    const events: StoredEvent[] = [];
    // All of it now: what is sealed does not open once the bus is closed.
    for await (const event of bus.read()) events.push({ ...event });
    return events;
  } finally {
    await bus.close();
  }
}

const acked = [1, 2, 3].map((data) =>
  expect.objectContaining({ stream: 'acked', version: data, position: data, data }),
);

const failures: readonly { what: string; fault: Fault }[] = [
  { what: 'the sync of the pages', fault: 'sync 1 EIO' },
  { what: 'the write of the meta page', fault: 'meta 1 EIO' },
  // Not EIO: then lmdb formats a message of up to 120 bytes into 100 (mdb.c, mdb_page_flush), which may end the process.
  { what: 'the write of a page, half done,', fault: 'page 1 SHORT' },
];
/** The disk fails behind the page cache, where the new bytes stay. */
const lateFailures: readonly { what: string; fault: Fault }[] = [
  { what: 'the sync of the pages, too late,', fault: 'sync 1 LATE' },
  { what: 'the write of the meta page, too late,', fault: 'meta 1 LATE' },
];
const lastingFailures: readonly { what: string; fault: Fault }[] = [
  { what: 'every sync from now on', fault: 'sync 1+ EIO' },
  { what: 'every write of a meta page from now on', fault: 'meta 1+ EIO' },
  { what: 'every write of a page from now on', fault: 'page 1+ SHORT' },
];

describe.each([...failures, ...lateFailures])('when $what fails', ({ fault }) => {
  test('calls that share the failed commit are all rejected, and none is half there', async (context) => {
    const { bus, path } = await openWithFaults(context);
    await bus.fault(fault);
    const pair = [{ type: 'counted' }, { type: 'counted' }];

    const outcomes = await bus.appendAll([
      ['left', pair],
      ['right', pair],
    ]);
    await bus.close();
    await bus.ended();

    expect(outcomes).toMatchObject([{ error: { code: 'STORE_FAILED' } }, { error: { code: 'STORE_FAILED' } }]);
    const events = await readAll(path);
    expect(events.slice(0, 3)).toEqual(acked);
    expect([0, 4]).toContain(events.length - 3);
  });
});

describe.each([...failures, ...lateFailures, ...lastingFailures])('after $what fails', ({ fault }) => {
  test('the append and every later one are rejected with STORE_FAILED, the bus closes, its process ends by itself, and the store holds all that was acked', async (context) => {
    const { bus, path } = await openWithFaults(context);
    await bus.fault(fault);

    await expect(bus.append('lost', { type: 'counted', data: 4 })).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await expect(bus.append('lost', { type: 'counted', data: 5 })).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await expect(bus.append('other', { type: 'counted' })).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await bus.close();
    expect(await bus.ended()).toMatchObject({ code: 0, signal: null });

    const events = await readAll(path);
    expect(events.slice(0, 3)).toEqual(acked);
    // The outcome of what failed is unknown, but it is all of it or nothing.
    expect([0, 1]).toContain(events.length - 3);
  });
});
