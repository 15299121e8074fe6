/**
 * One store whose writers are killed at random moments, again and again: nothing acked is lost, nothing is torn, nothing
 * that a follower saw is gone.
 *
 * TEST_SEED repeats the random choices of a run, TEST_LONG=1 makes ten times as many rounds.
 */
import { test } from 'vitest';
import {
  crashRound,
  crashSeed,
  endFollower,
  momentOf,
  newStore,
  roundsTimeoutMs,
  roundsTotal,
} from '../kit/crash-rounds.ts';
import { Random } from '../kit/crash-workload.ts';

/** Then a new one: a store is read from its beginning in every round. */
const roundsOfOneStore = 20;

test('a store that grows through crash after crash keeps all that was acked', {
  timeout: roundsTimeoutMs,
}, async () => {
  console.info(`TEST_SEED=${crashSeed}`);
  const random = new Random(crashSeed, 1);
  let store = newStore(random, 'sync');
  for (let round = 0; round < Math.ceil(roundsTotal / 2); round++) {
    if (store.rounds === roundsOfOneStore) {
      await endFollower(store);
      store = newStore(random, 'sync');
    }
    await crashRound(store, round === 0 ? 'appending' : momentOf(random), random.pick(['mixed', 'mixed', 'bulk']));
  }
  await endFollower(store);
});
