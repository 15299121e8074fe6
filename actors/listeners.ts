/**
 * Live events of a bus, handed to listeners and observables: their options, checked, and what a caller holds of each.
 */
import type { Observable } from 'rxjs';
import { listenerBufferEvents, listenerBufferEventsMax } from '../src/limits.ts';
import { subscriptionWalks } from '../src/log/read-sources.ts';
import { refuseUnknownNames } from '../src/option-names.ts';
import type { EventFilter, StoredEvent } from '../src/types.ts';
import type { Activity } from './actor-tree.ts';
import { type Backlog, CoalescingBacklog, NewestBacklog, PageBacklog } from './backlog.ts';
import { type ErasedEvents, resolveErased } from './erased-events.ts';
import { GuardedObservable } from './guarded-observable.ts';
import { LiveReading, type LiveSource, type ReadingOptions } from './live-reading.ts';
import type { OpenStore } from './open-store.ts';
import { isWhole, wrong } from './option-checks.ts';
import type { PublishGate } from './publish-gate.ts';
import type { HeadWatch } from './watch.ts';

/**
 * What becomes of events that come faster than they are taken.
 * `'log'`: they wait in the log; nothing is lost. `'block'`: the same, and `publish` on this bus waits, too.
 * `'drop-oldest'`: the newest are kept. `{ coalesceBy }`: the newest of each key is kept.
 */
export type Overflow<Event = StoredEvent> =
  | 'log'
  | 'block'
  | 'drop-oldest'
  | { readonly coalesceBy: (event: Event) => unknown };

export interface ListenOptions<Event = StoredEvent> {
  /**
   * Most events in memory; for `coalesceBy`, most keys; for `'block'`, also how many positions of the log the listener may be
   * behind before `publish` waits. 1 to 65,536. @default 1024
   */
  readonly buffer?: number;
  /** @default 'log' */
  readonly overflow?: Overflow<Event>;
  /** Any of these streams. */
  readonly streams?: readonly string[];
  /** Streams whose name starts with this. */
  readonly prefix?: string;
  /** Whether events come whose key was erased meanwhile: without data, with `erased: true`. @default 'skip' */
  readonly erased?: ErasedEvents;
  /** Closes the subscription. */
  readonly signal?: AbortSignal;
}

export interface EventsOptions<Type extends string = string, Event = StoredEvent>
  extends EventFilter<Type>,
    Omit<ListenOptions<Event>, 'signal' | keyof EventFilter> {}

/** Which events a listener wants: those of a type, of several, or for which a function says so. */
export type Wanted<Event = StoredEvent> = string | readonly string[] | ((event: Event) => boolean);

/** Called with each event, one call at a time: a promise it returns is waited for. */
export type Listener<Event = StoredEvent> = (event: Event) => unknown;

/** What `bus.on` gives. */
export interface LiveSubscription {
  /** The head when it began: it gets what is behind, and a `read` up to here gives what was before. */
  readonly after: number;
  /** Events that were given up: 0 for `'log'` and `'block'`. */
  readonly dropped: number;
  /** Positions between what the listener is done with and the head; 0 when it is closed. */
  readonly lag: number;
  /** Also true once the bus is closed, or the log could not be read (which `errors$` has told). */
  readonly closed: boolean;
  /** No further call begins; one that runs is not waited for. Twice is fine. */
  close(): void;
  [Symbol.dispose](): void;
}

const listenNames: readonly (keyof ListenOptions)[] = ['buffer', 'overflow', 'streams', 'prefix', 'erased', 'signal'];
const eventsNames: readonly (keyof EventsOptions)[] = ['buffer', 'overflow', 'types', 'streams', 'prefix', 'erased'];

/** One listener or subscriber that is not closed. */
export interface LiveListener {
  /** How many-th of its bus. */
  readonly number: number;
  /** What it was asked for with: `on(order-placed)`. */
  readonly name: string;
  readonly activity: Activity;
}

export class Listeners {
  readonly #source: LiveSource;
  readonly #gate: PublishGate;
  readonly #living = new Map<LiveReading, Omit<LiveListener, 'activity'>>();
  #made = 0;

  constructor(source: LiveSource, gate: PublishGate) {
    this.#source = source;
    this.#gate = gate;
  }

  /** Those that are not closed, in the order in which they began: the first so many. */
  living(max: number): LiveListener[] {
    const living: LiveListener[] = [];
    for (const [{ activity }, known] of this.#living) {
      if (living.length >= max) break;
      living.push({ ...known, activity });
    }
    return living;
  }

  /** @throws {TypeError} for options out of range. @throws {STORE_CLOSED} */
  on<Event>(wanted: Wanted<Event>, listener: Listener<Event>, options: ListenOptions<Event> = {}): LiveSubscription {
    refuseUnknownNames('on', options, listenNames);
    const { signal } = options;
    if (typeof listener !== 'function') throw wrong('listener', 'a function', listener);
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw wrong('signal', 'an AbortSignal', signal);
    }
    const backlog = backlogOf(options);
    let reading: LiveReading | undefined;
    const close = () => reading?.close();
    const opened = this.#read('on', options, {
      ...wantedOf(wanted as Wanted, options),
      erased: resolveErased(options.erased),
      backlog,
      deliver: listener as Listener,
      onEnd: (error) => {
        if (error !== undefined) this.#source.report(error);
      },
      onProgress: () => {
        if (reading?.isClosed) signal?.removeEventListener('abort', close);
      },
    });
    reading = opened;
    if (signal?.aborted) close();
    else signal?.addEventListener('abort', close);
    return {
      after: opened.after,
      get dropped() {
        return backlog.dropped;
      },
      get lag() {
        return opened.behind;
      },
      get closed() {
        return opened.isClosed;
      },
      close,
      [Symbol.dispose]: close,
    };
  }

  /** Each subscriber has a reading of its own, from the head of its subscription on. @throws {TypeError} */
  observable<Event>(options: EventsOptions<string, Event>): Observable<Event> {
    refuseUnknownNames('events', options, eventsNames);
    backlogOf(options);
    const erased = resolveErased(options.erased);
    return new GuardedObservable<Event>((subscriber) => {
      const reading = this.#read('events', options, {
        filter: options,
        isWanted: undefined,
        erased,
        backlog: backlogOf(options),
        deliver: (event) => subscriber.next(event as Event),
        onEnd: (error) => {
          if (error === undefined) subscriber.complete();
          else subscriber.error(error);
        },
      });
      return () => reading.close();
    }, this.#source.report);
  }

  #read<Event>(
    by: 'on' | 'events',
    options: ListenOptions<Event>,
    known: Omit<ReadingOptions, 'onClose'>,
  ): LiveReading {
    let reading: LiveReading | undefined;
    const onClose = () => {
      if (reading !== undefined) this.#living.delete(reading);
    };
    reading = this.#opened(options, { ...known, onClose });
    if (!reading.isClosed) this.#living.set(reading, { number: ++this.#made, name: nameOf(by, known.filter) });
    return reading;
  }

  #opened<Event>({ buffer, overflow }: ListenOptions<Event>, options: ReadingOptions): LiveReading {
    if (overflow !== 'block') return new LiveReading(this.#source, options);
    const gate = this.#gate;
    let remove: (() => void) | undefined;
    let reading: LiveReading | undefined;
    const opened = new LiveReading(this.#source, {
      ...options,
      deliver: (event) => gate.inside(() => options.deliver(event)),
      onProgress: () => {
        options.onProgress?.();
        if (reading?.isClosed) remove?.();
        gate.look();
      },
    });
    reading = opened;
    remove = gate.add({
      bufferEvents: buffer ?? listenerBufferEvents,
      get behind() {
        return opened.behind;
      },
    });
    if (opened.isClosed) remove();
    return opened;
  }
}

/** Of the types that are wanted, a name shows the first ones. */
const namedTypesMax = 3;

function nameOf(by: 'on' | 'events', { types }: EventFilter): string {
  if (types === undefined) return by;
  return `${by}(${types.slice(0, namedTypesMax).join(', ')}${types.length > namedTypesMax ? ', …' : ''})`;
}

/** The live events of a store. */
export function liveSource(
  { reader, head }: OpenStore,
  watch: HeadWatch,
  report: (error: unknown) => void,
): LiveSource {
  return { head, head$: watch.head$, walk: (after, filter) => subscriptionWalks(reader, after, filter)(), report };
}

/** @throws {TypeError} */
function backlogOf<Event>({ buffer = listenerBufferEvents, overflow = 'log' }: ListenOptions<Event>): Backlog {
  if (!isWhole(buffer, 1, listenerBufferEventsMax)) {
    throw wrong('buffer', `a whole number from 1 to ${listenerBufferEventsMax}`, buffer);
  }
  if (overflow === 'log' || overflow === 'block') return new PageBacklog(buffer);
  if (overflow === 'drop-oldest') return new NewestBacklog(buffer);
  if (typeof overflow === 'object' && typeof overflow?.coalesceBy === 'function') {
    return new CoalescingBacklog(buffer, overflow.coalesceBy as (event: StoredEvent) => unknown);
  }
  throw wrong('overflow', "'log', 'block', 'drop-oldest' or { coalesceBy: (event) => key }", overflow);
}

/** @throws {TypeError} */
function wantedOf(wanted: Wanted, streams: EventFilter): Pick<ReadingOptions, 'filter' | 'isWanted'> {
  if (typeof wanted === 'function') return { filter: streams, isWanted: wanted };
  if (typeof wanted === 'string') return { filter: { ...streams, types: [wanted] }, isWanted: undefined };
  if (Array.isArray(wanted) && wanted.length > 0 && wanted.every((type) => typeof type === 'string')) {
    return { filter: { ...streams, types: [...wanted] }, isWanted: undefined };
  }
  throw wrong('wanted', 'a type, an array of types or a function', wanted);
}
