/** Waiting that has a bound. */
import { setTimeout } from 'node:timers/promises';

/** Resolves with `true` when `work` is done, or with `false` after `ms`. Rejects as `work` does. Leaves no timer behind. */
export async function withinMs(ms: number, work: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController();
  try {
    return await Promise.race([work.then(() => true), setTimeout(ms, false, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}
