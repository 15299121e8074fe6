/** How late others see that a processor of a busy process is in another state. Takes a machine of its own, so only with TEST_LONG. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type StatusReader, statusFileOf } from '#actors/status-reader';
import type { ProcessorRow } from '#kernel/dashboard/wire';
import { openBus } from '#store';
import type { BusyOptions } from '../durability/programs/busy.ts';
import { Program, waitUntil } from '../kit/crash-process.ts';
import { openSite } from '../kit/dashboard-site.ts';
import { tempDirectory } from '../kit/temp-store.ts';

const changesMax = 25;

/** Milliseconds that it took. */
interface Lateness {
  readonly file: number[];
  readonly page: number[];
}

async function latenessOf(options: Omit<BusyOptions, 'path'>): Promise<Lateness> {
  const path = join(tempDirectory(), 'store');
  const program = Program.start(new URL('../durability/programs/busy.ts', import.meta.url), { path, ...options });
  await program.expectLine('ready');
  const bus = await openBus({ path, readOnly: true });
  onTestFinished(() => bus.close());
  const site = await openSite(bus);
  const live = await site.follow('store', 'processors');
  const reader = statusFileOf(bus) as StatusReader;
  const rowOf = () => live.topic<Record<string, ProcessorRow>>('processors').target;
  const inFile = () => reader.read()?.processors.find(({ name }) => name === 'target')?.status.context.since;
  const inPage = () => rowOf()?.sinceMs;
  const late: Lateness = { file: [], page: [] };
  for (let change = 0; change < changesMax; change++) {
    const afterMs = Date.now();
    program.send('fail');
    const [file, page] = await Promise.all([latenessIn(inFile, afterMs), latenessIn(inPage, afterMs)]);
    late.file.push(file);
    late.page.push(page);
    await live.until(() => rowOf()?.state !== 'retrying');
  }
  return late;
}

/** How late a state was seen there that began after `afterMs`: it is told since when it is. */
async function latenessIn(since: () => number | undefined, afterMs: number): Promise<number> {
  let lateMs: number | undefined;
  await waitUntil('another state', () => {
    const sinceMs = since() ?? 0;
    if (sinceMs > afterMs) lateMs = Date.now() - sinceMs;
    return lateMs !== undefined;
  });
  return lateMs as number;
}

function share(values: readonly number[], part: number): number {
  return [...values].sort((left, right) => left - right)[Math.floor((values.length - 1) * part)] as number;
}

test.runIf(process.env.TEST_LONG).each<Omit<BusyOptions, 'path'>>([
  { processors: 100, partitions: 1 },
  { processors: 50, partitions: 4 },
])(
  'with all at full speed a state is in the file within 100 ms, and on the page within 300 ms: %o',
  async (options) => {
    const late = await latenessOf(options);

    console.log({ ...options, file: spread(late.file), page: spread(late.page) });
    expect(share(late.file, 0.5)).toBeLessThanOrEqual(100);
    // Whatever else the machine does.
    expect(share(late.page, 0.9)).toBeLessThanOrEqual(300);
  },
  120_000,
);

function spread(values: readonly number[]): readonly number[] {
  return [0, 0.5, 0.9, 1].map((part) => share(values, part));
}
