/**
 * New stores whose first writers are killed at random moments, also while they make the store.
 *
 * TEST_SEED repeats the random choices of a run, TEST_LONG=1 makes ten times as many rounds.
 */
import { expect, test } from 'vitest';
import {
  crashRound,
  crashSeed,
  endFollower,
  indexedPosition,
  newStore,
  roundsTimeoutMs,
  roundsTotal,
} from '../kit/crash-rounds.ts';
import { Random } from '../kit/crash-workload.ts';

test('a new store whose writers are killed keeps all that was acked, or is not there', {
  timeout: roundsTimeoutMs,
}, async () => {
  console.info(`TEST_SEED=${crashSeed}`);
  const random = new Random(crashSeed, 2);
  const indexedByTinyCommits: number[] = [];
  for (let round = 0; round < Math.floor(roundsTotal / 2); round += 2) {
    const isTiny = round % 4 === 0;
    const store = newStore(random, isTiny ? 'os' : 'sync');
    await crashRound(store, 'opening', 'mixed');
    await crashRound(store, 'appending', isTiny ? 'tiny' : random.pick(['mixed', 'bulk']));
    if (isTiny) indexedByTinyCommits.push(await indexedPosition(store));
    await endFollower(store);
  }

  // More commits of one block each than a tail holds: the index was flushed before the kill.
  expect(Math.min(...indexedByTinyCommits)).toBeGreaterThan(0);
});
