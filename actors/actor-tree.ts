/**
 * The actors of a bus as a tree, root first. A row that has not changed is the same object, and so is the tree.
 */
import type { ActorImage } from './bus-status.ts';
import { Derived } from './derived.ts';

/** What an actor does, and how many messages it was given so far. */
export interface Activity {
  readonly state: string;
  readonly messages: number;
}

export class ActorTree {
  #rows = new Map<string, ActorImage>();
  readonly #tree = new Derived<readonly ActorImage[]>();

  /** The rows as they are now. */
  of(rows: readonly ActorImage[]): readonly ActorImage[] {
    const kept = rows.map((row) => {
      const before = this.#rows.get(row.id);
      return before !== undefined && isSame(before, row) ? before : row;
    });
    return this.#tree.of(kept, () => {
      this.#rows = new Map(kept.map((row) => [row.id, row]));
      return kept;
    });
  }
}

function isSame(left: ActorImage, right: ActorImage): boolean {
  return (
    left.messages === right.messages &&
    left.state === right.state &&
    left.name === right.name &&
    left.parent === right.parent &&
    left.kind === right.kind
  );
}
