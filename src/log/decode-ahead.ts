/**
 * Whether the events of a page are decoded before anybody asks: when the consumer has asked for nearly all data so far.
 *
 * A lazy event costs 0.3 us more than its data alone, for accessors it may not need. So the first page of an iteration is
 * lazy and counted; the next ones are as it was used, and now and then one is lazy again, to see whether that still holds.
 */
import type { DecodeCount } from '../codec/event.ts';

/** Share of events whose data was asked for, from which on decoding ahead pays. */
const askedShareMin = 0.9;
/** Pages decoded ahead between two that are counted. */
const pagesAheadMax = 15;

export class DecodeAhead {
  /** Of the last lazy page. */
  readonly count: DecodeCount = { given: 0, decoded: 0 };
  #pagesAhead = 0;

  /** Decides for the next page; a lazy one is to be counted in `count`. */
  nextPage(): boolean {
    const { given, decoded } = this.count;
    if (given > 0 && decoded >= askedShareMin * given && this.#pagesAhead < pagesAheadMax) {
      this.#pagesAhead++;
      return true;
    }
    this.#pagesAhead = 0;
    this.count.given = 0;
    this.count.decoded = 0;
    return false;
  }
}
