/**
 * Keeps the `status` file of a store up to date, for those who look at it from other processes.
 *
 * Writes at most ten times a second, less often where that is much work, and only what has changed; at rest it does nothing at
 * all. News do not wait for their turn among quantities: only the processors they are of are looked at then, which is little
 * work. What it can't write it reports once: it never holds up or disturbs the bus it tells of.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { BusError } from '../src/errors.ts';
import { statusNewsFactor, statusNewsSavedMs, statusRetryMs, statusWriteFactor, statusWriteMs } from '../src/limits.ts';
import { StatusFile } from '../src/storage/status-file.ts';
import { isMissing } from '../src/storage/system-errors.ts';
import type { BusStatus } from './bus-status.ts';
import type { Inspection } from './inspection.ts';
import { leaveAll } from './leave-all.ts';
import type { OpenStore } from './open-store.ts';
import { type TimerClock, unheldTimers } from './processor-status.ts';
import { StatusForm } from './status-form.ts';
import type { Listen } from './wake-ups.ts';

export interface StatusWriterOptions {
  readonly file: Pick<StatusFile, 'path' | 'write' | 'close'>;
  /** The text of a status. */
  readonly text: (status: BusStatus) => string;
  /** As {@link Inspection.status}. */
  readonly status: (only?: ReadonlySet<string>) => BusStatus;
  /** Wakes when the status may have changed. Only listened to at rest. */
  readonly listen: Listen;
  /** Tells of a processor, or of the bus, what is to be told soon, until what is returned is called. */
  readonly listenToNews: (onNews: (processor?: string) => void) => () => void;
  readonly report: (error: unknown) => void;
  readonly clock: TimerClock;
  /** Milliseconds from some moment on. */
  readonly now: () => number;
  /** What this thread has worked so far, in milliseconds, if it can be told: on a busy machine the time that passes says little. */
  readonly worked: () => number;
}

/** The writer for a bus that writes `store`; `undefined` where no other process can read it. */
export function statusWriterOn(
  { engine, appender, counts, keys, listen }: OpenStore,
  inspection: Inspection,
  onState: Listen,
): StatusWriter | undefined {
  if (appender === undefined || !engine.capabilities.processes) return undefined;
  const form = new StatusForm(keys !== undefined);
  const sources: readonly Listen[] = [listen, counts.listen, onState, (wake) => inspection.hear(wake)];
  return new StatusWriter({
    file: new StatusFile(engine.path),
    text: (status) => form.text(status),
    status: (only) => inspection.status(only),
    listen: (wake) => leaveAll(sources.map((source) => source(wake))),
    listenToNews: (onNews) => leaveAll([onState(() => onNews()), inspection.hearNews(onNews)]),
    report: (error) => inspection.report(error),
    clock: unheldTimers,
    now: () => performance.now(),
    worked: threadMs,
  });
}

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  /** Its turns come in the context in which the bus was opened, not in that of whoever wakes it. */
  readonly #inContext = AsyncLocalStorage.snapshot();
  #told: BusStatus | undefined;
  #timer: unknown;
  #leave: (() => void) | undefined;
  readonly #leaveNews: () => void;
  /** Of which there are news that were not looked at yet. */
  #news = new Set<string>();
  #hasNews = false;
  /** When the next write may be, whatever there is to tell. */
  #leastAt: number;
  /** When everything may be looked at. */
  #dueAt: number;
  /** When news may be, if there are some. */
  #newsDueAt = Number.NEGATIVE_INFINITY;
  #writing: Promise<void> | undefined;
  #isWriting = false;
  #hasFailed = false;
  #isClosed = false;

  /** What ends sooner than the first write leaves no file. */
  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#dueAt = options.now() + statusWriteMs;
    this.#leastAt = this.#dueAt;
    this.#leaveNews = options.listenToNews((processor) => this.#heard(processor));
    this.#schedule();
  }

  /** Tells nothing any more; the file says so. @throws what a system call says */
  async close(): Promise<void> {
    this.#end();
    await this.#writing;
    this.#options.file.close();
  }

  #end(): void {
    this.#isClosed = true;
    this.#leaveNews();
    this.#rest();
  }

  #rest(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#leave?.();
    this.#leave = undefined;
  }

  /** Whatever was under way, or listened to, there is one next turn. */
  #schedule(): void {
    const { clock, now } = this.#options;
    this.#rest();
    const turn = () => this.#inContext(() => this.#turn());
    const dueAt = this.#hasNews ? Math.min(this.#dueAt, this.#newsDueAt) : this.#dueAt;
    this.#timer = clock.setTimeout(turn, Math.max(0, Math.max(this.#leastAt, dueAt) - now()));
  }

  #heard(processor: string | undefined): void {
    if (processor !== undefined) this.#news.add(processor);
    if (this.#hasNews) return;
    this.#hasNews = true;
    // Under way, it looks for them when it is done.
    if (!this.#isWriting) this.#schedule();
  }

  #turn(): void {
    const { now, worked } = this.#options;
    const begunAt = now();
    const workedBefore = worked();
    const news = this.#news;
    // Without news it came for everything: a timer of whole milliseconds ends a part of one too soon.
    const isOfAll = !this.#hasNews || begunAt >= this.#dueAt;
    this.#news = new Set();
    this.#hasNews = false;
    this.#leastAt = begunAt + statusWriteMs;
    try {
      const status = this.#options.status(isOfAll ? undefined : news);
      const isToWrite = !isSame(status, this.#told);
      if (isToWrite) this.#writing = this.#write(status);
      const isAtRest = !isToWrite && isOfAll && this.#sleep();
      // Looking is work, too.
      const tookMs = worked() - workedBefore;
      if (isOfAll) this.#dueAt = begunAt + Math.max(statusWriteMs, statusWriteFactor * tookMs);
      else this.#newsDueAt = Math.max(this.#newsDueAt, begunAt - statusNewsSavedMs) + statusNewsFactor * tookMs;
      if (!isToWrite && !isAtRest) this.#schedule();
    } catch (error) {
      this.#failed(error);
    }
  }

  async #write(status: BusStatus): Promise<void> {
    const { file, text } = this.#options;
    this.#isWriting = true;
    try {
      await file.write(text(status));
      this.#isWriting = false;
      this.#told = status;
      this.#hasFailed = false;
      if (!this.#isClosed) this.#schedule();
    } catch (error) {
      this.#isWriting = false;
      this.#failed(error);
    }
  }

  /** Listens from now on. False if something changed before that, which nobody tells any more. */
  #sleep(): boolean {
    const { listen, status } = this.#options;
    this.#leave = listen(() => this.#wake());
    return isSame(status(), this.#told);
  }

  #wake(): void {
    if (this.#leave !== undefined) this.#schedule();
  }

  #failed(cause: unknown): void {
    if (this.#isClosed) return;
    // Somebody has removed the whole store.
    if (isMissing(cause)) {
      this.#end();
      return;
    }
    this.#leastAt = this.#options.now() + statusRetryMs;
    this.#schedule();
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const { path } = this.#options.file;
    const message = `other processes can't be told what this bus does: ${path} can't be written. It goes on all the same`;
    this.#options.report(new BusError('STATUS_UNWRITTEN', message, { path }, { cause }));
  }
}

/** Node 22 has it in its later releases only; what passes is more than what is worked. */
function threadMs(): number {
  if (typeof process.threadCpuUsage !== 'function') return performance.now();
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Parts that have not changed are the same objects. */
function isSame(status: BusStatus, told: BusStatus | undefined): boolean {
  return (
    told !== undefined &&
    status.state === told.state &&
    status.head === told.head &&
    status.commits === told.commits &&
    status.eventsRead === told.eventsRead &&
    status.processors === told.processors &&
    status.actors === told.actors
  );
}
