/** The clock that users may give. */
import { u48Max } from '../limits.ts';

/** Milliseconds since 1970, also when `clock` throws or gives nonsense: that must not stop anything. */
export function readClock(clock: () => number): number {
  try {
    const timeMs = Math.floor(clock());
    return timeMs >= 0 && timeMs <= u48Max ? timeMs : Date.now();
  } catch {
    return Date.now();
  }
}
