/**
 * The check of what is sealed: every run is opened, and what is plain is counted.
 *
 * A run whose key was erased can't be opened by anybody: it is counted, and its records are held against their checksums only.
 */
import type { Block } from '../codec/block.ts';
import type { Snapshot } from '../storage/engine.ts';
import { EventMaker } from './event-maker.ts';

/** How the events of a store with encryption are stored. */
export interface SealCounts {
  /** That can be opened. */
  readonly sealedEvents: number;
  /** Whose key was erased. */
  readonly erasedEvents: number;
  /** Written before the store was encrypted, or to streams that are not; streams of our own, whose names start with `$`, are left out. */
  readonly plainEvents: number;
}

export class SealChecker {
  #sealedEvents = 0;
  #erasedEvents = 0;
  #plainEvents = 0;
  #isEncrypted = false;

  /** `undefined` for a store without encryption. */
  get counts(): SealCounts | undefined {
    if (!this.#isEncrypted) return undefined;
    return {
      sealedEvents: this.#sealedEvents,
      erasedEvents: this.#erasedEvents,
      plainEvents: this.#plainEvents,
    };
  }

  /** `failed` is told what each event, or run of events, that does not open is refused for. */
  check(block: Block, { keys }: Snapshot, failed: (error: unknown) => void): void {
    if (keys === undefined) return;
    this.#isEncrypted = true;
    const maker = new EventMaker(keys);
    for (let ordinal = 0; ordinal < block.eventCount; ) {
      const behind = ordinal + 1;
      try {
        if (maker.isSealed(block, ordinal)) {
          const run = maker.runOf(block, ordinal);
          ordinal = run.last + 1;
          const count = run.last - run.first + 1;
          if (run.isErased || run.open() === 'erased') this.#erasedEvents += count;
          else this.#sealedEvents += count;
        } else {
          if (!maker.plainStream(block, ordinal).startsWith('$')) this.#plainEvents++;
          ordinal = behind;
        }
      } catch (error) {
        failed(error);
        ordinal = Math.max(ordinal, behind);
      }
    }
  }
}
