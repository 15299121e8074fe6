/**
 * A closed loop of callers: each has one append in flight, and makes the next one as soon as its own has resolved.
 */

/** Goes on until `isDone`, which is asked before each append. Returns how many were made, all of them durable. */
export async function runCallers(
  callers: number,
  appendOnce: () => Promise<unknown>,
  isDone: () => boolean,
): Promise<number> {
  let appended = 0;
  const call = async () => {
    while (!isDone()) {
      await appendOnce();
      appended++;
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  return appended;
}
