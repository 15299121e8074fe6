/**
 * The reader pool: threads that read the store and run code of the user's, which may throw, hang, exit or run out of heap.
 *
 * Owns the threads and the queue in front of them. Guarantees that every task settles: a thread that dies costs the task it
 * ran and no other, and its place is taken by a new one; an aborted task ends with its thread. Never has a write
 * transaction, so its threads may be terminated at any moment. The only file that knows Piscina.
 */
import type { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { BusError } from '../src/errors.ts';
import { abortError, throwIfAborted } from '../src/log/pages.ts';
import { unpackError } from './error-transfer.ts';
import { queryFailed, type UserCode } from './query-task.ts';
import type { Answer, Handed, ReaderThreadData } from './reader.worker.ts';
import type { Run, RunOptions, TaskArgument, TaskName, TaskValue } from './reader-tasks.ts';
import { SharedCounts } from './shared-counts.ts';
import { ThreadSections } from './thread-sections.ts';
import { withinMs } from './within-ms.ts';
import { workerFile } from './worker-file.ts';

/** Tasks that wait for a thread; the next one is refused. */
const waitingTasksMax = 1024;
/**
 * Young heap of a thread, in MiB. Node ends a thread that runs out of heap by giving it 16 more and a termination; what a
 * collection of V8's default 48 moves over at once may exceed that, and then V8 ends the process (docs/decisions/0012).
 */
const youngMbMax = 32;
/** How long a thread is waited for that is inside lmdb, or loads it: a page of a read takes a few milliseconds. */
const sectionMsMax = 2000;
/** How long the end of a terminated thread is waited for: only a blocking system call in the user's code delays it. */
const threadEndMsMax = 5000;

export interface ReaderPoolOptions {
  /** Directory of the store. It must be open for writing before the first task, if this process writes it. */
  readonly path: string;
  /** Most threads. */
  readonly threads: number;
  /** Memory of the {@link StoreSecrets}, for a store with encryption. @default none */
  readonly secrets?: SharedArrayBuffer | undefined;
  /** What the bus counts. @default counts of its own */
  readonly counts?: SharedCounts;
  /** Safety checks to leave out when a thread opens the store. @default [] */
  readonly force?: ReaderThreadData['force'];
  /** A thread without work ends after this. Milliseconds. @default 10_000 */
  readonly idleMs?: number;
  /** How long `close` lets jobs go on. Milliseconds. @default 5000 */
  readonly closeMs?: number;
  /** Heap of one thread. MiB, 16 or more: a thread that can't even start for lack of heap ends the process. @default V8's own limit */
  readonly heapMbMax?: number;
  /** Told what failed where no task waits for it: a rejection or exception the user's module left behind. Must not throw. */
  readonly onError: (error: unknown) => void;
  /** For tests: what a thread runs. @default reader.worker */
  readonly file?: URL;
}

interface WaitingTask {
  readonly start: () => void;
  readonly refuse: (error: Error) => void;
}

export interface ReaderActivity {
  readonly tasksByThread: ReadonlyMap<number, number>;
  readonly tasks: number;
  readonly running: number;
  readonly waiting: number;
}

export class ReaderPool implements AsyncDisposable {
  readonly threads: number;
  readonly #path: string;
  readonly #secrets: SharedArrayBuffer | undefined;
  readonly #closeMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #piscina: Piscina<unknown, Answer<unknown> | null>;
  /** Threads that have not ended, those that Piscina has given up included, with their ids. */
  readonly #alive = new Map<Worker, number>();
  readonly #sections = new ThreadSections();
  readonly #jobs = new Set<Promise<unknown>>();
  /** One for each task that Piscina has. There are never more than threads, so none waits there for long. */
  readonly #running = new Set<AbortController>();
  readonly #waiting: WaitingTask[] = [];
  /** Tasks that each thread has done, by its id. */
  readonly #tasksByThread = new Map<number, number>();
  #tasks = 0;
  #turnsTaken = 0;
  #isEnded = false;
  #closing: Promise<void> | undefined;

  /** Starts no thread: the first task does. */
  constructor(options: ReaderPoolOptions) {
    const { path, threads, force = [], idleMs = 10_000, closeMs = 5000, heapMbMax, onError } = options;
    const { file = workerFile('reader'), counts = new SharedCounts() } = options;
    this.threads = threads;
    this.#path = path;
    this.#secrets = options.secrets;
    this.#closeMs = closeMs;
    this.#onError = onError;
    const data: ReaderThreadData = { path, force, sections: this.#sections.memory, counts: counts.memory };
    // No execArgv: threads inherit Node's options, while V8's would be refused if they were given (ERR_WORKER_INVALID_EXEC_ARGV).
    this.#piscina = new Piscina({
      filename: file.href,
      name: 'foldPart' satisfies TaskName,
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: idleMs,
      // The default parks an idle thread in Atomics.wait: timers of LMDB stand still, and its snapshot stays pinned.
      atomics: 'disabled',
      recordTiming: false,
      workerData: data,
      resourceLimits: {
        maxYoungGenerationSizeMb: youngMbMax,
        ...(heapMbMax === undefined ? {} : { maxOldGenerationSizeMb: heapMbMax }),
      },
    });
    this.#piscina.on('workerCreate', () => this.#followThreads());
    const lost = new Error('a reader thread ended while it started');
    this.#piscina.on('workerDestroy', () => setImmediate(() => this.#abandonStranded(lost)));
    this.#piscina.on('error', (error: unknown) => this.#onThreadError(error));
  }

  /** Tasks: done by each of its threads, by their ids, and by all so far; that run; that wait for a thread. */
  get activity(): ReaderActivity {
    const tasksByThread = this.#tasksByThread;
    return { tasksByThread, tasks: this.#tasks, running: this.#running.size, waiting: this.#waiting.length };
  }

  /** A job of one task. */
  readonly run: Run = (name, argument, options) => this.job((run) => run(name, argument, options));

  /** Does `work`, which may run tasks one after the other: `close` waits for its end, and lets it run further ones until then. */
  async job<Result>(work: (run: Run) => Promise<Result>): Promise<Result> {
    if (this.#closing !== undefined) throw this.#closedError();
    const job = work((name, argument, options = {}) => this.#run(name, argument, options));
    this.#jobs.add(job);
    try {
      return await job;
    } finally {
      this.#jobs.delete(job);
    }
  }

  /**
   * Takes no more jobs, waits `closeMs` for those there are, then terminates the threads; what still ran gets {STORE_CLOSED}.
   * After it no thread has the store open. Twice is fine.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await withinMs(this.#closeMs, Promise.allSettled(this.#jobs));
    this.#isEnded = true;
    for (const task of this.#waiting.splice(0)) task.refuse(this.#closedError());
    this.#followThreads();
    const ends = [...this.#alive.keys()].map((thread) => new Promise((resolve) => thread.once('exit', resolve)));
    await withinMs(
      threadEndMsMax,
      this.#whileOutside(() => Promise.all([this.#piscina.destroy(), ...ends])),
    );
    if (this.#alive.size > 0) {
      this.#onError(
        new Error(`${this.#alive.size} reader threads of ${this.#path} do not end: a system call holds them`),
      );
    }
  }

  async #run<Name extends TaskName>(
    name: Name,
    argument: TaskArgument<Name>,
    { signal, transfer = [] }: RunOptions,
  ): Promise<TaskValue<Name>> {
    throwIfAborted(signal);
    if (this.#isEnded) throw this.#closedError();
    await this.#turn(argument, signal);
    const stop = new AbortController();
    const relay = () => this.#stop([stop], signal?.reason);
    signal?.addEventListener('abort', relay);
    this.#running.add(stop);
    let answer: Answer<unknown> | null;
    try {
      throwIfAborted(signal);
      if (this.#isEnded) throw this.#closedError();
      const handed: Handed<unknown> = { task: argument, secrets: this.#secrets };
      answer = await this.#piscina.run(handed, { name, signal: stop.signal, transferList: [...transfer] });
    } catch (error) {
      throw this.#lostError(argument, signal, stop.signal.aborted ? stop.signal.reason : error);
    } finally {
      this.#running.delete(stop);
      signal?.removeEventListener('abort', relay);
      this.#passTurn();
    }
    // What a task ends with whose thread threw null.
    if (answer === null) throw this.#lostError(argument, signal, null);
    const { thread } = answer;
    this.#tasks++;
    if (this.#tasksByThread.has(thread)) this.#tasksByThread.set(thread, (this.#tasksByThread.get(thread) ?? 0) + 1);
    if (!answer.ok) throw unpackError(answer.error);
    return answer.value as TaskValue<Name>;
  }

  /**
   * Resolves when one of the `threads` turns is free. Piscina's own queue would not do: with the death of a thread it forgets
   * the tasks that wait until another task comes.
   */
  #turn(code: UserCode, signal: AbortSignal | undefined): Promise<void> {
    if (this.#turnsTaken < this.threads) {
      this.#turnsTaken++;
      return Promise.resolve();
    }
    if (this.#waiting.length >= waitingTasksMax) {
      throw queryFailed(code, `${waitingTasksMax} tasks wait for a reader thread already`, undefined);
    }
    return new Promise((resolve, reject) => {
      const settle = (then: () => void) => {
        signal?.removeEventListener('abort', leave);
        then();
      };
      const task: WaitingTask = {
        start: () => settle(resolve),
        refuse: (error) => settle(() => reject(error)),
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(task), 1);
        task.refuse(abortError(signal as AbortSignal, 'nothing-written'));
      };
      signal?.addEventListener('abort', leave);
      this.#waiting.push(task);
    });
  }

  #passTurn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#turnsTaken--;
    else next.start();
  }

  #followThreads(): void {
    for (const thread of this.#piscina.threads) {
      if (this.#alive.has(thread)) continue;
      const { threadId } = thread;
      this.#alive.set(thread, threadId);
      this.#tasksByThread.set(threadId, 0);
      this.#sections.begin(threadId);
      thread.once('exit', () => {
        this.#alive.delete(thread);
        this.#tasksByThread.delete(threadId);
        this.#sections.leave(threadId);
      });
    }
  }

  /** A thread failed that had no task: what it ran before left something behind, or it could not even start. */
  #onThreadError(error: unknown): void {
    if (!this.#abandonStranded(error)) this.#onError(error);
  }

  /** Piscina starts no other thread for tasks that waited for one that did not come to be. True if there were such tasks. */
  #abandonStranded(cause: unknown): boolean {
    if (this.#isEnded || this.#running.size <= this.#piscina.threads.length) return false;
    this.#stop([...this.#running], cause);
    return true;
  }

  /** Has Piscina terminate the threads of these tasks, at a moment when that is safe. */
  #stop(tasks: readonly AbortController[], reason: unknown): void {
    void this.#whileOutside(() => {
      for (const task of tasks) task.abort(reason);
    });
  }

  #whileOutside<Result>(end: () => Result): Promise<Awaited<Result>> {
    return this.#sections.whileOutside([...this.#alive.values()], sectionMsMax, end);
  }

  #lostError(code: UserCode, signal: AbortSignal | undefined, cause: unknown): BusError {
    if (signal?.aborted) return abortError(signal, 'nothing-written');
    if (this.#isEnded) return this.#closedError();
    return queryFailed(code, 'its reader thread ended', cause);
  }

  #closedError(): BusError<'STORE_CLOSED'> {
    return new BusError('STORE_CLOSED', `the reader threads of ${this.#path} are closed`, { path: this.#path });
  }
}
