/**
 * The time as something that is looked at: what shows it is drawn again as it goes on. Stands still while the tab is hidden, and
 * while nothing shows it.
 */
import { type Signal, signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { serverNow } from './live.ts';

interface Clock {
  readonly now: Signal<number>;
  users: number;
  timer: ReturnType<typeof setInterval> | undefined;
}
const clocks = new Map<number, Clock>();

/** Milliseconds since 1970 by the server's clock, again every `everyMs`. @default 1000 */
export function useNow(everyMs = 1000): number {
  const clock = clockOf(everyMs);
  useEffect(() => {
    if (clock.users++ === 0) {
      clock.now.value = serverNow();
      clock.timer = setInterval(() => {
        if (!document.hidden) clock.now.value = serverNow();
      }, everyMs);
    }
    return () => {
      if (--clock.users === 0) clearInterval(clock.timer);
    };
  }, [clock]);
  return clock.now.value;
}

function clockOf(everyMs: number): Clock {
  const known = clocks.get(everyMs);
  if (known !== undefined) return known;
  const made: Clock = { now: signal(serverNow()), users: 0, timer: undefined };
  clocks.set(everyMs, made);
  return made;
}
