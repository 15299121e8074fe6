/**
 * How long the property tests search. `TEST_RUNS=10000` tries that many cases of each property instead of fast-check's
 * 100; `TEST_SEED=…` repeats the search that a failure printed. Loaded before every test file (vitest.config.ts).
 */
import fc from 'fast-check';

const { TEST_RUNS, TEST_SEED } = process.env;

fc.configureGlobal({
  ...(TEST_RUNS === undefined ? {} : { numRuns: Number(TEST_RUNS) }),
  ...(TEST_SEED === undefined ? {} : { seed: Number(TEST_SEED) }),
});
