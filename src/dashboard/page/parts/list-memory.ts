/**
 * What long lists held, and how far they were scrolled, by their address: who goes back to one is where one was, without
 * asking again. Only for lists that may be as old as when one left them.
 */

export interface ListMemory {
  readonly held: unknown;
  readonly scrollY: number;
}

/** Lists remembered. */
const listsMax = 8;
/** A page that is drawn so long after one went back is drawn because of that. Milliseconds. */
const backMs = 500;

const memory = new Map<string, ListMemory>();
let wentBackMs = Number.NEGATIVE_INFINITY;
addEventListener('popstate', () => {
  wentBackMs = performance.now();
});

/** What was remembered of the address, if one has just gone back to it. */
export function recalled(): ListMemory | undefined {
  return performance.now() - wentBackMs < backMs ? memory.get(location.href) : undefined;
}

export function remember(held: unknown): void {
  const { href } = location;
  memory.delete(href);
  memory.set(href, { held, scrollY });
  for (const oldest of memory.keys()) {
    if (memory.size <= listsMax) return;
    memory.delete(oldest);
  }
}
