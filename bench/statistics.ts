/**
 * What is made of the samples of several rounds: numbers that one disturbed round does not move.
 */

export interface Summary {
  /** The median. */
  readonly value: number;
  readonly min: number;
  readonly max: number;
}

/** The middle of the sorted samples; of an even number, the mean of the two in the middle. */
export function median(samples: readonly number[]): number {
  if (samples.length === 0) throw new RangeError('there is no median of nothing');
  const sorted = [...samples].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

export function summarize(samples: readonly number[]): Summary {
  return { value: median(samples), min: Math.min(...samples), max: Math.max(...samples) };
}

/**
 * How many times better the subject is: the median over the rounds of the ratio within each round, since what runs at
 * nearly the same time meets nearly the same disturbance. Above 1 the subject is ahead.
 */
export function pairedRatio(subject: readonly number[], peer: readonly number[], isLessBetter: boolean): number {
  if (subject.length !== peer.length) throw new RangeError('every round has a sample of both');
  return median(
    subject.map((own, round) => {
      const other = peer[round] as number;
      return isLessBetter ? other / own : own / other;
    }),
  );
}

/** The order of turns in `round`: forward in even rounds, backward in odd ones, so that nobody always goes first. */
export function turns<Item>(items: readonly Item[], round: number): Item[] {
  return round % 2 === 0 ? [...items] : items.toReversed();
}
