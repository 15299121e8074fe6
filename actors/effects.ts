/**
 * Effects: what handling events wants written together with the next move of the cursor, in one transaction.
 *
 * A round of work hands them on as a handle; the machine keeps it until a save took it, or drops it with the position it is
 * of. So what a round did that nobody waited for any more is never written, and never written twice.
 */
import type { RowDraft } from '../src/log/row-draft.ts';

export interface Effects {
  /**
   * The rows are those of everything handled up to here: they may only be written with a cursor at this position, or, where
   * what follows was passed without a call, behind it.
   */
  readonly position: number;
  /** An estimate, so that a save comes before a transaction grows too large. */
  readonly bytes: number;
  /** Never those of a later position, also when a round that began since went on from here. */
  rows(): readonly RowDraft[];
  /** What a snapshot of the machine shows. */
  toJSON(): unknown;
}

/** A handler whose effects are rows. Its calls are synchronous. */
export interface Recorder {
  /** A round begins behind `position`; `unsaved`: the effects of earlier rounds that no save has taken yet. */
  begin(position: number, unsaved: Effects | undefined): void;
  /** The effects of all calls since the last save, those of the round before included, when all up to `position` is handled. */
  end(position: number): Effects | undefined;
}
