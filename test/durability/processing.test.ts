/**
 * Processors against an oracle that knows nothing of them: what their handler has written down, run after run, each ended by
 * `kill -9`. Every event is handled in order at least once, and again only behind the cursor that was durable.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readCursor } from '#kernel/log/cursor';
import { initialMetaRows, readIdentity } from '#kernel/log/store-meta';
import { openLmdbEngine } from '#kernel/storage/lmdb-engine';
import { crashDirectory } from '../kit/crash-directory.ts';
import { Program, waitUntil } from '../kit/crash-process.ts';
import { Random } from '../kit/crash-workload.ts';
import type { ProcessingLine, ProcessingOptions } from './programs/processing.ts';

const program = new URL('./programs/processing.ts', import.meta.url);
const rounds = process.env.TEST_LONG === undefined ? 6 : 150;

/** What may come next, told from what came: the oracle. */
class Oracle {
  readonly handled = new Set<number>();
  /** Handled last. */
  last = 0;
  #next = 1;
  /** The reset that is asked for, and whether what follows it was handled already. There is one at a time. */
  #reset: { readonly to: number; isFollowed: boolean } | undefined;
  duplicates = 0;

  /** Takes the lines of one run, which has begun behind `cursor`. */
  take(lines: readonly ProcessingLine[], cursor: number): void {
    this.#next = cursor + 1;
    for (const [kind, position = 0] of lines) {
      if (kind === 'reset') this.#reset = { to: position, isFollowed: false };
      else if (kind === 'done') this.#endReset(position);
      else if (kind === 'handled') this.#handle(position);
    }
  }

  /** Where the cursor may be after a crash: not beyond what was handled, unless a reset has put it there. */
  allows(cursor: number): boolean {
    const isReset = cursor === this.#reset?.to;
    this.#reset = undefined;
    return cursor <= this.last || isReset;
  }

  #endReset(to: number): void {
    if (this.#reset?.isFollowed === false) this.#next = to + 1;
    this.#reset = undefined;
  }

  #handle(position: number): void {
    const reset = this.#reset;
    if (reset !== undefined && position === reset.to + 1) reset.isFollowed = true;
    else expect(position).toBe(this.#next);
    if (this.handled.has(position)) this.duplicates++;
    this.handled.add(position);
    this.last = position;
    this.#next = position + 1;
  }
}

async function durable(path: string): Promise<{ cursor: number; head: number }> {
  const options = { directory: path, durability: 'sync', lockWaitMs: 5000, force: [] } as const;
  const engine = await openLmdbEngine({ ...options, readOnly: false, initialRows: initialMetaRows('sync', 0) });
  try {
    return engine.read((snapshot) => {
      const { incarnation } = readIdentity(snapshot, path);
      let head = 0;
      snapshot.walkBackward(Number.MAX_SAFE_INTEGER, (position) => {
        head = position;
        return false;
      });
      return { cursor: readCursor(snapshot, 'witnessed', incarnation)?.position ?? 0, head };
    });
  } finally {
    engine.close();
  }
}

function linesOf(witness: string): ProcessingLine[] {
  const text = readFileSync(witness, 'utf8');
  // The last line may be torn by the kill.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as ProcessingLine]));
}

function lastHandled(witness: string): number {
  const [, position = 0] = linesOf(witness).findLast(([kind]) => kind === 'handled') ?? [];
  return position;
}

test(`an independent oracle agrees with a processor through ${rounds} kills`, { timeout: 1_200_000 }, async () => {
  const directory = crashDirectory();
  const path = join(directory, 'store');
  const oracle = new Oracle();
  const random = new Random(Number(process.env.TEST_SEED ?? Date.now() % 1e9));
  let cursor = 0;
  // A few more where no kill has come between an event and its cursor yet.
  for (let round = 0; round < rounds || (oracle.duplicates === 0 && round < 10 * rounds); round++) {
    const witness = join(directory, `witness-${round}`);
    const options: ProcessingOptions = { path, witness, seed: random.integer(0, 2 ** 30), goOn: true };
    const run = Program.start(program, options);
    await run.expectLine('running');
    await waitUntil('it is well ahead of the rounds before', () => lastHandled(witness) > 10 * (round + 1));
    await delay(random.integer(0, 700));
    await run.crash();

    oracle.take(linesOf(witness), cursor);
    ({ cursor } = await durable(path));
    expect(oracle.allows(cursor)).toBe(true);
  }
  const witness = join(directory, 'witness-last');

  const last = Program.start(program, { path, witness, seed: 1, goOn: false } satisfies ProcessingOptions);
  await last.expectLine('done');
  oracle.take(linesOf(witness), cursor);

  const { head } = await durable(path);
  expect(oracle.handled.size).toBeGreaterThanOrEqual(head);
  expect(Math.max(...oracle.handled)).toBe(oracle.handled.size);
  expect(oracle.handled.size).toBeGreaterThan(rounds * 10);
  expect(oracle.duplicates).toBeGreaterThan(0);
});
