/** What `await` would wait for. */

/** Whether `value` is to be awaited. Asked for each event: awaiting what is none would cost a turn of the microtasks. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return typeof (value as { then?: unknown }).then === 'function';
}
