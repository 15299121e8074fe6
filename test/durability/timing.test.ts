/**
 * Timers against an oracle that knows nothing of them: what their program has written down, run after run, each ended by
 * `kill -9`. Every timer that was acknowledged is in the log exactly once in the end, unless it was replaced or cancelled in time.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openBus } from '#store';
import { collect } from '../kit/collect.ts';
import { crashDirectory } from '../kit/crash-directory.ts';
import { Program, waitUntil } from '../kit/crash-process.ts';
import { Random } from '../kit/crash-workload.ts';
import type { TimingLine, TimingOptions } from './programs/timing.ts';

const program = new URL('./programs/timing.ts', import.meta.url);
const rounds = process.env.TEST_LONG === undefined ? 4 : 150;

/** What must have become of each timer, told from what its program said. */
class Oracle {
  readonly fires = new Set<number>();
  /** Replaced or cancelled in time. */
  readonly goes = new Set<number>();
  /** All that were ever ordered. */
  readonly ordered = new Set<number>();
  readonly #acknowledged = new Set<number>();
  /** The newest timer of each key, as far as it is not known what became of it. */
  readonly #newest = new Map<string, number>();
  /** What is being replaced or cancelled: the answer tells its fate. */
  readonly #asked = new Map<string, number | undefined>();

  /** The lines of one run. What it asked last was perhaps not answered. */
  take(lines: readonly TimingLine[]): void {
    this.#asked.clear();
    for (const [kind, key, n = 0] of lines) {
      if (kind === 'ordering' || kind === 'cancelling') this.#ask(key);
      else this.#decide(key, kind === 'replaced' || kind === 'cancelled');
      if (kind === 'ordering') {
        this.ordered.add(n);
        this.#newest.set(key, n);
      } else if (kind === 'replaced' || kind === 'new') this.#acknowledged.add(n);
    }
  }

  /** All is over: what nobody touched has fired. */
  end(): void {
    for (const n of this.#newest.values()) if (this.#acknowledged.has(n)) this.fires.add(n);
  }

  #ask(key: string): void {
    this.#asked.set(key, this.#newest.get(key));
    this.#newest.delete(key);
  }

  #decide(key: string, wasPending: boolean): void {
    const n = this.#asked.get(key);
    if (n === undefined) return;
    if (wasPending) this.goes.add(n);
    else if (this.#acknowledged.has(n)) this.fires.add(n);
  }
}

function linesOf(witness: string): TimingLine[] {
  const text = readFileSync(witness, 'utf8');
  // The last line may be torn by the kill.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as TimingLine]));
}

test(`every timer fires once through ${rounds} kills`, { timeout: 1_200_000 }, async () => {
  const directory = crashDirectory();
  const path = join(directory, 'store');
  const oracle = new Oracle();
  const random = new Random(Number(process.env.TEST_SEED ?? Date.now() % 1e9));
  const common = { path, seed: 0, goOn: true } as const;
  // A few more where hardly any timer was replaced or cancelled in time.
  for (let round = 0; round < rounds || (oracle.goes.size <= rounds && round < 10 * rounds); round++) {
    const witness = join(directory, `witness-${round}`);
    const seed = random.integer(0, 2 ** 30);
    const run = Program.start(program, { ...common, witness, seed, first: round * 1e6 } satisfies TimingOptions);
    await run.expectLine('running');
    await waitUntil('it has ordered some', () => linesOf(witness).length > 100);
    await delay(random.integer(0, 300));
    await run.crash();
    oracle.take(linesOf(witness));
  }
  await delay(100);

  const last = Program.start(program, { ...common, witness: join(directory, 'last'), first: 0, goOn: false });
  await last.expectLine('done');
  oracle.end();

  const bus = await openBus({ path, readOnly: true });
  const events = await collect(bus.read());
  const fired = events.map(({ data }) => data.n as number);
  expect(new Set(fired).size).toBe(fired.length);
  expect([...oracle.fires].filter((n) => !fired.includes(n))).toEqual([]);
  expect(fired.filter((n) => oracle.goes.has(n) || !oracle.ordered.has(n))).toEqual([]);
  expect(events.filter(({ timeMs, data }) => timeMs < data.dueMs)).toEqual([]);
  expect(await collect(bus.timers())).toEqual([]);
  expect(await bus.verify()).toMatchObject({ ok: true });
  expect(oracle.fires.size).toBeGreaterThan(rounds);
  expect(oracle.goes.size).toBeGreaterThan(rounds);
  await bus.close();
});
