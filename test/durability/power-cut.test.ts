/**
 * A power cut, computed: from all writes of a writer follow the files that a disk may hold when the power goes, and each of
 * them must open with all that was acked by then.
 *
 * What is assumed of a disk: crash-power-cut.ts. TEST_SEED repeats the random choices, TEST_LONG=1 tries every moment.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openBus } from '#store';
import { copyKeys } from '../kit/copy-store.ts';
import { crashDirectory } from '../kit/crash-directory.ts';
import { DiskState } from '../kit/crash-power-cut.ts';
import { Program } from '../kit/crash-process.ts';
import { crashSeed } from '../kit/crash-rounds.ts';
import { buildJournal, type Journal, needTool } from '../kit/crash-tools.ts';
import { parseJournal, type TracedCall } from '../kit/crash-trace.ts';
import type { WitnessLine } from '../kit/crash-witness.ts';
import { Random, type Workload } from '../kit/crash-workload.ts';
import type { CrashWriterOptions } from './programs/crash-writer.ts';
import type { ImageJob } from './programs/image-checker.ts';

const journal = buildJournal();
const timeoutMs = process.env.TEST_LONG ? 1_800_000 : 120_000;
const imagesTried = process.env.TEST_LONG ? Number.POSITIVE_INFINITY : 6;

test.for<{ workload: Workload; callsMax: number }>([
  { workload: { style: 'mixed', seed: 31 }, callsMax: 40 },
  { workload: { style: 'bulk', seed: 32 }, callsMax: 9 },
])(
  'after a power cut the store opens with all that was acked ($workload.style)',
  { timeout: timeoutMs },
  async (session, context) => {
    const tools = needTool(context, journal, 'a C compiler');

    const answers = await cutPower(tools, { ...session, durability: 'sync' });

    expect(answers.filter((answer) => answer !== 'ok')).toEqual([]);
    expect(answers.length).toBeGreaterThanOrEqual(6);
  },
);

test("with durability 'os' a power cut does lose what was acked, and the check can tell", {
  timeout: timeoutMs,
}, async (context) => {
  const tools = needTool(context, journal, 'a C compiler');

  const answers = await cutPower(tools, { workload: { style: 'mixed', seed: 33 }, callsMax: 40, durability: 'os' });

  expect(answers.filter((answer) => answer !== 'ok').length).toBeGreaterThan(answers.length / 2);
});

interface PowerSession {
  readonly workload: Workload;
  readonly callsMax: number;
  readonly durability: 'sync' | 'os';
}

/** Runs a writer, cuts the power at many moments of its life, and tells what became of each disk: `ok`, or what is wrong. */
async function cutPower(tools: Journal, { workload, callsMax, durability }: PowerSession): Promise<string[]> {
  const directory = crashDirectory();
  const path = join(directory, 'store');
  const steps = join(directory, 'journal');
  await (await openBus({ path })).close();
  const made = readFileSync(join(path, 'log.mdb'));
  const options: CrashWriterOptions = {
    path,
    witness: join(directory, 'witness'),
    workload,
    durability,
    retries: [],
    callsMax,
    tellAfter: -1,
  };
  const writer = Program.start(
    new URL('programs/crash-writer.ts', import.meta.url),
    options,
    tools.start(directory, steps),
  );
  expect(await writer.ended()).toEqual({ code: 0, signal: null, stderr: '' });

  const jobs = imagesOf(parseJournal(readFileSync(steps)), made, new Random(crashSeed, workload.seed));
  const answers: string[] = [];
  let checker = startChecker();
  for (const { image, lines, what } of jobs) {
    const copy = join(directory, `image-${answers.length}`);
    mkdirSync(copy);
    writeFileSync(join(copy, 'log.mdb'), image);
    // Ahead of the log, as they always are.
    copyKeys(path, copy);
    const job: ImageJob = { path: copy, durability, workload, lines };
    checker.send(JSON.stringify(job));
    const answer = await checker.line().catch((error: unknown) => String(error));
    answers.push(answer === 'ok' ? answer : `TEST_SEED=${crashSeed}, ${what}: ${answer}`);
    if (checker.hasEnded) checker = startChecker();
    rmSync(copy, { recursive: true });
  }
  return answers;
}

function startChecker(): Program {
  return Program.start(new URL('programs/image-checker.ts', import.meta.url), null);
}

interface Cut {
  readonly what: string;
  readonly image: Buffer;
  /** What the writer had told by then. */
  readonly lines: readonly WitnessLine[];
}

/** One cut behind each call to the store's file, with little, half or most of what was not synced. */
function imagesOf(trace: readonly TracedCall[], made: Buffer, random: Random): Cut[] {
  const moments = trace.flatMap(({ path }, index) => (path.endsWith('/log.mdb') ? [index] : []));
  const parts = Math.min(moments.length, imagesTried);
  const startOf = (part: number) => Math.floor((part * moments.length) / parts);
  const chosen = new Set(
    Array.from({ length: parts }, (_, part) => random.pick(moments.slice(startOf(part), startOf(part + 1)))),
  );
  const state = new DiskState(made);
  const lines: WitnessLine[] = [];
  const cuts: Cut[] = [];
  for (const [index, call] of trace.entries()) {
    if (call.path.endsWith('/witness')) lines.push(JSON.parse(call.text) as WitnessLine);
    if (!call.path.endsWith('/log.mdb')) continue;
    state.apply(call);
    if (!chosen.has(index)) continue;
    const share = random.pick([0.05, 0.5, 0.95]);
    const image = state.image(random, share);
    const what = `cut behind call ${index} of ${trace.length} (${call.kind}), ${state.unsafeCount} writes at risk, ${share} of them made it`;
    cuts.push({ what, image, lines: [...lines] });
  }
  return cuts;
}
