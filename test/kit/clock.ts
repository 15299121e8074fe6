/** A clock that goes faster the more one looks at it. */
import { onTestFinished, vi } from 'vitest';

/** Until the test ends each look at the clock is so much later than the one before. */
export function clockOf(stepMs: number): void {
  let now = 0;
  const spy = vi.spyOn(performance, 'now').mockImplementation(() => {
    now += stepMs;
    return now;
  });
  onTestFinished(() => spy.mockRestore());
}
