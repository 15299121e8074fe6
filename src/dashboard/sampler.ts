/**
 * Counters once a second: the rates of now, and the last two minutes of them.
 *
 * The one thing that also runs while no page is connected, so that a page that comes has something to show. Holds no process.
 */
import type { ActorImage, BusStatus } from '../../actors/bus-status.ts';
import { isBusError } from '../errors.ts';
import type { Source } from './source.ts';
import type { Rates, StoreTopic } from './wire.ts';

interface Sample {
  readonly atMs: number;
  readonly head: number;
  readonly eventsRead: number;
  readonly commits: number;
  readonly byMicros: readonly number[];
  /** By processor: events handled since its start. */
  readonly handled: ReadonlyMap<string, number>;
  /** By actor. */
  readonly messages: ReadonlyMap<string, number>;
}

type History = StoreTopic['history'];

export class Sampler {
  readonly #source: Source;
  readonly #actors: () => readonly ActorImage[];
  readonly #onSample: () => void;
  readonly #timer: NodeJS.Timeout;
  /** Oldest first; one more than the seconds that latencies are of. */
  readonly #samples: Sample[] = [];
  #history: History = { append: [], read: [], commitMicros: [] };
  #rates: Rates = { append: 0, read: 0, commits: 0 };

  /** `actors`: those that the source does not know of. */
  constructor(source: Source, actors: () => readonly ActorImage[], onSample: () => void) {
    this.#source = source;
    this.#actors = actors;
    this.#onSample = onSample;
    this.#timer = setInterval(() => this.#tick(), secondMs).unref();
    this.#tick();
  }

  /** The same object until the next sample. */
  get rates(): Rates {
    return this.#rates;
  }

  /** The same object until the next sample. */
  get history(): History {
    return this.#history;
  }

  /** Events that the processor handled a second, in the last few seconds. */
  handledRate(processor: string): number {
    return this.#rateOf((sample) => sample.handled.get(processor));
  }

  /** Messages that the actor was given a second, in the last few seconds. */
  messageRate(actor: string): number {
    return this.#rateOf((sample) => sample.messages.get(actor));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    try {
      if (this.#source.bus.state === 'closed') this.close();
      else this.#sample();
    } catch (error) {
      // A bus that closes has nothing to count any more.
      if (!isBusError(error, 'STORE_CLOSED')) this.#source.report(error);
    }
  }

  #sample(): void {
    this.#take(sampleOf(this.#source.bus.head, this.#source.status(), this.#actors()));
    this.#onSample();
  }

  #take(sample: Sample): void {
    const before = this.#samples.at(-1);
    this.#samples.push(sample);
    if (this.#samples.length > latencySeconds + 1) this.#samples.shift();
    const [first] = this.#samples;
    this.#rates = {
      append: this.#rateOf(({ head }) => head),
      read: this.#rateOf(({ eventsRead }) => eventsRead),
      commits: this.#rateOf(({ commits }) => commits),
      ...(first && latencies(first.byMicros, sample.byMicros)),
    };
    if (before === undefined) return;
    const { append, read, commitMicros } = this.#history;
    const latest = latencies(before.byMicros, sample.byMicros);
    this.#history = {
      append: withLast(
        append,
        perSecond(before, sample, ({ head }) => head),
      ),
      read: withLast(
        read,
        perSecond(before, sample, ({ eventsRead }) => eventsRead),
      ),
      commitMicros: withLast(commitMicros, latest?.commitMicrosP50 ?? 0),
    };
  }

  #rateOf(countOf: (sample: Sample) => number | undefined): number {
    const last = this.#samples.at(-1);
    const first = this.#samples.at(-1 - rateSeconds) ?? this.#samples[0];
    return first === undefined || last === undefined ? 0 : perSecond(first, last, countOf);
  }
}

const secondMs = 1000;
/** Rates are of the last so many seconds. */
const rateSeconds = 3;
/** Latencies are of the last so many seconds. */
const latencySeconds = 10;
const historyMax = 120;

function sampleOf(head: number, status: BusStatus | undefined, actors: readonly ActorImage[]): Sample {
  return {
    atMs: performance.now(),
    head,
    eventsRead: status?.eventsRead ?? 0,
    commits: status?.commits.count ?? 0,
    byMicros: status?.commits.byMicros ?? [],
    handled: new Map(status?.processors.map(({ name, status }) => [name, status.context.handled])),
    messages: new Map([...(status?.actors ?? []), ...actors].map(({ id, messages }) => [id, messages])),
  };
}

/** A counter that went down began anew. */
function perSecond(first: Sample, last: Sample, countOf: (sample: Sample) => number | undefined): number {
  const end = countOf(last) ?? 0;
  const start = countOf(first) ?? end;
  const seconds = (last.atMs - first.atMs) / 1000;
  return seconds <= 0 ? 0 : Math.round((10 * (end >= start ? end - start : end)) / seconds) / 10;
}

function withLast(values: readonly number[], last: number): readonly number[] {
  return [...values.slice(1 - historyMax), last];
}

/** Of the commits between two counts; `undefined` if there were none. */
function latencies(
  before: readonly number[],
  after: readonly number[],
): { readonly commitMicrosP50: number; readonly commitMicrosP99: number } | undefined {
  const counts = after.map((count, index) => count - (before[index] ?? 0));
  // Another process has taken over since: its counts began anew.
  const fresh = counts.some((count) => count < 0) ? after : counts;
  const total = fresh.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  return { commitMicrosP50: quantile(fresh, total, 0.5), commitMicrosP99: quantile(fresh, total, 0.99) };
}

/** Within a bucket, from 2^i to 2^(i+1), all are taken to lie evenly. */
function quantile(counts: readonly number[], total: number, share: number): number {
  let below = 0;
  for (const [index, count] of counts.entries()) {
    if (count > 0 && below + count >= share * total) {
      return Math.round(2 ** index * (1 + (share * total - below) / count));
    }
    below += count;
  }
  return 0;
}
