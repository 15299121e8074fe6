/**
 * The actors as the lines of a tree: parents before their children, which can be folded away. Pure.
 */
import type { ActorRow } from '../wire.ts';

export interface ActorLine {
  readonly actor: ActorRow;
  /** 0: the root. */
  readonly depth: number;
  /** How many actors are below it. */
  readonly below: number;
  readonly isOpen: boolean;
  /** Messages a second, with those below when they are folded away. */
  readonly rate: number;
}

/**
 * At first only the roots are open. `turned`: ids of actors that are not as they are at first. `text`: part of a name or kind, in any case; then all that lead to
 * what is found are shown, open. An actor whose parent is not there is a root; so is one of a circle, which nobody can make.
 */
export function actorLines(rows: readonly ActorRow[], turned: ReadonlySet<string>, text: string): ActorLine[] {
  const ids = new Set(rows.map(({ id }) => id));
  const children = new Map<string | undefined, ActorRow[]>();
  for (const row of rows) {
    const parent = row.parent !== undefined && row.parent !== row.id && ids.has(row.parent) ? row.parent : undefined;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [row]);
    else siblings.push(row);
  }
  const wanted = text.toLowerCase();
  const lines: ActorLine[] = [];

  /** Adds the line of `actor` and what is open below it; tells what all of it comes to. */
  function add(actor: ActorRow, depth: number): { count: number; rate: number; isFound: boolean } {
    const own = children.get(actor.id) ?? [];
    const at = lines.length;
    lines.push({ actor, depth, below: 0, isOpen: true, rate: actor.rate });
    let below = 0;
    let rate = actor.rate;
    let isFound = wanted === '' || `${actor.name}\n${actor.kind}`.toLowerCase().includes(wanted);
    for (const child of own) {
      const sum = add(child, depth + 1);
      below += sum.count;
      rate += sum.rate;
      isFound ||= sum.isFound;
    }
    const isOpen = wanted !== '' || (depth === 0) !== turned.has(actor.id);
    if (!isFound) lines.length = at;
    else {
      if (!isOpen) lines.length = at + 1;
      lines[at] = { actor, depth, below, isOpen, rate: isOpen ? actor.rate : rate };
    }
    return { count: below + 1, rate, isFound };
  }

  for (const root of children.get(undefined) ?? []) add(root, 0);
  return lines;
}
