/**
 * The caller's side of the writer, in every thread that appends: a bounded queue of commands, and what their callers wait for.
 *
 * Who takes commands out of it is somebody else's: the writer itself where it is hosted in the same thread, a port to its
 * thread otherwise. Outcomes come back in the order in which commands were taken. Beyond the bound, callers wait their turn.
 */

import type { Erasable } from '../src/crypto/key-owner.ts';
import type { MasterKey } from '../src/crypto/master-key.ts';
import { BusError } from '../src/errors.ts';
import { queueBytesMax, queueEventsMax } from '../src/limits.ts';
import type { AppendRequest } from '../src/log/append-request.ts';
import type { CursorMove } from '../src/log/cursor.ts';
import type { WrittenErasure } from '../src/log/erasure.ts';
import type { Outcome, WriterCommand } from '../src/log/log-writer.ts';
import { abortError, throwIfAborted } from '../src/log/pages.ts';
import type { RowDraft } from '../src/log/row-draft.ts';
import type { AppendResult } from '../src/types.ts';
import { AbortableSet } from './abortable-set.ts';
import type { Activity } from './actor-tree.ts';
import { type CommandSource, commandBytes, commandEvents, type Room } from './command-source.ts';
import { Fifo } from './fifo.ts';

/** The outcome of a command that was not refused. */
type Written = Exclude<Outcome, { readonly error: unknown }>;

const nothing = (_outcome: Written): void => undefined;

interface QueuedCommand {
  readonly command: WriterCommand;
  /** Ends the wait of its caller; later calls do nothing. */
  readonly settle: (outcome: Outcome) => void;
  readonly signal: AbortSignal | undefined;
}

export interface AppenderOptions {
  /** The store, for messages. */
  readonly path: string;
  /** Called when there is something to take. */
  readonly onReady: () => void;
  /** Called once, when the writer says that it takes nothing any more. */
  readonly onFailed?: (error: unknown) => void;
  /** Called when the first command is waited for, and when the last one is settled. */
  readonly onBusy?: (isBusy: boolean) => void;
}

export class Appender implements CommandSource {
  readonly #options: AppenderOptions;
  /** To be taken. */
  readonly #queue = new Fifo<QueuedCommand>();
  /** Taken, and not answered yet. */
  readonly #taken: QueuedCommand[] = [];
  /** Beyond the queue's bound, in the order of the calls. */
  readonly #waiting = new Set<QueuedCommand>();
  /** Those with a signal, by it. */
  readonly #abortable = new AbortableSet<QueuedCommand>((signal, aborted) => this.#abort(signal, aborted));
  /** Of queued and taken commands. */
  #events = 0;
  #bytes = 0;
  /** Of queued commands. */
  #queuedEvents = 0;
  /** Commands added so far. */
  #added = 0;
  #failure: unknown;
  #isClosed = false;
  readonly #drained: (() => void)[] = [];

  constructor(options: AppenderOptions) {
    this.#options = options;
  }

  get activity(): Activity {
    const state =
      this.#failure !== undefined ? 'failed' : this.#events > 0 ? 'busy' : this.#isClosed ? 'closed' : 'idle';
    return { state, messages: this.#added };
  }

  /** Events that can be taken now. */
  get queuedEvents(): number {
    return this.#queuedEvents;
  }

  /**
   * Resolves with what `pick` takes from the results when the request is durable. (A `then` instead would cost a second
   * promise for each append.) `signal` ends the wait: {ABORTED} `'nothing-written'` while nobody has taken the request,
   * `'unknown'` afterwards. @throws whatever the writer refuses it for.
   */
  append<Result>(
    command: AppendRequest,
    signal: AbortSignal | undefined,
    pick: (results: AppendResult[]) => Result,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      throwIfAborted(signal);
      const settle = (outcome: Outcome) => {
        if ('error' in outcome) reject(outcome.error);
        else resolve(pick(outcome.results));
      };
      this.#add({ command, settle, signal });
    });
  }

  /** Resolves when the move is durable. @throws {CURSOR_MOVED} and whatever a commit fails for. */
  move(move: Omit<CursorMove, 'kind'>): Promise<void> {
    return this.#settled({ kind: 'move-cursor', ...move }, nothing);
  }

  /** Resolves when the keys of `what` are destroyed, durably. @throws {UNSUPPORTED} {STORE_FULL} and whatever a commit fails for. */
  erase(what: Erasable): Promise<WrittenErasure> {
    return this.#settled({ kind: 'erase', what }, ({ erasure }) => erasure as WrittenErasure);
  }

  /** Resolves when nothing opens the store's keys but `masterKey`. @throws {UNSUPPORTED} {STORE_FULL} and whatever a commit fails for. */
  rotate(masterKey: MasterKey): Promise<void> {
    return this.#settled({ kind: 'rotate', masterKey }, nothing);
  }

  /** Resolves when the rows are durable. @throws whatever a commit fails for. */
  writeRows(rows: readonly RowDraft[]): Promise<void> {
    return this.#settled({ kind: 'write-rows', rows }, nothing);
  }

  next(room: Room): WriterCommand | undefined {
    const queued = this.#queue.first;
    if (queued === undefined || !room.fits(queued.command)) return undefined;
    this.#queue.shift();
    this.#queuedEvents -= commandEvents(queued.command);
    this.#taken.push(queued);
    return queued.command;
  }

  tell(outcomes: readonly Outcome[]): void {
    const settled = this.#taken.splice(0, outcomes.length);
    for (const [index, queued] of settled.entries()) this.#settle(queued, outcomes[index] as Outcome);
    this.#admitWaiting();
    this.#tellDrained();
  }

  fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#options.onFailed?.(error);
    const counted = [...this.#taken.splice(0), ...this.#queue.clear()];
    this.#queuedEvents = 0;
    for (const queued of counted) this.#settle(queued, { error });
    for (const queued of this.#waiting) this.#end(queued, { error });
    this.#waiting.clear();
    this.#tellDrained();
  }

  /** Takes no more commands and resolves when those before it are settled. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#events > 0 || this.#waiting.size > 0) {
      await new Promise<void>((resolve) => this.#drained.push(resolve));
    }
  }

  /** A command that appends nothing. Resolves with what `pick` takes from its outcome. */
  #settled<Result>(command: WriterCommand, pick: (outcome: Written) => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: Outcome) => {
        if ('error' in outcome) reject(outcome.error);
        else resolve(pick(outcome));
      };
      this.#add({ command, settle, signal: undefined });
    });
  }

  #add(queued: QueuedCommand): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isClosed) throw new BusError('STORE_CLOSED', 'the bus is closed', { path: this.#options.path });
    this.#added++;
    if (queued.signal !== undefined) this.#abortable.add(queued.signal, queued);
    if (this.#hasRoom() && this.#waiting.size === 0) this.#enqueue(queued);
    else this.#waiting.add(queued);
  }

  #hasRoom(): boolean {
    return this.#events < queueEventsMax && this.#bytes < queueBytesMax;
  }

  #enqueue(queued: QueuedCommand): void {
    const events = commandEvents(queued.command);
    if (this.#events === 0) this.#options.onBusy?.(true);
    this.#queue.push(queued);
    this.#queuedEvents += events;
    this.#events += events;
    this.#bytes += commandBytes(queued.command);
    this.#options.onReady();
  }

  /** Takes back what nobody has taken; of the rest only the callers wait no longer. */
  #abort(signal: AbortSignal, aborted: ReadonlySet<QueuedCommand>): void {
    const queued = this.#queue.remove(aborted);
    for (const { command } of queued) {
      this.#queuedEvents -= commandEvents(command);
      this.#release(command);
    }
    const withdrawn = new Set(queued);
    for (const one of aborted) {
      const isWritten = !this.#waiting.delete(one) && !withdrawn.has(one);
      one.settle({ error: abortError(signal, isWritten ? 'unknown' : 'nothing-written') });
    }
    this.#admitWaiting();
    this.#tellDrained();
  }

  #settle(queued: QueuedCommand, outcome: Outcome): void {
    this.#release(queued.command);
    this.#end(queued, outcome);
  }

  #end(queued: QueuedCommand, outcome: Outcome): void {
    if (queued.signal !== undefined) this.#abortable.delete(queued.signal, queued);
    queued.settle(outcome);
  }

  #release(command: WriterCommand): void {
    this.#events -= commandEvents(command);
    this.#bytes -= commandBytes(command);
    if (this.#events === 0) this.#options.onBusy?.(false);
  }

  #admitWaiting(): void {
    for (const queued of this.#waiting) {
      if (!this.#hasRoom()) return;
      this.#waiting.delete(queued);
      this.#enqueue(queued);
    }
  }

  #tellDrained(): void {
    if (this.#events === 0 && this.#waiting.size === 0) for (const resolve of this.#drained.splice(0)) resolve();
  }
}
