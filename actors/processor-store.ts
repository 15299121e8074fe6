/**
 * What a processor needs of the store it runs on: the port between processors and everything below them.
 */
import type { Observable } from 'rxjs';
import { assert } from '../src/assert.ts';
import type { RequestOptions } from '../src/log/append-request.ts';
import { readClock } from '../src/log/clock.ts';
import { type CursorMove, type CursorPlace, readCursor } from '../src/log/cursor.ts';
import type { LogFilter } from '../src/log/event-filter.ts';
import { type SubscriptionWalk, subscriptionWalks } from '../src/log/read-sources.ts';
import type { Snapshot } from '../src/storage/engine.ts';
import type { AppendResult, StoredEvent } from '../src/types.ts';
import type { Appender } from './appender.ts';
import type { Logger } from './logger.ts';
import type { OpenStore } from './open-store.ts';
import type { ReaderPool } from './reader-pool.ts';
import type { HeadWatch } from './watch.ts';

export interface ProcessorStore {
  /** The last durable position. Cheap: may be asked for after every batch. @throws {STORE_CLOSED} */
  head(): number;
  /** The head, then each newer one, conflated. Completes when the bus closes. */
  readonly head$: Observable<number>;
  /** Walks along the log, each beginning behind `after`. */
  walk(after: number, filter: LogFilter): SubscriptionWalk;
  /** Told how many events a handler was given, or passed. @default nobody is */
  readonly given?: (events: number) => void;
  /** @throws {STORE_CORRUPT} {STORE_CLOSED} */
  cursor(name: string): CursorPlace | undefined;
  /** What is to be asked in the place of `cursor` when a run begins, where something has to be done before. @throws as a commit */
  readonly load?: (() => Promise<CursorPlace>) | undefined;
  /** Resolves when the move is durable. @throws {CURSOR_MOVED}: nothing was written; and whatever a commit fails for. */
  moveCursor(move: Omit<CursorMove, 'kind'>): Promise<void>;
  /** Runs `use` on a snapshot of the last durable moment. @throws {STORE_CORRUPT} {STORE_CLOSED} */
  read<Result>(use: (snapshot: Snapshot) => Result): Result;
  /** The event at a position of the log. @throws {STORE_CORRUPT} {STORE_CLOSED} */
  event(position: number): StoredEvent;
  /** Appends what a handler appends. */
  appendFor(stream: string, events: unknown, options: RequestOptions): Promise<AppendResult>;
  /** Threads for handlers, started by the first call; `undefined` where there are none. */
  readonly readers?: (() => Promise<ReaderPool>) | undefined;
  /** What handlers write to. */
  readonly logger: Logger;
  /** Milliseconds since 1970; never throws. */
  now(): number;
  /** Told of failures that nobody waits for. */
  report(error: unknown): void;
}

/** The store of a bus, as its processors see it. */
export function processorStore(
  { engine, identity, reader, counts, head }: OpenStore,
  appender: Appender,
  watch: HeadWatch,
  bus: Pick<ProcessorStore, 'appendFor' | 'readers' | 'logger' | 'report'> & { readonly clock: () => number },
): ProcessorStore {
  return {
    head,
    head$: watch.head$,
    walk: (after, filter) => subscriptionWalks(reader.uncounted, after, filter)(),
    given: counts.addRead,
    cursor: (name) => engine.read((snapshot) => readCursor(snapshot, name, identity.incarnation)),
    moveCursor: (move) => appender.move(move),
    read: (use) => engine.read(use),
    event: (position) => {
      const event = reader.event(position);
      assert(event !== undefined, 'an event that was handled once is in the log');
      return event;
    },
    appendFor: bus.appendFor,
    readers: bus.readers,
    logger: bus.logger,
    now: () => readClock(bus.clock),
    report: bus.report,
  };
}
