/**
 * Where a watch learns that the head may have moved: from shared memory, or by looking now and then.
 */
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
 * For a thread beside the writer: asleep until the writer wakes it. There is at most one wait at a time, whatever comes and
 * goes, because a wait can't be taken back.
 */
export function shared(state: SharedState): Listen {
  let listener: (() => void) | undefined;
  let isWaiting = false;
  let seen = 0;
  const wait = () => {
    if (isWaiting || listener === undefined) return;
    isWaiting = true;
    const woken = state.woken(seen);
    const onWake = () => {
      isWaiting = false;
      seen = state.head;
      listener?.();
      wait();
    };
    if (woken === undefined) setImmediate(onWake).unref();
    else void woken.then(onWake);
  };
  return (wake) => {
    listener = wake;
    seen = state.head;
    wait();
    return () => {
      listener = undefined;
    };
  };
}
