/**
 * What is written and read: orders whose JSON is about 256 bytes, of five types, in streams chosen at random.
 *
 * The same seed gives the same events in the same streams, so that every contender meets the same work. Events come from a
 * pool made beforehand: making them is not measured.
 */

/** Streams a workload goes over. */
export const streamCount = 1000;
/** Every type comes up once in five events. */
export const eventTypes = ['order.placed', 'order.paid', 'order.packed', 'order.shipped', 'order.closed'] as const;

export interface OrderLine {
  readonly sku: string;
  readonly quantity: number;
  readonly priceCents: number;
}

/** Data of an event. */
export interface Order {
  readonly orderId: string;
  readonly customer: { readonly id: string; readonly country: string };
  readonly lines: readonly OrderLine[];
  readonly totalCents: number;
  readonly placedAt: string;
  readonly note: string | null;
}

export interface OrderEvent {
  readonly type: (typeof eventTypes)[number];
  readonly data: Order;
}

/** One event with the stream it goes to. */
export interface Single {
  readonly stream: string;
  readonly event: OrderEvent;
}

/** Numbers from 0 inclusive to 1 exclusive; the same for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The name of stream `index`, 0 to `streamCount - 1`. */
export function streamName(index: number): string {
  return `order-${String(index).padStart(6, '0')}`;
}

/** `count` orders, slightly different each. */
export function createOrders(count: number, random: () => number): OrderEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    type: eventTypes[index % eventTypes.length] as (typeof eventTypes)[number],
    data: createOrder(random),
  }));
}

/** An endless supply of work for one contender. */
export class Workload {
  readonly random: () => number;
  readonly #events: readonly OrderEvent[];
  #next = 0;

  constructor(seed: number) {
    this.random = createRandom(seed);
    this.#events = createOrders(poolEvents, this.random);
  }

  stream(): string {
    return streamName(Math.floor(this.random() * streamCount));
  }

  event(): OrderEvent {
    if (this.#next === poolEvents) this.#next = 0;
    return this.#events[this.#next++] as OrderEvent;
  }

  events(count: number): OrderEvent[] {
    return Array.from({ length: count }, () => this.event());
  }

  singles(count: number): Single[] {
    return Array.from({ length: count }, () => ({ stream: this.stream(), event: this.event() }));
  }
}

/** A multiple of the number of types. */
const poolEvents = 10_000;
const countries = ['SE', 'DE', 'FR', 'NL', 'PL'];
const notes = [null, null, 'leave at the door', 'gift'];

function createOrder(random: () => number): Order {
  const below = (limit: number) => Math.floor(random() * limit);
  const lines = Array.from({ length: 2 }, () => ({
    sku: `SKU-${String(below(10_000)).padStart(5, '0')}`,
    quantity: 1 + below(5),
    priceCents: 100 + below(20_000),
  }));
  return {
    orderId: `o-${String(below(1_000_000)).padStart(8, '0')}`,
    customer: { id: `c-${String(below(100_000)).padStart(6, '0')}`, country: countries[below(5)] as string },
    lines,
    totalCents: lines.reduce((total, { quantity, priceCents }) => total + quantity * priceCents, 0),
    placedAt: new Date(Date.UTC(2026, 0, 1) + below(31_536_000) * 1000).toISOString(),
    note: notes[below(4)] as string | null,
  };
}
