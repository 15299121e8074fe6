/**
 * How long the property tests search. They try 50 cases of each property, others in every run; `TEST_LONG=1` tries
 * fast-check's 100, `TEST_RUNS=10000` that many. `TEST_SEED=…` repeats the search that a failure printed. Loaded before every
 * test file (vitest.config.ts).
 */
import fc from 'fast-check';

const { TEST_LONG, TEST_RUNS, TEST_SEED } = process.env;

fc.configureGlobal({
  numRuns: Number(TEST_RUNS ?? (TEST_LONG === undefined ? 50 : 100)),
  ...(TEST_SEED === undefined ? {} : { seed: Number(TEST_SEED) }),
});
