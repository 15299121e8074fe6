/**
 * Erasing: a stream, or whatever names a subject, becomes unreadable for good, and what was made of it follows.
 *
 * The writer does the first in one transaction, with marks for the projections that have consumed any of it. Here those are
 * asked to let go of what they have read before, and waited for afterwards; and the receipt is made. Erasures that are asked for at the same
 * time are done together.
 */
import { inspect } from 'node:util';
import { assert } from '../src/assert.ts';
import { findErasure, type WrittenErasure } from '../src/log/erasure.ts';
import type { ErasureCounts } from '../src/log/erasure-counts.ts';
import type { LogReader } from '../src/log/log-reader.ts';
import { abortError, throwIfAborted } from '../src/log/pages.ts';
import { type MarkedBuild, markedBuilds } from '../src/log/projection-erasure.ts';
import { readBuilds } from '../src/log/projection-rows.ts';
import { checkErasedSubject, checkStreamName } from '../src/names.ts';
import { refuseUnknownNames } from '../src/option-names.ts';
import type { Engine } from '../src/storage/engine.ts';
import type { ErasureGate } from './erasure-gate.ts';
import type { WaitOptions } from './processor.ts';
import type { ProjectionErasure } from './projection-erasure.ts';
import { untilAborted } from './until-aborted.ts';

/** What to erase: the events of a stream, or those that name a subject, in all streams. */
export type EraseTarget =
  | { readonly stream: string; readonly subject?: never }
  | { readonly subject: string; readonly stream?: never };

/**
 * What became of a projection: `'corrected'` by its `onErased`; `'rebuilt'`: what was built before is unreadable, too;
 * `'pending'`: it does not run here, and does that first when it is started next.
 */
export interface ErasedProjection {
  readonly name: string;
  readonly state: 'corrected' | 'rebuilt' | 'pending';
}

/** What an erasure has done, and whether anything is left. Can be kept as JSON. */
export interface ErasureReceipt {
  readonly what: { readonly stream: string } | { readonly subject: string };
  /** Of the event in the log that tells of it. */
  readonly position: number;
  /** When it became so, milliseconds since 1970. */
  readonly timeMs: number;
  /** Events that can't be read any more. */
  readonly events: number;
  /** Timers that had not fired yet, and do not. */
  readonly timersDropped: number;
  /** Those that had consumed any of it. */
  readonly projections: readonly ErasedProjection[];
  /** Events of it that were stored before there was encryption: they are still there. */
  readonly plainEvents: number;
  /** Nothing is left: no projection is pending, and no event is plain. */
  readonly final: boolean;
}

/** What erasing needs of a store. */
export interface ErasureStore {
  readonly engine: Pick<Engine, 'read'>;
  readonly reader: LogReader;
  readonly counts: ErasureCounts;
  /** Resolves when it is durable. @throws whatever a commit fails for. */
  readonly erase: (what: ErasureReceipt['what']) => Promise<WrittenErasure>;
  /** Takes out the timers that are erased, and those of `stream` that are plain; resolves to how many there were. */
  readonly dropTimers: (stream: string | undefined) => Promise<number>;
}

interface Order {
  readonly what: ErasureReceipt['what'];
  isTaken: boolean;
  readonly settle: (outcome: { readonly done: Done } | { readonly error: unknown }) => void;
}

interface Done {
  /** Of the fact; when it was erased before, of the one from then. */
  readonly position: number;
  readonly timeMs: number;
  readonly ids: readonly number[];
  /** As they were with it. */
  readonly marked: readonly MarkedBuild[];
}

export class Erasures {
  readonly #store: ErasureStore;
  readonly #gate: ErasureGate;
  readonly #projections: () => readonly ProjectionErasure[];
  readonly #orders = new Set<Order>();
  #isRunning = false;

  constructor(store: ErasureStore, gate: ErasureGate, projections: () => readonly ProjectionErasure[]) {
    this.#store = store;
    this.#gate = gate;
    this.#projections = projections;
  }

  /** @throws {TypeError} {STREAM_NAME_INVALID} {ABORTED} {STORE_CLOSED}, and whatever a commit fails for. */
  async erase(target: EraseTarget, options: WaitOptions): Promise<ErasureReceipt> {
    const what = checkedTarget(target);
    refuseUnknownNames('erase', options, ['signal']);
    const { signal } = options;
    throwIfAborted(signal);
    const { position, timeMs, ids, marked } = await this.#order(what, signal);
    const { stream } = what as { readonly stream?: string };
    // It is erased by now, whoever waits for the rest.
    const rest = Promise.all([this.#store.dropTimers(stream), this.#store.counts.of({ position, ids, stream })]);
    const [timersDropped, count] = await untilAborted(rest, signal, 'unknown');
    const { events, plainEvents, firstPosition = Number.POSITIVE_INFINITY } = count;
    const builds = Map.groupBy(
      marked.filter(({ consumed }) => consumed >= firstPosition),
      ({ name }) => name,
    );
    const states = [...builds].map(([name, ofName]) =>
      this.#stateOf(name, ofName, { position, firstPosition, stream, signal }),
    );
    const projections = (await Promise.all(states)).filter((state) => state !== undefined);
    const isPending = projections.some(({ state }) => state === 'pending');
    const final = !isPending && plainEvents === 0;
    return { what, position, timeMs, events, timersDropped, projections, plainEvents, final };
  }

  #order(what: Order['what'], signal: AbortSignal | undefined): Promise<Done> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#orders.delete(order);
        reject(abortError(signal as AbortSignal, order.isTaken ? 'unknown' : 'nothing-written'));
      };
      const order: Order = {
        what,
        isTaken: false,
        settle: (outcome) => {
          signal?.removeEventListener('abort', onAbort);
          if ('error' in outcome) reject(outcome.error);
          else resolve(outcome.done);
        },
      };
      signal?.addEventListener('abort', onAbort);
      this.#orders.add(order);
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    // Those of the same turn go together.
    await Promise.resolve();
    while (this.#orders.size > 0) {
      const orders = [...this.#orders];
      this.#orders.clear();
      for (const order of orders) order.isTaken = true;
      const open = this.#gate.shut();
      try {
        await Promise.all(this.#projections().map((projection) => projection.letGo()));
        await Promise.all(orders.map((order) => this.#write(order)));
      } catch (error) {
        for (const order of orders) order.settle({ error });
      } finally {
        open();
      }
    }
    this.#isRunning = false;
  }

  /** Never rejects. */
  async #write({ what, settle }: Order): Promise<void> {
    const { engine, reader, erase } = this.#store;
    try {
      const written = await erase(what);
      const { position, timeMs, ids } = written.position === undefined ? erasedBefore(reader, written) : written;
      // Before anybody takes them in.
      const marked = engine.read((snapshot) => markedBuilds(snapshot, position as number));
      settle({ done: { position: position as number, timeMs, ids, marked } });
    } catch (error) {
      settle({ error });
    }
  }

  /** `undefined`: it wants nothing of what was erased. */
  async #stateOf(
    name: string,
    marked: readonly MarkedBuild[],
    { position, firstPosition, stream, signal }: Extent,
  ): Promise<ErasedProjection | undefined> {
    const projection = this.#projections().find(({ kind }) => kind.name === name);
    if (projection === undefined) return { name, state: 'pending' };
    if (!projection.kind.isConcerned(stream)) return undefined;
    const { engine } = this.#store;
    const isDone = () =>
      engine.read((snapshot) =>
        markedBuilds(snapshot, position, name).every(({ consumed }) => consumed < firstPosition),
      );
    if (!(await projection.until(isDone, signal))) return { name, state: 'pending' };
    const { active, building } = engine.read((snapshot) => readBuilds(snapshot, name));
    const isKept = marked.some(({ build }) => build === active?.build || build === building?.build);
    return { name, state: isKept ? 'corrected' : 'rebuilt' };
  }
}

/** What was erased, as a projection has to know it. */
interface Extent {
  readonly position: number;
  readonly firstPosition: number;
  readonly stream: string | undefined;
  readonly signal: AbortSignal | undefined;
}

function erasedBefore(reader: LogReader, { tag }: WrittenErasure): WrittenErasure {
  const found = findErasure(reader, tag);
  assert(found !== undefined, 'what was erased is told in the log');
  return found;
}

/** A copy: a receipt is of what was asked for. */
function checkedTarget(target: EraseTarget): ErasureReceipt['what'] {
  if (typeof target !== 'object' || target === null) throw wrongTarget(target);
  refuseUnknownNames('what to erase', target, ['stream', 'subject']);
  const { stream, subject } = target;
  if ((stream === undefined) === (subject === undefined)) throw wrongTarget(target);
  if (stream !== undefined) {
    checkStreamName(stream);
    return { stream };
  }
  checkErasedSubject(subject);
  return { subject };
}

function wrongTarget(target: unknown): TypeError {
  return new TypeError(`what to erase is either { stream } or { subject }, got ${inspect(target)}`);
}
