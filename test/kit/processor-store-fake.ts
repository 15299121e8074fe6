/**
 * A store for processors, in memory and in the test's hand: its log, its cursors, its clock, and what goes wrong.
 */
import { BehaviorSubject } from 'rxjs';
import { SimulatedClock } from 'xstate';
import type { ProcessorStore } from '#actors/processor-store';
import { Processors } from '#actors/processors';
import type { RequestOptions } from '#kernel/log/append-request';
import { type CursorMove, type CursorPlace, checkMove } from '#kernel/log/cursor';
import type { LogFilter } from '#kernel/log/event-filter';
import { belongsTo } from '#kernel/log/partitions';
import type { SubscriptionWalk } from '#kernel/log/read-sources';
import type { Snapshot } from '#kernel/storage/engine';
import type { AppendResult, Logger, StoredEvent } from '#store';
import { RowStore } from './row-store.ts';

export class FakeProcessorStore implements ProcessorStore {
  readonly head$ = new BehaviorSubject(0);
  readonly clock = new SimulatedClock();
  readonly cursors = new Map<string, CursorPlace>();
  readonly reported: unknown[] = [];
  readonly rows = new RowStore();
  /** What handlers have appended. */
  readonly appendedFor: (RequestOptions & { readonly stream: string })[] = [];
  readonly logged: unknown[] = [];
  readers: ProcessorStore['readers'];
  readonly logger: Logger = {
    debug: (...given) => this.logged.push(given),
    info: (...given) => this.logged.push(given),
    warn: (...given) => this.logged.push(given),
    error: (...given) => this.logged.push(given),
  };
  /** Every durable move, in order. */
  readonly moves: Omit<CursorMove, 'kind'>[] = [];
  /** Called before each move; what it throws, or rejects with, is the move's failure. */
  onMove: () => unknown = () => undefined;
  /** Called before each look at the cursor. */
  onLoad: () => void = () => undefined;
  /** Called before each page. */
  onRead: () => void = () => undefined;
  readonly #events: StoredEvent[] = [];

  /** Appends events of `types`, to streams of the same name, and tells of the new head. */
  append(...types: string[]): void {
    for (const type of types) this.#events.push(storedEvent(this.#events.length + 1, type));
    this.head$.next(this.head());
  }

  appendMany(count: number, type = 'a'): void {
    this.append(...Array.from({ length: count }, () => type));
  }

  head(): number {
    return this.#events.length;
  }

  walk(after: number, filter: LogFilter): SubscriptionWalk {
    let position = after;
    const isMine = belongsTo(filter.partition);
    return {
      position: () => position,
      next: (head, limit = Number.POSITIVE_INFINITY) => {
        this.onRead();
        const page: StoredEvent[] = [];
        while (position < head && page.length < limit) {
          const event = this.#events[position++] as StoredEvent;
          const isWanted = filter.types === undefined || filter.types.includes(event.type);
          if (isWanted && isMine(event.stream)) page.push(event);
        }
        return page;
      },
    };
  }

  cursor(name: string): CursorPlace | undefined {
    this.onLoad();
    return this.cursors.get(name);
  }

  async moveCursor(move: Omit<CursorMove, 'kind'>): Promise<void> {
    await this.onMove();
    checkMove({ kind: 'move-cursor', ...move }, this.cursors.get(move.name), this.head());
    this.cursors.set(move.name, move.to);
    this.moves.push(move);
    this.rows.write(move.rows);
  }

  read<Result>(use: (snapshot: Snapshot) => Result): Result {
    return this.rows.read(use);
  }

  event(position: number): StoredEvent {
    return this.#events[position - 1] as StoredEvent;
  }

  async appendFor(stream: string, _events: unknown, options: RequestOptions): Promise<AppendResult> {
    this.appendedFor.push({ stream, ...options });
    this.append(stream);
    const at = this.head();
    return { stream, firstVersion: at, lastVersion: at, firstPosition: at, lastPosition: at, duplicate: false };
  }

  now(): number {
    return 1_000_000 + this.clock.now();
  }

  report(error: unknown): void {
    this.reported.push(error);
  }
}

/** Processors on a fake store; waits take as long as they are meant to, unless `random` says otherwise. */
export function fakeProcessors(random = () => 0): { store: FakeProcessorStore; processors: Processors } {
  const store = new FakeProcessorStore();
  return { store, processors: new Processors(store, { clock: store.clock, random }) };
}

/** Lets everything run that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function storedEvent(position: number, type: string): StoredEvent {
  return {
    id: `event-${position}`,
    stream: type,
    version: position,
    position,
    type,
    data: { position },
    metadata: undefined,
    timeMs: position,
  };
}
