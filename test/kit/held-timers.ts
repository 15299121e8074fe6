/** Timers of one length that run when a test says so; all others go as they always do. */
import { onTestFinished, vi } from 'vitest';

export interface HeldTimers {
  /** Those that were set, and not cleared. */
  readonly size: number;
  /** Runs each of them once. */
  run(): void;
}

/** Holds the timers of `ms` milliseconds that `name` sets, until the test ends. */
export function holdTimers(name: 'setInterval' | 'setTimeout', ms: number): HeldTimers {
  const clearName = name === 'setInterval' ? 'clearInterval' : 'clearTimeout';
  const [set, clear] = [globalThis[name], globalThis[clearName]];
  const held = new Map<unknown, () => void>();
  const setSpy = vi.spyOn(globalThis, name).mockImplementation(((
    run: () => void,
    after: number,
    ...given: unknown[]
  ) => {
    const timer: NodeJS.Timeout = Reflect.apply(set, globalThis, [run, after, ...given]);
    if (after === ms) held.set(timer.unref(), run);
    return timer;
  }) as typeof set);
  const clearSpy = vi.spyOn(globalThis, clearName).mockImplementation((timer) => {
    held.delete(timer);
    clear(timer);
  });
  onTestFinished(() => {
    setSpy.mockRestore();
    clearSpy.mockRestore();
  });
  return {
    get size() {
      return held.size;
    },
    run() {
      for (const run of [...held.values()]) run();
    },
  };
}
