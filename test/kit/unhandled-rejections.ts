/** Promises that nobody handles: what would end the process of a user. */
import { setImmediate } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/** Collects from now on, until the test ends. The function it gives waits for what is rejected by now, and tells of it. */
export function unhandledRejections(): () => Promise<unknown[]> {
  const reasons: unknown[] = [];
  const listener = (reason: unknown) => void reasons.push(reason);
  process.on('unhandledRejection', listener);
  onTestFinished(() => void process.off('unhandledRejection', listener));
  return async () => {
    for (let turn = 0; turn < 3; turn++) await setImmediate();
    return reasons;
  };
}
