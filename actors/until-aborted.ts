/** Waiting that a signal ends. */
import { abortError } from '../src/log/pages.ts';

/**
 * Settles as `work` does, unless `signal` is aborted before. What becomes of `work` then is nobody's concern any more.
 * @throws {ABORTED} with `outcome`
 */
export function untilAborted<Result>(
  work: PromiseLike<Result>,
  signal: AbortSignal | undefined,
  outcome: Parameters<typeof abortError>[1] = 'nothing-written',
): Promise<Result> {
  if (signal === undefined) return Promise.resolve(work);
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortError(signal, outcome));
    const leave = () => signal.removeEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort);
    Promise.resolve(work).then(resolve, reject).finally(leave);
  });
}
