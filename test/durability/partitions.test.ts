/**
 * Partitions of another number after each `kill -9`, against an oracle that knows only what handlers have written down, and
 * the cursors: no event is lost, each stream stays in order, and nothing comes again that a saved cursor had passed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { partitionOf } from '#kernel/log/partitions';
import { type ConsumerInfo, openBus } from '#store';
import { crashDirectory } from '../kit/crash-directory.ts';
import { Program, waitUntil } from '../kit/crash-process.ts';
import { Random } from '../kit/crash-workload.ts';
import type { PartitionedLine, PartitionedOptions } from './programs/partitioned.ts';

const program = new URL('./programs/partitioned.ts', import.meta.url);
const numbers = process.env.TEST_LONG === undefined ? [4, 4, 2] : Array(40).fill([1, 4, 4, 2, 7, 256]).flat();

/** What may come next, told from what came: the oracle. */
class Oracle {
  readonly next = new Map<string, number>();
  duplicates = 0;

  /** Takes the lines of one run, whose partitions have begun behind what `cursorOf` says of their streams. */
  take(lines: readonly PartitionedLine[], cursorOf: (stream: string) => number): void {
    for (const [stream, version, position] of lines) {
      const next = this.next.get(stream) ?? 1;
      expect(version).toBeLessThanOrEqual(next);
      expect(position).toBeGreaterThan(cursorOf(stream));
      if (version < next) this.duplicates++;
      this.next.set(stream, version + 1);
    }
  }
}

/** The order of one run: versions of a stream follow each other, from wherever it began. */
function expectOrder(lines: readonly PartitionedLine[]): void {
  const last = new Map<string, number>();
  for (const [stream, version] of lines) {
    expect(version).toBe((last.get(stream) ?? version - 1) + 1);
    last.set(stream, version);
  }
}

/** Where streams begin in a run of so many partitions, after one that has left `saved`. */
function beginnings(saved: ConsumerInfo | undefined, partitions: number): (stream: string) => number {
  const { partitions: parts, position = 0 } = saved ?? {};
  if (parts?.length !== partitions) return () => position;
  return (stream) => parts[partitionOf(stream, partitions)]?.position ?? 0;
}

async function savedIn(path: string) {
  await using bus = await openBus({ path, readOnly: true });
  const versions = new Map<string, number>();
  for await (const { stream, version } of bus.streams()) versions.set(stream, version);
  return { saved: bus.consumers().find(({ name }) => name === 'witnessed'), versions };
}

function linesOf(witness: string): PartitionedLine[] {
  const text = readFileSync(witness, 'utf8');
  // The last line may be torn by the kill.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as PartitionedLine]));
}

test(`another number of partitions after each of ${numbers.length} kills loses nothing`, {
  timeout: 1_200_000,
}, async () => {
  const directory = crashDirectory();
  const path = join(directory, 'store');
  const oracle = new Oracle();
  const random = new Random(Number(process.env.TEST_SEED ?? Date.now() % 1e9));
  let saved: ConsumerInfo | undefined;
  // A few more where no kill has come between an event and its cursor yet.
  for (let round = 0; round < numbers.length || (oracle.duplicates === 0 && round < 10 * numbers.length); round++) {
    const partitions = numbers[round % numbers.length] as number;
    const witness = join(directory, `witness-${round}`);
    const seed = random.integer(0, 2 ** 30);
    const run = Program.start(program, { path, witness, seed, partitions, goOn: true } satisfies PartitionedOptions);
    await run.expectLine('running');
    await waitUntil('it has handled some', () => linesOf(witness).length > 20);
    await delay(random.integer(0, 200));
    await run.crash();

    const lines = linesOf(witness);
    expectOrder(lines);
    oracle.take(lines, beginnings(saved, partitions));
    ({ saved } = await savedIn(path));
  }
  const witness = join(directory, 'witness-last');

  const options: PartitionedOptions = { path, witness, seed: 1, partitions: 3, goOn: false };
  const last = Program.start(program, options);
  await last.expectLine('done');
  oracle.take(linesOf(witness), beginnings(saved, 3));

  const { saved: end, versions } = await savedIn(path);
  for (const [stream, version] of versions) expect(oracle.next.get(stream)).toBe(version + 1);
  expect(end).toMatchObject({
    lag: 0,
    partitions: [
      { of: 3, lag: 0 },
      { of: 3, lag: 0 },
      { of: 3, lag: 0 },
    ],
  });
  expect(oracle.duplicates).toBeGreaterThan(0);
});
