/** Keeping the process alive while something is waited for: a pending promise alone does not. */

/** Any long time: the timer does nothing but exist. */
const keepAliveMs = 2 ** 30;

/** The process stays until what is returned is called. */
export function keepAlive(): () => void {
  const timer = setInterval(() => undefined, keepAliveMs);
  return () => clearInterval(timer);
}
