/**
 * A slow reader costs no disk: pages that appends leave behind are used again, however long an iteration takes.
 *
 * Overwritten pages come from index flushes, which rewrite the rows of thousands of streams. A reader that pins a snapshot on
 * purpose shows that the measure can tell.
 */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openBus } from '#store';
import { copyStore } from '../kit/copy-store.ts';
import { RemoteBus } from '../kit/crash-bus.ts';
import { crashDirectory } from '../kit/crash-directory.ts';
import { Program } from '../kit/crash-process.ts';

/** A million with TEST_LONG. */
const eventsStored = process.env.TEST_LONG === undefined ? 100_000 : 1_000_000;
const eventsPerCall = 10_000;
const streamCount = 2000;
const appendCount = 60;
const mebibyte = 2 ** 20;

/** Makes a store of that many tiny events. */
async function largeStore(directory: string): Promise<string> {
  const path = join(directory, 'large');
  await using bus = await openBus({ path });
  for (let call = 0; call < eventsStored / eventsPerCall; call++) {
    await bus.append(
      `stream-${call % 7}`,
      Array.from({ length: eventsPerCall }, (_, n) => ({ type: 'tiny', data: n })),
    );
  }
  expect(bus.head).toBe(eventsStored);
  return path;
}

/** What goes on beside the appends. */
interface Beside {
  /** After each append. */
  step(): Promise<void>;
  end(): Promise<void>;
}

/** Bytes by which a copy of the store at `path` grows under appends to thousands of streams, with something beside them. */
async function growthBeside(
  directory: string,
  path: string,
  start: (path: string, read: ReadPages) => Promise<Beside>,
): Promise<number> {
  const copy = join(directory, 'copy');
  copyStore(path, copy);
  const bus = await openBus({ path: copy });
  const beside = await start(copy, () => bus.read().pages()[Symbol.asyncIterator]());
  const before = sizeOf(copy);
  for (let call = 0; call < appendCount; call++) {
    await bus.appendMany(
      Array.from({ length: streamCount }, (_, n) => ({ stream: `of-many-${n}`, events: { type: 'tiny', data: n } })),
    );
    await beside.step();
  }
  const growth = sizeOf(copy) - before;
  // Most of it is in the index: rows were written again and again.
  expect(bus.info().indexedPosition).toBeGreaterThan(eventsStored + streamCount);
  await beside.end();
  await bus.close();
  rmSync(copy, { recursive: true });
  return growth;
}

type ReadPages = () => AsyncIterator<readonly { readonly position: number }[]>;

function sizeOf(path: string): number {
  return statSync(join(path, 'log.mdb')).size;
}

async function nothing(): Promise<Beside> {
  return { step: async () => undefined, end: async () => undefined };
}

/** Iterations over all events, one here and one in another process, that take a page for each append. */
async function slowReaders(path: string, read: ReadPages): Promise<Beside> {
  const here = read();
  const there = await RemoteBus.open({ path, readOnly: true });
  await there.startReading('all');
  let next = 1;
  return {
    step: async () => {
      const [pageHere, pageThere] = await Promise.all([here.next(), there.nextPage('all')]);
      if (pageHere.done === true || pageThere === null) throw new Error('the events were read already');
      expect([pageHere.value[0]?.position, pageThere[0]?.[0]]).toEqual([next, next]);
      next += pageHere.value.length;
    },
    end: async () => {
      await here.return?.();
      await there.close();
      await there.ended();
    },
  };
}

async function pinningReader(path: string): Promise<Beside> {
  const reader = Program.start(new URL('programs/pinning-reader.ts', import.meta.url), { path: join(path, 'log.mdb') });
  await reader.expectLine('pinned');
  return {
    step: async () => undefined,
    end: async () => {
      reader.endInput();
      await reader.ended();
    },
  };
}

test('slow iterations over the whole log make the file no larger than the appends beside them need', {
  timeout: 180_000,
}, async () => {
  const directory = crashDirectory();
  const path = await largeStore(directory);

  const alone = await growthBeside(directory, path, nothing);
  const withSlowReaders = await growthBeside(directory, path, slowReaders);
  const withPinnedSnapshot = await growthBeside(directory, path, pinningReader);

  const allowed = 1.1 * alone + mebibyte;
  console.info(
    `growth in MiB: ${[alone, withSlowReaders, withPinnedSnapshot].map((bytes) => (bytes / mebibyte).toFixed(1)).join(', ')}`,
  );
  expect(withSlowReaders).toBeLessThan(allowed);
  expect(withPinnedSnapshot).toBeGreaterThan(1.2 * allowed);
});
