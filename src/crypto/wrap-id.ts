/** Names for wrapping keys: random, so that two copies of a store that wrap their keys anew do not get the same. */
import { randomBytes } from 'node:crypto';

/** Another one than `old`; never 0. */
export function newWrapId(old: number): number {
  for (;;) {
    const id = randomBytes(6).readUIntLE(0, 6);
    if (id !== 0 && id !== old) return id;
  }
}
