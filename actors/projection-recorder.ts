/**
 * The recorder of a projection: calls its handlers on the overlay, and hands what they wrote to the processor as effects.
 *
 * Guarantees that a call that throws leaves nothing behind, and that effects hold what was handled up to their position and
 * nothing else: also when a later round began on top of them and was given up.
 */
import { assert } from '../src/assert.ts';
import { groupBytesMax } from '../src/limits.ts';
import { ProjectionOverlay } from '../src/log/projection-overlay.ts';
import type { BuildEntries } from '../src/log/projection-rows.ts';
import type { RowDraft } from '../src/log/row-draft.ts';
import type { Engine } from '../src/storage/engine.ts';
import { isThenable } from '../src/thenable.ts';
import type { StoredEvent } from '../src/types.ts';
import type { Effects, Recorder } from './effects.ts';
import type { ErasedPart } from './projection-options.ts';
import { CallView } from './projection-view.ts';

/** A handler of any type of events. */
export type ProjectionCall = (view: CallView, event: StoredEvent) => unknown;
/** Corrects the entries after an erasure. */
export type ErasedCall = (view: CallView, erased: ErasedPart) => unknown;

export interface RecorderOptions {
  readonly name: string;
  readonly engine: Pick<Engine, 'read'>;
  /** By the type of the event. */
  readonly calls: ReadonlyMap<string, ProjectionCall>;
  /** Whether a save is to come next, now that everything up to `position` is handled. `isDirty`: there is something to write. */
  readonly isDue: (position: number, isDirty: boolean) => boolean;
}

export class ProjectionRecorder implements Recorder {
  readonly #options: RecorderOptions;
  #overlay: ProjectionOverlay | undefined;
  /** Everything up to here is handled, as the overlay has it. */
  #position = 0;
  /** Those the current round began on, and those it ended with. */
  #before: ProjectionEffects | undefined;
  #after: ProjectionEffects | undefined;
  /** Whose rows were asked for last. */
  #given: ProjectionEffects | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Works on the entries of another build from here on, or of the same one anew: as the store has them. */
  open(entries: BuildEntries): void {
    this.#overlay = new ProjectionOverlay(this.#options.engine, entries);
    this.#forget();
  }

  /**
   * What `correct` makes of the entries as they are stored, in rows. Before anything is handled, and nothing of it stays here:
   * the entries are to be opened anew when it is durable. @throws as {@link ProjectionRecorder.call}
   */
  corrected(correct: ErasedCall, erased: readonly ErasedPart[]): readonly RowDraft[] {
    const overlay = this.#opened();
    overlay.clear();
    try {
      for (const part of erased) this.#inView('onErased', (view) => correct(view, part));
      return overlay.rows('now');
    } finally {
      overlay.clear();
    }
  }

  begin(position: number, unsaved: Effects | undefined): void {
    const overlay = this.#opened();
    if (unsaved === undefined) {
      if (overlay.isDirty || position !== this.#position) overlay.clear();
      this.#forget();
    } else if (position < (this.#after?.position ?? 0)) {
      // Nobody has waited for the round that ended there.
      overlay.undoRound();
      overlay.beginRound();
      this.#after = undefined;
      assert(
        this.#before !== undefined && position >= this.#before.position,
        'a round begins on effects that are known',
      );
    } else {
      // What was passed over since without a call has changed nothing.
      overlay.beginRound();
      this.#before = this.#after ?? this.#before;
      this.#after = undefined;
    }
    this.#position = position;
  }

  end(position: number): Effects | undefined {
    const overlay = this.#opened();
    const isDue = this.#options.isDue(position, overlay.isDirty);
    this.#position = position;
    if (position === this.#before?.position) {
      // Nothing was handled: the processor stays with what it has.
      this.#after = this.#before;
    } else if (overlay.isDirty || isDue) {
      const bytes = isDue ? groupBytesMax : overlay.dirtyBytes;
      this.#after = new ProjectionEffects(position, bytes, (asked) => this.#rows(asked));
    }
    return this.#after;
  }

  /** Handles one event. @throws what the handler throws, and then nothing of it remains; {TypeError} when it returns a promise. */
  call(event: StoredEvent): void {
    const { calls } = this.#options;
    this.#inView(event.type, (view) => calls.get(event.type)?.(view, event));
  }

  #inView(what: string, call: (view: CallView) => unknown): void {
    const overlay = this.#opened();
    const { name } = this.#options;
    const view = new CallView(overlay, name);
    overlay.beginCall();
    try {
      const returned = call(view);
      if (isThenable(returned)) throw promiseRefused(name, what, returned);
    } catch (error) {
      overlay.undoCall();
      throw error;
    } finally {
      view.close();
    }
  }

  /** The rows asked for last are durable. */
  saved(): void {
    if (this.#given === undefined || this.#given !== this.#after) return;
    this.#opened().saved();
    this.#forget();
  }

  #rows(effects: ProjectionEffects): readonly RowDraft[] {
    this.#given = effects;
    if (effects === this.#after) return this.#opened().rows('now');
    assert(effects === this.#before, 'effects are saved before they are outdated');
    return this.#opened().rows('round');
  }

  #forget(): void {
    this.#before = undefined;
    this.#after = undefined;
    this.#given = undefined;
  }

  #opened(): ProjectionOverlay {
    assert(this.#overlay !== undefined, 'a projection handles events of a build only');
    return this.#overlay;
  }
}

class ProjectionEffects implements Effects {
  readonly position: number;
  readonly bytes: number;
  readonly #rows: (effects: ProjectionEffects) => readonly RowDraft[];

  constructor(position: number, bytes: number, rows: (effects: ProjectionEffects) => readonly RowDraft[]) {
    this.position = position;
    this.bytes = bytes;
    this.#rows = rows;
  }

  rows(): readonly RowDraft[] {
    return this.#rows(this);
  }

  toJSON(): unknown {
    return { position: this.position, bytes: this.bytes };
  }
}

function promiseRefused(name: string, type: string, promise: PromiseLike<unknown>): TypeError {
  // What becomes of it is not waited for: it must not end the process.
  promise.then(undefined, () => undefined);
  return new TypeError(
    `the handler of ${type} in the projection ${JSON.stringify(name)} returned a promise: handlers of projections are synchronous`,
  );
}
