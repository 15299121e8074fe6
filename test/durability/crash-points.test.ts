/**
 * A writer that is killed before each single write, sync, rename and unlink that it makes to its store: every state of the
 * files that `kill -9` can leave behind.
 *
 * TEST_LONG=1 tries all points; otherwise a random choice of them, which TEST_SEED repeats.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openBus } from '#store';
import { copyStore } from '../kit/copy-store.ts';
import { crashDirectory } from '../kit/crash-directory.ts';
import { CrashModel } from '../kit/crash-model.ts';
import { Program } from '../kit/crash-process.ts';
import { crashSeed } from '../kit/crash-rounds.ts';
import { buildJournal, type Fault, type Journal, needTool } from '../kit/crash-tools.ts';
import { parseJournal } from '../kit/crash-trace.ts';
import { readWitness, type WitnessLine } from '../kit/crash-witness.ts';
import { Random, type Workload } from '../kit/crash-workload.ts';
import type { CrashWriterOptions } from './programs/crash-writer.ts';

const journal = buildJournal();
const timeoutMs = process.env.TEST_LONG ? 1_800_000 : 120_000;
const pointsTried = process.env.TEST_LONG ? Number.POSITIVE_INFINITY : 3;

/** What a writer does between its start and its end. */
interface Session {
  readonly workload: Workload;
  readonly callsMax: number;
  /** A store to begin with, and who made it. */
  readonly base?: { readonly path: string; readonly workload: Workload; readonly lines: readonly WitnessLine[] };
}

test('a writer that is killed at any step of making a store leaves a whole one or none', {
  timeout: timeoutMs,
}, async (context) => {
  const tools = needTool(context, journal, 'a C compiler');
  const session: Session = { workload: { style: 'mixed', seed: 11 }, callsMax: 4 };

  await sweep(tools, session);
});

test('a writer that is killed at any step of an index flush leaves the index as it was, or as it must be', {
  timeout: timeoutMs,
}, async (context) => {
  const tools = needTool(context, journal, 'a C compiler');
  const directory = crashDirectory();
  const path = join(directory, 'store');
  const workload: Workload = { style: 'bulk', seed: 21 };
  const witness = join(directory, 'witness');
  // Close to a full tail: the calls of the session make it flow over.
  await runWriter(
    { path, witness, workload, durability: 'sync', retries: [], callsMax: 6, tellAfter: 6 },
    undefined,
    true,
  );
  const bus = await openBus({ path, readOnly: true });
  const { head, indexedPosition } = bus.info();
  await bus.close();
  expect({ indexedPosition, isTailLarge: head > 8000 }).toEqual({ indexedPosition: 0, isTailLarge: true });

  await sweep(tools, {
    workload: { style: 'bulk', seed: 22 },
    callsMax: 5,
    base: { path, workload, lines: readWitness(witness) },
  });
});

/** Runs the session once to count its steps, then again and again with a kill before one of them. */
async function sweep(tools: Journal, session: Session): Promise<void> {
  const whole = await runSession(tools, session, undefined);
  expect(whole.isClosed).toBe(true);
  const steps = spread(whole.stepCount, new Random(crashSeed, 3));
  console.info(`TEST_SEED=${crashSeed}: ${steps.length} of ${whole.stepCount} points`);

  // Two at a time: while one writer works, what another left is checked.
  const tryNext = async () => {
    for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
      try {
        const { isClosed, stepCount } = await runSession(tools, session, `any ${step} KILL`);
        expect({ isClosed, stepCount }).toEqual({ isClosed: false, stepCount: step - 1 });
      } catch (error) {
        // The other one stops, too, before the test ends.
        steps.length = 0;
        throw new Error(`killed before step ${step} of ${whole.stepCount}: ${String(error)}`, { cause: error });
      }
    }
  };
  for (const outcome of await Promise.allSettled([tryNext(), tryNext()])) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}

/** Numbers from 1 to `count`: all of them, or one by chance out of each of some equal parts. */
function spread(count: number, random: Random): number[] {
  const parts = Math.min(count, pointsTried);
  return Array.from({ length: parts }, (_, part) => 1 + Math.floor(((part + random.next()) * count) / parts));
}

async function runSession(
  tools: Journal,
  { workload, callsMax, base }: Session,
  fault: Fault | undefined,
): Promise<{ readonly isClosed: boolean; readonly stepCount: number }> {
  const directory = crashDirectory();
  const path = join(directory, 'store');
  const witness = join(directory, 'witness');
  const steps = join(directory, 'journal');
  if (base !== undefined) {
    copyStore(base.path, path);
  }
  await runWriter(
    { path, witness, workload, durability: 'sync', retries: [], callsMax, tellAfter: -1, inline: true },
    tools.start(path, steps, fault),
    fault !== undefined,
  );
  const lines = readWitness(witness);
  await checkStore(path, workload, lines, base);
  return {
    isClosed: lines.at(-1)?.kind === 'closed',
    stepCount: parseJournal(readFileSync(steps)).length,
  };
}

/** Runs a writer to its end: by itself, or killed (by its fault, or here once it has told that it made its calls). */
async function runWriter(
  options: CrashWriterOptions,
  start: ReturnType<Journal['start']> | undefined,
  isKilled: boolean,
): Promise<void> {
  const writer = Program.start(new URL('programs/crash-writer.ts', import.meta.url), options, start);
  if (options.tellAfter > 0) {
    for (let line = await writer.line(); line !== 'acked'; ) line = await writer.line();
    await writer.crash();
  }
  const { code, signal, stderr } = await writer.ended();
  expect({ code, signal, stderr }).toEqual({
    code: isKilled ? null : 0,
    signal: isKilled ? 'SIGKILL' : null,
    stderr: '',
  });
}

/** As the next writer finds it, which also tries again what was left open. */
async function checkStore(
  path: string,
  workload: Workload,
  lines: readonly WitnessLine[],
  base: Session['base'],
): Promise<void> {
  const model = new CrashModel();
  if (base !== undefined) model.register(base.workload);
  if (!existsSync(join(path, 'log.mdb'))) expect(lines).toEqual([]);
  const bus = await openBus({ path });
  try {
    await model.follow(bus, workload, [...(base?.lines ?? []), ...lines]);
    await model.retryPending(bus);
  } finally {
    await bus.close();
  }
}
