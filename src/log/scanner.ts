/**
 * One page of a scan: looks at blocks one after the other until the page is full, and moves the range past what it has seen.
 *
 * A page is full with enough events, blocks or bytes, so that a filter that rejects much, or large events, end it too.
 */
import { Block } from '../codec/block.ts';
import { pageBlocksMax, pageBytesMax } from '../limits.ts';
import type { Direction, StoredEvent } from '../types.ts';
import type { DecodeAhead } from './decode-ahead.ts';
import type { BlockFilter, CompiledFilter } from './event-filter.ts';
import type { EventMaker } from './event-maker.ts';

/** What is left to scan: positions from `low` to `high`, both inclusive. The reader moves the end it reads from. */
export interface ScanRange {
  low: number;
  high: number;
  readonly direction: Direction;
  readonly filter: CompiledFilter;
  readonly decodeAhead: DecodeAhead;
}

/** Collects one page of a scan and moves the range's near end past what it has seen. */
export class Scanner {
  readonly items: StoredEvent[] = [];
  isExhausted = true;
  readonly #range: ScanRange;
  readonly #limit: number;
  readonly #isAhead: boolean;
  readonly #maker: EventMaker;
  #blocks = 0;
  #bytes = 0;

  constructor(range: ScanRange, limit: number, maker: EventMaker) {
    this.#maker = maker;
    this.#range = range;
    this.#isAhead = range.decodeAhead.nextPage();
    this.#limit = limit;
  }

  visit(firstPosition: number, bytes: Uint8Array): boolean {
    // The walk starts with a block that may lie outside, and goes on past the far end.
    if (firstPosition > this.#range.high) return this.#range.direction === 'backward';
    // Only lazy events keep their block.
    const kept = this.#isAhead ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : new Uint8Array(bytes);
    const block = new Block(kept, firstPosition, 'whole');
    if (block.lastPosition < this.#range.low) return this.#range.direction === 'forward';
    const wanted = this.#range.filter(block);
    if (wanted !== undefined) this.#bytes += bytes.length;
    if (this.#range.direction === 'forward') this.#takeForward(block, wanted);
    else this.#takeBackward(block, wanted);
    this.#blocks++;
    const isFull = this.items.length >= this.#limit || this.#blocks >= pageBlocksMax || this.#bytes >= pageBytesMax;
    if (isFull) this.isExhausted = false;
    return !isFull && this.#range.low <= this.#range.high;
  }

  #takeForward(block: Block, wanted: BlockFilter | 'all' | undefined): void {
    const range = this.#range;
    const last = Math.min(block.lastPosition, range.high);
    if (wanted !== undefined) {
      for (let ordinal = Math.max(0, range.low - block.firstPosition); block.positionOf(ordinal) <= last; ordinal++) {
        if (this.items.length >= this.#limit) {
          range.low = block.positionOf(ordinal);
          return;
        }
        this.#take(block, ordinal, wanted);
      }
    }
    range.low = last + 1;
  }

  #takeBackward(block: Block, wanted: BlockFilter | 'all' | undefined): void {
    const range = this.#range;
    const first = Math.max(block.firstPosition, range.low);
    if (wanted !== undefined) {
      for (
        let ordinal = Math.min(block.eventCount - 1, range.high - block.firstPosition);
        block.positionOf(ordinal) >= first;
        ordinal--
      ) {
        if (this.items.length >= this.#limit) {
          range.high = block.positionOf(ordinal);
          return;
        }
        this.#take(block, ordinal, wanted);
      }
    }
    range.high = first - 1;
  }

  #take(block: Block, ordinal: number, wanted: BlockFilter | 'all'): void {
    const recordAt = block.recordAt(ordinal);
    if (wanted !== 'all' && !wanted(recordAt)) return;
    block.checkKnown(ordinal);
    const maker = this.#maker;
    this.items.push(
      this.#isAhead ? maker.decoded(block, ordinal) : maker.view(block, ordinal, this.#range.decodeAhead.count),
    );
  }
}
