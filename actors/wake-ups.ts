/**
 * Where a watch learns that the head may have moved: from shared memory, or by looking now and then.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { SharedState } from './shared-state.ts';

/** Calls `wake` whenever the head may have moved, until what it returns is called. */
export type Listen = (wake: () => void) => () => void;

/** For a store that others write: every `pollMs`. */
export function polled(pollMs: number): Listen {
  return (wake) => {
    const timer = setInterval(wake, pollMs).unref();
    return () => clearInterval(timer);
  };
}

/**
 * For a thread beside the writer: asleep until the writer wakes it, also for what does not move the head. There is at most one wait at a time, whatever comes and
 * goes, because a wait can't be taken back.
 */
export function shared(state: SharedState): Listen {
  const listeners = new Set<() => void>();
  let isWaiting = false;
  let seen = 0;
  const wait = () => {
    if (isWaiting || listeners.size === 0) return;
    isWaiting = true;
    const woken = state.woken(seen);
    const onWake = () => {
      isWaiting = false;
      seen = state.head;
      for (const listener of listeners) listener();
      wait();
    };
    if (woken === undefined) setImmediate(onWake).unref();
    else void woken.then(onWake);
  };
  return (wake) => {
    // Two may pass the same function.
    const listener = AsyncLocalStorage.bind(() => wake());
    listeners.add(listener);
    if (listeners.size === 1) seen = state.head;
    wait();
    return () => listeners.delete(listener);
  };
}
