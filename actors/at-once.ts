/** What the user's code has to say at once. */
import { isThenable } from '../src/thenable.ts';

/** `value`, unless it is a promise; what becomes of that is not waited for, and does not end the process. @throws {TypeError} */
export function atOnce<Value>(value: Value, what: string): Value {
  if (!isThenable(value)) return value;
  (value as PromiseLike<unknown>).then(undefined, () => undefined);
  throw new TypeError(`${what} returned a promise: it is asked for an answer at once`);
}
