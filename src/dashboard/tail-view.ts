/**
 * The topic `tail`: the newest events. Reads what came since the last look, and no more than is shown.
 */
import type { Bus } from '../../actors/bus.ts';
import { eventRow } from './event-rows.ts';
import type { TopicEntries } from './live-topic.ts';
import type { EventRow } from './wire.ts';

/** Events that are shown. */
const shownMax = 200;
/** Least time between two looks: each sends all that came since. Milliseconds. */
const leastMs = 100;

export class TailView {
  readonly #bus: Bus;
  readonly #onDue: () => void;
  /** Newest first. */
  #rows: readonly EventRow[] = [];
  #lookedMs = Number.NEGATIVE_INFINITY;
  #due: NodeJS.Timeout | undefined;

  /** `onDue` is told when it is time to look again. */
  constructor(bus: Bus, onDue: () => void) {
    this.#bus = bus;
    this.#onDue = onDue;
  }

  async entries(): Promise<TopicEntries> {
    const nowMs = performance.now();
    const { head } = this.#bus;
    const newest = this.#rows[0]?.position ?? 0;
    const leftMs = this.#lookedMs + leastMs - nowMs;
    if (head > newest && leftMs <= 0) {
      this.#lookedMs = nowMs;
      await this.#look(newest, head);
    } else if (head > newest) {
      this.#due ??= setTimeout(() => {
        this.#due = undefined;
        this.#onDue();
      }, leftMs).unref();
    }
    return this.#rows.map((row) => [String(row.position), row] as const);
  }

  close(): void {
    clearTimeout(this.#due);
  }

  async #look(newest: number, head: number): Promise<void> {
    const fresh: EventRow[] = [];
    const range = { from: Math.max(newest + 1, head - shownMax + 1), to: head, direction: 'backward' } as const;
    for await (const page of this.#bus.read(range).pages()) fresh.push(...page.map(eventRow));
    this.#rows = [...fresh, ...this.#rows].slice(0, shownMax);
  }
}
