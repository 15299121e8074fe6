/**
 * What a crashing writer appends: calls of random forms that anyone can compute again from a seed.
 *
 * Every event says in its metadata which call it belongs to, how many events that has and which one it is, so that a torn
 * commit shows. Used by the writer (programs/crash-writer.ts) and by who checks what it left (crash-model.ts).
 */
import { createHash } from 'node:crypto';

/**
 * `mixed`: single events, batches, several streams, 0 bytes to 100 KB. `tiny`: one small event a call, so that blocks fill
 * the tail. `bulk`: thousands of events over thousands of streams, so that events fill it.
 */
export type Style = 'mixed' | 'tiny' | 'bulk';

export interface Workload {
  readonly style: Style;
  readonly seed: number;
}

export interface PlannedEvent {
  readonly type: string;
  readonly data?: unknown;
  readonly metadata: { readonly call: string; readonly n: number; readonly of: number };
  readonly id?: string;
}

interface PlannedPart {
  readonly stream: string;
  readonly events: readonly PlannedEvent[];
}

export interface Call {
  readonly id: string;
  readonly parts: readonly PlannedPart[];
  readonly idempotencyKey: string | undefined;
  /** It expects a version that no stream has: nothing of it may ever be stored. */
  readonly isRefused: boolean;
}

/** How many calls are in flight at a time, for a stretch of calls. */
export function widthAt({ style, seed }: Workload, index: number): number {
  // Calls that are in flight together share a block.
  if (style === 'tiny') return 1;
  const random = new Random(seed, Math.floor(index / 32), 1);
  return random.next() < 0.4 ? 1 : random.integer(2, 12);
}

/** The call number `index`. */
export function callAt(workload: Workload, index: number): Call {
  const random = new Random(workload.seed, index, 0);
  const id = callId(workload.seed, index);
  const isRefused = workload.style === 'mixed' && random.next() < 0.03;
  const sizes = { mixed: mixedSizes, tiny: tinySizes, bulk: bulkSizes }[workload.style](random);
  const of = sizes.reduce((sum, { eventCount }) => sum + eventCount, 0);
  let n = 0;
  const parts = sizes.map(({ stream, eventCount, bytes }) => ({
    stream,
    events: Array.from({ length: eventCount }, () => plannedEvent(random, { call: id, n: n++, of }, bytes)),
  }));
  const idempotencyKey = random.next() < (workload.style === 'tiny' ? 0.1 : 0.4) ? `key of ${id}` : undefined;
  return { id, parts, idempotencyKey, isRefused };
}

function callId(seed: number, index: number): string {
  return `${seed}/${index}`;
}

/** Seed and index of a call, from its id. */
export function callOfId(id: string): { readonly seed: number; readonly index: number } {
  const [seed, index] = id.split('/').map(Number);
  return { seed: seed as number, index: index as number };
}

/** A hash over what was given for these events, or over the same as it was read. */
export function contentHash(events: Iterable<Omit<PlannedEvent, 'id'>>): string {
  const hash = createHash('sha256');
  for (const { type, data, metadata } of events) {
    hash.update(JSON.stringify([type, metadata.call, metadata.n, metadata.of]));
    if (data instanceof Uint8Array) hash.update('bytes').update(data);
    else hash.update(JSON.stringify(data) ?? 'undefined');
  }
  return hash.digest('hex');
}

interface PartSize {
  readonly stream: string;
  readonly eventCount: number;
  /** Of each event's data; undefined for a few. */
  readonly bytes: number | undefined;
}

function mixedSizes(random: Random): PartSize[] {
  const form = random.next();
  if (form < 0.4) return [{ stream: mixedStream(random), eventCount: 1, bytes: undefined }];
  if (form < 0.5) return [{ stream: mixedStream(random), eventCount: 1, bytes: random.integer(0, 4096) }];
  // Around the size of a block (16 KiB less some headers), and far beyond.
  if (form < 0.54) return [{ stream: mixedStream(random), eventCount: 1, bytes: random.integer(16_000, 16_500) }];
  if (form < 0.57) return [{ stream: mixedStream(random), eventCount: 1, bytes: random.integer(50_000, 100_000) }];
  if (form < 0.75) return [{ stream: mixedStream(random), eventCount: random.integer(2, 40), bytes: undefined }];
  if (form < 0.8) return [{ stream: mixedStream(random), eventCount: random.integer(200, 800), bytes: undefined }];
  if (form < 0.85) return [{ stream: mixedStream(random), eventCount: random.integer(2, 12), bytes: 3000 }];
  return distinct(random.integer(2, 9), () => mixedStream(random)).map((stream) => ({
    stream,
    eventCount: random.integer(1, 6),
    bytes: random.next() < 0.1 ? 9000 : undefined,
  }));
}

function tinySizes(random: Random): PartSize[] {
  return [{ stream: `tiny-${random.integer(0, 60)}`, eventCount: 1, bytes: undefined }];
}

function bulkSizes(random: Random): PartSize[] {
  if (random.next() < 0.25) return [{ stream: 'bulk', eventCount: random.integer(1000, 5000), bytes: undefined }];
  const first = random.integer(0, 3000);
  return Array.from({ length: random.integer(200, 1200) }, (_, index) => ({
    stream: `bulk-${(first + index) % 3000}`,
    eventCount: random.integer(1, 6),
    bytes: undefined,
  }));
}

function mixedStream(random: Random): string {
  const number = random.integer(0, random.next() < 0.5 ? 8 : 400);
  return number % 7 === 0 ? `a stream with a long name, ${'é'.repeat(100)} ${number}` : `mixed-${number}`;
}

function distinct(count: number, make: () => string): string[] {
  const made = new Set<string>();
  for (let tries = 0; made.size < count && tries < 100; tries++) made.add(make());
  return [...made];
}

function plannedEvent(random: Random, metadata: PlannedEvent['metadata'], bytes: number | undefined): PlannedEvent {
  const type = `type-${random.integer(0, 12)}`;
  const event = { type, metadata, ...(random.next() < 0.2 ? { id: `${metadata.call}/${metadata.n}` } : {}) };
  if (bytes !== undefined) return { ...event, data: random.bytes(bytes) };
  const form = random.next();
  if (form < 0.05) return event;
  if (form < 0.1) return { ...event, data: '' };
  if (form < 0.15) return { ...event, data: random.bytes(random.integer(0, 64)) };
  return { ...event, data: { n: random.integer(0, 1e9), text: `text ${random.integer(0, 1e6)}` } };
}

/** Numbers that follow from a seed (mulberry32). */
export class Random {
  #state: number;

  constructor(...seeds: readonly number[]) {
    this.#state = 0x9e3779b9;
    for (const seed of seeds) this.#state = Math.imul(this.#state ^ seed, 0x85ebca6b) ^ (this.#state >>> 13);
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** From `low` to below `high`. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low));
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.integer(0, items.length)] as Item;
  }

  bytes(length: number): Uint8Array {
    const words = new Uint32Array(Math.ceil(length / 4));
    let word = this.integer(0, 2 ** 32) | 1;
    for (let index = 0; index < words.length; index++) {
      word ^= word << 13;
      word ^= word >>> 17;
      word ^= word << 5;
      words[index] = word;
    }
    return new Uint8Array(words.buffer, 0, length);
  }
}
