/**
 * The caller's side of the writer, in every thread that appends: a bounded queue of commands, and what their callers wait for.
 *
 * Who takes commands out of it is somebody else's: the writer itself where it is hosted in the same thread, a port to its
 * thread otherwise. Outcomes come back in the order in which commands were taken. Beyond the bound, callers wait their turn.
 */
import { BusError, isBusError } from '../src/errors.ts';
import { queueBytesMax, queueEventsMax } from '../src/limits.ts';
import type { AppendRequest } from '../src/log/append-request.ts';
import type { CursorMove } from '../src/log/cursor.ts';
import type { Outcome, WriterCommand } from '../src/log/log-writer.ts';
import { abortError, throwIfAborted } from '../src/log/pages.ts';
import type { AppendResult } from '../src/types.ts';
import { type CommandSource, commandBytes, commandEvents, type Room } from './command-source.ts';

interface QueuedCommand {
  readonly command: WriterCommand;
  readonly settle: (outcome: Outcome) => void;
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

/** So many taken places of the queue are given back at once: moving the rest up for each would cost too much. */
const compactAt = 4096;

export class Appender implements CommandSource {
  readonly #options: AppenderOptions;
  /** To be taken, from `#first` on. */
  #queue: QueuedCommand[] = [];
  #first = 0;
  /** Taken, and waited for. */
  readonly #taken: QueuedCommand[] = [];
  /** Beyond the queue's bound, in the order of the calls. */
  readonly #waiting = new Set<QueuedCommand>();
  /** Of queued and taken commands. */
  #events = 0;
  #bytes = 0;
  /** Of queued commands. */
  #queuedEvents = 0;
  #failure: unknown;
  #isClosed = false;
  readonly #drained: (() => void)[] = [];

  constructor(options: AppenderOptions) {
    this.#options = options;
  }

  /** Events that can be taken now. */
  get queuedEvents(): number {
    return this.#queuedEvents;
  }

  /**
   * Resolves with what `pick` takes from the results when the request is durable. (A `then` instead would cost a second
   * promise for each append.) @throws {ABORTED} while nobody has taken it, and whatever the writer refuses it for.
   */
  append<Result>(
    request: AppendRequest,
    signal: AbortSignal | undefined,
    pick: (results: AppendResult[]) => Result,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      throwIfAborted(signal);
      const settle = (outcome: Outcome) => {
        if ('error' in outcome) reject(outcome.error);
        else resolve(pick(outcome.results));
      };
      this.#add(signal === undefined ? { command: request, settle } : this.#abortable(request, settle, signal));
    });
  }

  /** Resolves when the move is durable. @throws {CURSOR_MOVED} and whatever a commit fails for. */
  move(move: Omit<CursorMove, 'kind'>): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: Outcome) => {
        if ('error' in outcome) reject(outcome.error);
        else resolve();
      };
      this.#add({ command: { kind: 'move-cursor', ...move }, settle });
    });
  }

  next(room: Room): WriterCommand | undefined {
    const queued = this.#queue[this.#first];
    if (queued === undefined) return undefined;
    const { command } = queued;
    if (!room.isEmpty && (commandEvents(command) > room.events || commandBytes(command) > room.bytes)) return undefined;
    this.#first++;
    if (this.#first === this.#queue.length || this.#first >= compactAt) {
      this.#queue = this.#queue.slice(this.#first);
      this.#first = 0;
    }
    this.#queuedEvents -= commandEvents(command);
    this.#taken.push(queued);
    return command;
  }

  tell(outcomes: readonly Outcome[]): void {
    const settled = this.#taken.splice(0, outcomes.length);
    for (const [index, queued] of settled.entries()) this.#settle(queued, outcomes[index] as Outcome);
    for (const outcome of outcomes) if ('error' in outcome && endsWriting(outcome.error)) this.fail(outcome.error);
    this.#admitWaiting();
    this.#tellDrained();
  }

  /** Lets everything that is waited for, and all that comes, fail with `error`. */
  fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#options.onFailed?.(error);
    const all = [...this.#taken.splice(0), ...this.#queue.slice(this.#first), ...this.#waiting];
    this.#queue = [];
    this.#first = 0;
    this.#queuedEvents = 0;
    for (const queued of all) {
      if (this.#waiting.delete(queued)) queued.settle({ error });
      else this.#settle(queued, { error });
    }
    this.#tellDrained();
  }

  /** Takes no more commands and resolves when those before it are settled. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#events > 0 || this.#waiting.size > 0) {
      await new Promise<void>((resolve) => this.#drained.push(resolve));
    }
  }

  /** Listens to `signal` until the append is settled. What was taken is committed with its group and answers for itself. */
  #abortable(command: WriterCommand, settle: (outcome: Outcome) => void, signal: AbortSignal): QueuedCommand {
    const onAbort = () => {
      if (!this.#withdraw(queued)) return;
      queued.settle({ error: abortError(signal, 'nothing-written') });
      this.#admitWaiting();
      this.#tellDrained();
    };
    const queued = {
      command,
      settle: (outcome: Outcome) => {
        signal.removeEventListener('abort', onAbort);
        settle(outcome);
      },
    };
    signal.addEventListener('abort', onAbort);
    return queued;
  }

  #add(queued: QueuedCommand): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isClosed) throw new BusError('STORE_CLOSED', 'the bus is closed', { path: this.#options.path });
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

  /** Takes back what nobody has taken. */
  #withdraw(queued: QueuedCommand): boolean {
    if (this.#waiting.delete(queued)) return true;
    const index = this.#queue.indexOf(queued, this.#first);
    if (index < 0) return false;
    this.#queue.splice(index, 1);
    this.#queuedEvents -= commandEvents(queued.command);
    this.#release(queued);
    return true;
  }

  #settle(queued: QueuedCommand, outcome: Outcome): void {
    this.#release(queued);
    queued.settle(outcome);
  }

  #release({ command }: QueuedCommand): void {
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

/** After these the writer refuses everything (see LogWriter.failure). */
function endsWriting(error: unknown): boolean {
  return isBusError(error, 'STORE_FAILED') || isBusError(error, 'WRITER_FENCED');
}
