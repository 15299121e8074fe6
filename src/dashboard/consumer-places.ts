/**
 * What the store itself knows of each consumer, whether it runs or not, for the page: kept for a while, because asking means
 * a walk over all dead letters.
 */
import type { Bus } from '../../actors/bus.ts';
import type { ConsumerInfo } from '../log/consumers.ts';

export interface StoredConsumer extends ConsumerInfo {
  readonly kind: 'processor' | 'projection';
  /** Of a projection: of what is read. */
  readonly version?: number;
}

export class ConsumerPlaces {
  readonly #bus: Bus;
  readonly #onDue: () => void;
  #read: { readonly mark: number; readonly atMs: number; readonly costMs: number } | undefined;
  #consumers: ReadonlyMap<string, StoredConsumer> = new Map();
  #due: NodeJS.Timeout | undefined;

  /** `onDue` is told when it is time to ask again. */
  constructor(bus: Bus, onDue: () => void) {
    this.#bus = bus;
    this.#onDue = onDue;
  }

  /** By name. `mark` is another one when letters, or consumers, may have come or gone: then it is asked for anew, soon. */
  get(mark: number): ReadonlyMap<string, StoredConsumer> {
    const nowMs = performance.now();
    const last = this.#read;
    if (last !== undefined) {
      const leastMs = Math.max(mark === last.mark ? usualMs : markedMs, last.costMs * shareOfTime);
      const leftMs = last.atMs + leastMs - nowMs;
      if (leftMs > 0) {
        if (mark !== last.mark) this.#callWhenDue(leftMs);
        return this.#consumers;
      }
    }
    this.#consumers = new Map(this.#bus.consumers().map((consumer) => [consumer.name, this.#withKind(consumer)]));
    this.#read = { mark, atMs: nowMs, costMs: performance.now() - nowMs };
    return this.#consumers;
  }

  close(): void {
    clearTimeout(this.#due);
  }

  #callWhenDue(ms: number): void {
    this.#due ??= setTimeout(() => {
      this.#due = undefined;
      this.#onDue();
    }, ms).unref();
  }

  #withKind(consumer: ConsumerInfo): StoredConsumer {
    const { version } = this.#bus.view(consumer.name);
    const isProjection = version !== undefined || consumer.building !== undefined;
    if (!isProjection) return { ...consumer, kind: 'processor' };
    return { ...consumer, kind: 'projection', ...(version !== undefined && { version }) };
  }
}

/** How old it may be: without, and with a reason to ask. */
const usualMs = 1000;
const markedMs = 100;
/** The wait between two walks, in such walks. */
const shareOfTime = 20;
