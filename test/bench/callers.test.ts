import { expect, test } from 'vitest';
import { runCallers } from '../../bench/callers.ts';

test('every caller has one append in flight, and makes the next one at once', async () => {
  let inFlight = 0;
  let most = 0;
  let left = 100;

  const appended = await runCallers(
    8,
    async () => {
      most = Math.max(most, ++inFlight);
      await Promise.resolve();
      inFlight--;
    },
    () => left-- <= 0,
  );

  expect({ appended, most, inFlight }).toEqual({ appended: 100, most: 8, inFlight: 0 });
});

test('an append that fails fails the run', async () => {
  const failing = runCallers(
    2,
    () => Promise.reject(new Error('disk full')),
    () => false,
  );

  await expect(failing).rejects.toThrow('disk full');
});
