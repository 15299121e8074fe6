/**
 * What led to an event and what came of it: found by the ids that events carry in their metadata, in a bounded part of the
 * log around it. There is no index for them.
 */
import type { Bus } from '../../actors/bus.ts';
import { dashboardLinksMax } from '../limits.ts';
import type { Direction, StoredEvent } from '../types.ts';
import { type EventDetails, type EventIds, eventRow, idsIn } from './event-rows.ts';
import { searchLog } from './log-search.ts';
import { positionIn, positionOf } from './query.ts';
import { notFound } from './refusal.ts';
import type { EventLinks, EventRow } from './wire.ts';

/** Of each kind. */
const linksMax = 50;

/**
 * Looks back from the event, and on from it; with `from` in the query, back from there only. Ids that
 * `redact` hides link nothing.
 * @throws {Refusal} {ABORTED} {STORE_CORRUPT} {STORE_CLOSED}
 */
export async function eventLinks(
  { bus, details }: { readonly bus: Bus; readonly details: EventDetails },
  part: string,
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<EventLinks> {
  const position = positionOf(part);
  const event = await bus.event(position);
  if (event === undefined) throw notFound(`the event at position ${part}`);
  const from = positionIn(query, 'from');
  const found = new Found(event, details);
  const back = Math.min(from ?? position - 1, bus.head);
  const lowest = Math.max(1, back - dashboardLinksMax + 1);
  const search = async (direction: Direction, low: number, high: number) => {
    if (low > high) return undefined;
    return searchLog(bus, { filter: {}, low, high, direction, signal }, (other) => found.look(other));
  };
  const leftBack = await search('backward', lowest, back);
  const highest = from === undefined ? Math.min(bus.head, position + dashboardLinksMax) : position;
  const leftOn = from === undefined ? await search('forward', position + 1, highest) : undefined;
  return {
    ...found.links,
    searchedFrom: leftBack === undefined ? Math.min(lowest, position) : leftBack + 1,
    searchedTo: leftOn === undefined ? highest : leftOn - 1,
  };
}

class Found {
  readonly #event: StoredEvent;
  readonly #details: EventDetails;
  readonly #ids: EventIds;
  readonly #effects: EventRow[] = [];
  readonly #correlated: EventRow[] = [];
  #cause: EventRow | undefined;

  constructor(event: StoredEvent, details: EventDetails) {
    this.#event = event;
    this.#details = details;
    this.#ids = details.idsOf(event);
  }

  /** Always true: the search is bounded by itself. */
  look(other: StoredEvent): boolean {
    if (other.position === this.#event.position) return true;
    const { causationId, correlationId } = this.#ids;
    if (other.id === causationId) this.#cause ??= eventRow(other);
    const said = idsOrNone(() => idsIn(other.metadata));
    if (said.causationId === this.#event.id) this.#add(this.#effects, other, { causationId: said.causationId });
    if (correlationId !== undefined && said.correlationId === correlationId) {
      this.#add(this.#correlated, other, { correlationId });
    }
    return true;
  }

  get links(): Pick<EventLinks, 'cause' | 'effects' | 'correlated'> {
    const newestFirst = (rows: EventRow[]) => rows.sort((one, other) => other.position - one.position);
    return {
      ...(this.#cause && { cause: this.#cause }),
      effects: newestFirst(this.#effects),
      correlated: newestFirst(this.#correlated),
    };
  }

  /** `ids`: by which it was found. */
  #add(rows: EventRow[], event: StoredEvent, ids: EventIds): void {
    if (rows.length >= linksMax) return;
    const shown = idsOrNone(() => this.#details.idsOf(event));
    const isShown = Object.entries(ids).every(([name, id]) => shown[name as keyof EventIds] === id);
    if (isShown) rows.push(eventRow(event));
  }
}

/** One that is damaged has no links; it is shown as damaged where it is looked at. */
function idsOrNone(look: () => EventIds): EventIds {
  try {
    return look();
  } catch {
    return {};
  }
}
