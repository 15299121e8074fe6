/**
 * How far erasures reach, looked up in the log once for all who ask: what is erased once never changes again.
 */
import { erasureCountsMax } from '../limits.ts';
import type { Engine } from '../storage/engine.ts';
import { countErased, type ErasedCount, erasuresBetween, type ToldErasure } from './erasure.ts';
import type { LogReader } from './log-reader.ts';

/** An erasure and what it was of. */
export interface CountedErasure extends ToldErasure, ErasedCount {}

export class ErasureCounts {
  readonly #engine: Pick<Engine, 'read'>;
  readonly #reader: LogReader;
  readonly #countByPosition = new Map<number, Promise<ErasedCount>>();

  constructor(engine: Pick<Engine, 'read'>, reader: LogReader) {
    this.#engine = engine;
    this.#reader = reader;
  }

  /** The erasures whose facts are at the positions from `since` to `until`, the first one first. @throws {STORE_CORRUPT} {STORE_CLOSED} */
  async between(since: number, until: number): Promise<CountedErasure[]> {
    const told = erasuresBetween(this.#reader, since, until).reverse();
    const counts = new Map(told.map(({ position }) => [position, this.#countByPosition.get(position)]));
    const missing = told.filter(({ position }) => counts.get(position) === undefined);
    const fresh = missing.length === 0 ? [] : this.#count(missing);
    for (const [index, { position }] of missing.entries()) counts.set(position, fresh[index]);
    return Promise.all(told.map(async (one) => ({ ...one, ...((await counts.get(one.position)) as ErasedCount) })));
  }

  /** That of one erasure, as the log is now. @throws as {@link ErasureCounts.between} */
  of(told: ToldErasure): Promise<ErasedCount> {
    return this.#count([told])[0] as Promise<ErasedCount>;
  }

  #count(told: readonly ToldErasure[]): Promise<ErasedCount>[] {
    if (this.#countByPosition.size + told.length > erasureCountsMax) this.#countByPosition.clear();
    const counted = countErased(this.#engine, told);
    return told.map(({ position }, index) => {
      const count = counted.then((counts) => counts[index] as ErasedCount);
      this.#countByPosition.set(position, count);
      // Whoever waits for it is told; the next one tries again.
      count.catch(() => {
        if (this.#countByPosition.get(position) === count) this.#countByPosition.delete(position);
      });
      return count;
    });
  }
}
