/**
 * A projection as an erasure meets it: it saves and lets go of what it has in memory before, and takes in afterwards what was
 * erased behind it (projection-work.ts), if it runs.
 */
import { combineLatest, firstValueFrom } from 'rxjs';
import { filter, map } from 'rxjs/operators';
import { isBusError } from '../src/errors.ts';
import { abortError } from '../src/log/pages.ts';
import type { Processor } from './processor.ts';
import type { ProcessorState } from './processor-status.ts';
import type { ProjectionBreaks } from './projection-breaks.ts';
import type { StoredProjection } from './projection-reader.ts';
import type { ProjectionSweep } from './projection-sweep.ts';
import type { ProjectionKind } from './projection-work.ts';

/** Where nothing is in memory that could be saved without being read again. */
const clean: readonly ProcessorState[] = ['idle', 'paused', 'stopped'];

/** What of a projection an erasure has to do with. */
export interface ErasureParts {
  readonly processor: Processor;
  readonly reader: StoredProjection<unknown>;
  readonly sweep: ProjectionSweep;
  readonly breaks: ProjectionBreaks;
  /** What its user wants. */
  readonly isToRun: () => boolean;
}

export class ProjectionErasure {
  readonly kind: ProjectionKind;
  readonly #processor: Processor;
  readonly #reader: StoredProjection<unknown>;
  readonly #sweep: ProjectionSweep;
  readonly #breaks: ProjectionBreaks;
  readonly #isToRun: () => boolean;

  constructor(kind: ProjectionKind, { processor, reader, sweep, breaks, isToRun }: ErasureParts) {
    this.kind = kind;
    this.#processor = processor;
    this.#reader = reader;
    this.#sweep = sweep;
    this.#breaks = breaks;
    this.#isToRun = isToRun;
  }

  /** Resolves when nothing is in its memory. It goes on by itself from what is stored, as far as it gets. */
  async letGo(): Promise<void> {
    if (this.kind.isSealed && !clean.includes(this.#processor.status.state)) {
      await this.#breaks.during(() => this.#restOnce());
    }
  }

  async #restOnce(): Promise<void> {
    const processor = this.#processor;
    if (this.#isToRun()) processor.pause();
    const state = await firstValueFrom(
      processor.state$.pipe(
        map((status) => status.state),
        filter((state) => state === 'failed' || clean.includes(state)),
      ),
      { defaultValue: 'stopped' as const },
    );
    // One that has failed could still be told to pass the event and to save.
    if (state === 'failed') await processor.stop();
    if (!this.#isToRun()) return;
    if (state === 'paused') processor.resume();
    else processor.start();
  }

  /** Resolves to true once `isDone`, and to false when nothing runs here that could still bring it about. @throws {ABORTED} {STORE_CLOSED} */
  async until(isDone: () => boolean, signal: AbortSignal | undefined): Promise<boolean> {
    const left = new AbortController();
    const unheard = this.#sweep.onFailed(() => left.abort());
    this.#sweep.start();
    const ended = combineLatest([this.#processor.state$, this.#breaks.count$]).subscribe({
      next: ([{ tags }, breaks]) => {
        // Another erasure, or a rebuild, lets it go on by itself.
        if (!tags.includes('running') && breaks === 0) left.abort();
      },
      complete: () => left.abort(),
    });
    try {
      const signals = signal === undefined ? left.signal : AbortSignal.any([left.signal, signal]);
      await this.#reader.waitUntil(isDone, { signal: signals });
      return true;
    } catch (error) {
      // It is erased already: only the wait is over.
      if (signal?.aborted) throw abortError(signal, 'unknown');
      if (left.signal.aborted && isBusError(error, 'ABORTED')) return isDone();
      throw error;
    } finally {
      unheard();
      ended.unsubscribe();
    }
  }
}
