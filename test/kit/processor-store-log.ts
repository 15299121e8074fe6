/**
 * A store for processors on the real log, without a bus: appends and moves are committed in the caller's turn.
 */
import { BehaviorSubject } from 'rxjs';
import type { ProcessorStore } from '#actors/processor-store';
import { encodeRequest, type RequestOptions } from '#kernel/log/append-request';
import { type CursorMove, type CursorPlace, readCursor } from '#kernel/log/cursor';
import type { LogFilter } from '#kernel/log/event-filter';
import { LogReader } from '#kernel/log/log-reader';
import { LogWriter, type Outcome, type WriterCommand } from '#kernel/log/log-writer';
import { type SubscriptionWalk, subscriptionWalks } from '#kernel/log/read-sources';
import type { Engine, Snapshot } from '#kernel/storage/engine';
import type { AppendResult, NewEvent, StoredEvent } from '#store';

export class LogProcessorStore implements ProcessorStore {
  readonly head$: BehaviorSubject<number>;
  readonly reported: unknown[] = [];
  readonly #engine: Engine;
  readonly #writer: LogWriter;
  readonly #reader: LogReader;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#writer = new LogWriter(engine, { clock: Date.now, idempotencyTtlMs: 1000 });
    this.#reader = new LogReader(engine, this.#writer);
    this.head$ = new BehaviorSubject(this.head());
  }

  append(stream: string, events: readonly NewEvent[]): void {
    this.#commit(encodeRequest([{ stream, events, expectedVersion: 'any' }], {}, Date.now()));
    this.head$.next(this.head());
  }

  head(): number {
    return this.#reader.head();
  }

  walk(after: number, filter: LogFilter): SubscriptionWalk {
    return subscriptionWalks(this.#reader, after, filter)();
  }

  cursor(name: string): CursorPlace | undefined {
    return this.#engine.read((snapshot) => readCursor(snapshot, name, this.#writer.identity.incarnation));
  }

  async moveCursor(move: Omit<CursorMove, 'kind'>): Promise<void> {
    this.#commit({ kind: 'move-cursor', ...move });
  }

  read<Result>(use: (snapshot: Snapshot) => Result): Result {
    return this.#engine.read(use);
  }

  event(position: number): StoredEvent {
    return this.#reader.event(position) as StoredEvent;
  }

  async appendFor(stream: string, events: unknown, options: RequestOptions): Promise<AppendResult> {
    const outcome = this.#commit(encodeRequest([{ stream, events }], options, Date.now()));
    this.head$.next(this.head());
    return outcome.results[0] as AppendResult;
  }

  readonly logger = console;

  now(): number {
    return Date.now();
  }

  report(error: unknown): void {
    this.reported.push(error);
  }

  #commit(command: WriterCommand): Exclude<Outcome, { readonly error: unknown }> {
    const outcome = this.#writer.commit([command])[0] as Outcome;
    if ('error' in outcome) throw outcome.error;
    return outcome;
  }
}
