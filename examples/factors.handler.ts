/**
 * A handler that runs in a worker thread: it finds prime factors the slow way, and appends them behind the question.
 */
import type { EventHandler } from '#store';

export type NumberEvent =
  | { type: 'Asked'; data: { number: bigint } }
  | { type: 'Answered'; data: { factors: bigint[] } };

export const handle: EventHandler<NumberEvent, 'Asked'> = async ({ stream, data }, { append }) => {
  const factors = factorsOf(data.number);
  // Once, also if this event should be handled again: after a crash, for example.
  await append(stream, { type: 'Answered', data: { factors } });
};

function factorsOf(number: bigint): bigint[] {
  const factors: bigint[] = [];
  let rest = number;
  for (let factor = 2n; factor * factor <= rest; factor++) {
    for (; rest % factor === 0n; rest /= factor) factors.push(factor);
  }
  return rest > 1n ? [...factors, rest] : factors;
}
