/** Walks of property tests through a world that may crash at any step, and how long they search. */

export interface CrashingWorld<Step> {
  take(step: Step): Promise<unknown>;
  crash(): void;
  finish(): Promise<void>;
}

/** What a step may end with when what it used is gone. */
const crashCodes = ['STORE_FAILED', 'STORE_CLOSED', 'PROCESSOR_FAILED', 'PROCESSOR_STOPPED'];

/** Takes `steps` one after the other; one that fails as a crash does is one. */
export async function takeAll<Step>(world: CrashingWorld<Step>, steps: readonly Step[]): Promise<void> {
  for (const one of steps) {
    try {
      await world.take(one);
    } catch (error) {
      const code = (error as { code?: string }).code ?? '';
      if (!crashCodes.includes(code)) throw error;
      world.crash();
    }
  }
  await world.finish();
}

/** So many cases, `long` with TEST_LONG; TEST_RUNS overrules both (property-runs.ts). */
export function casesOf(short: number, long: number): { readonly numRuns?: number } {
  const { TEST_RUNS, TEST_LONG } = process.env;
  return TEST_RUNS === undefined ? { numRuns: TEST_LONG === undefined ? short : long } : {};
}
