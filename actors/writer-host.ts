/**
 * The writer's host in the calling thread: queues requests and hands them to the log in groups.
 *
 * What is appended within one turn of the event loop shares a commit and its fsync; each call keeps its own outcome. The
 * queue is bounded: beyond it `append` waits its turn. There is no timer: while one group syncs the next one gathers.
 */
import { BusError } from '../src/errors.ts';
import { groupBytesMax, groupEventsMax, queueBytesMax, queueEventsMax } from '../src/limits.ts';
import type { AppendRequest } from '../src/log/append-request.ts';
import type { LogWriter, Outcome } from '../src/log/log-writer.ts';
import { abortError, throwIfAborted } from '../src/log/pages.ts';
import type { AppendResult } from '../src/types.ts';

interface QueuedAppend {
  readonly request: AppendRequest;
  readonly settle: (outcome: Outcome) => void;
}

export class WriterHost {
  readonly #writer: LogWriter;
  readonly #path: string;
  /** Called after the callers of a commit have been told. */
  readonly #onCommit: () => void;
  /** Handed over: the next groups. */
  #queue: QueuedAppend[] = [];
  #queuedEvents = 0;
  #queuedBytes = 0;
  /** Beyond the queue's bound, in the order of the calls. */
  readonly #waiting = new Set<QueuedAppend>();
  #isScheduled = false;
  #isClosed = false;
  #drained: (() => void)[] = [];

  constructor(writer: LogWriter, path: string, onCommit: () => void) {
    this.#writer = writer;
    this.#path = path;
    this.#onCommit = onCommit;
  }

  /**
   * Resolves with what `pick` takes from the results when the request is durable. (A `then` instead would cost a second
   * promise for each append.) @throws {ABORTED} while it waited, and whatever the writer refuses it for.
   */
  append<Result>(
    request: AppendRequest,
    signal: AbortSignal | undefined,
    pick: (results: AppendResult[]) => Result,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      throwIfAborted(signal);
      if (this.#isClosed) throw new BusError('STORE_CLOSED', 'the bus is closed', { path: this.#path });
      const settle = (outcome: Outcome) => {
        if ('error' in outcome) reject(outcome.error);
        else resolve(pick(outcome.results));
      };
      const queued = signal === undefined ? { request, settle } : this.#abortable(request, settle, signal);
      if (this.#hasRoom() && this.#waiting.size === 0) this.#enqueue(queued);
      else this.#waiting.add(queued);
    });
  }

  /** Listens to `signal` until the append is settled. What is handed over is committed with its group and answers for itself. */
  #abortable(request: AppendRequest, settle: (outcome: Outcome) => void, signal: AbortSignal): QueuedAppend {
    const onAbort = () => {
      if (this.#withdraw(queued)) queued.settle({ error: abortError(signal, 'nothing-written') });
    };
    const queued = {
      request,
      settle: (outcome: Outcome) => {
        signal.removeEventListener('abort', onAbort);
        settle(outcome);
      },
    };
    signal.addEventListener('abort', onAbort);
    return queued;
  }

  /** Takes no more appends and resolves when those before it are committed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#isScheduled) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  #hasRoom(): boolean {
    return this.#queuedEvents < queueEventsMax && this.#queuedBytes < queueBytesMax;
  }

  #enqueue(queued: QueuedAppend): void {
    this.#queue.push(queued);
    this.#queuedEvents += queued.request.types.length;
    this.#queuedBytes += queued.request.records.length;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#commitGroup());
  }

  /** Takes back what no commit has begun with. */
  #withdraw(queued: QueuedAppend): boolean {
    if (this.#waiting.delete(queued)) return true;
    const index = this.#queue.indexOf(queued);
    if (index < 0) return false;
    this.#queue.splice(index, 1);
    this.#release(queued);
    return true;
  }

  #release(queued: QueuedAppend): void {
    this.#queuedEvents -= queued.request.types.length;
    this.#queuedBytes -= queued.request.records.length;
  }

  #commitGroup(): void {
    const group = this.#takeGroup();
    const outcomes = this.#writer.commit(group.map(({ request }) => request));
    for (const [index, queued] of group.entries()) queued.settle(outcomes[index] as Outcome);
    this.#admitWaiting();
    this.#isScheduled = this.#queue.length > 0;
    if (this.#isScheduled) setImmediate(() => this.#commitGroup());
    else for (const resolve of this.#drained.splice(0)) resolve();
    if (group.length > 0) this.#onCommit();
  }

  /** The oldest requests, up to the size of a group; always at least one. */
  #takeGroup(): QueuedAppend[] {
    let events = 0;
    let bytes = 0;
    let count = 0;
    for (const { request } of this.#queue) {
      events += request.types.length;
      bytes += request.records.length;
      if (count > 0 && (events > groupEventsMax || bytes > groupBytesMax)) break;
      count++;
    }
    const group = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    for (const queued of group) this.#release(queued);
    return group;
  }

  #admitWaiting(): void {
    for (const queued of this.#waiting) {
      if (!this.#hasRoom()) return;
      this.#waiting.delete(queued);
      this.#enqueue(queued);
    }
  }
}
