/**
 * The timers of a bus: takes orders, sleeps until the next one is due, and fires what is due.
 *
 * Owns the table of timers: nobody else writes it, and this writes one thing at a time, either orders or what is due. So
 * whether a cancel came in time is decided by order, and what it answers is true. What fires is appended and taken out of the
 * table in one transaction: exactly once, whatever ends the process. Nothing is kept in memory but what is being written.
 */
import { setImmediate } from 'node:timers/promises';
import { BusError, isBusError } from '../src/errors.ts';
import { timerBatchBytesMax, timerBatchMax, timerLookMaxMs, timerRetryMaxMs, timersMax } from '../src/limits.ts';
import type { TimerOrder } from '../src/log/timer-writes.ts';
import { type DueTimers, firstDueMs, readDue } from '../src/log/timers.ts';
import type { Activity } from './actor-tree.ts';
import { type TimerClock, unheldTimers } from './processor-status.ts';
import { TimerOrders } from './timer-orders.ts';
import type { TimerStore } from './timer-store.ts';
import { TimerTable } from './timer-table.ts';

/** What tests bring along. */
export interface TimerWorld {
  readonly clock: TimerClock;
  /** Most timers pending. */
  readonly pendingMax: number;
}

const realWorld: TimerWorld = { clock: unheldTimers, pendingMax: timersMax };
const firstRetryMs = 100;
/** That no more appends are taken is told by the bus itself. */
const toldByBus = ['STORE_FAILED', 'WRITER_FENCED', 'STORE_CLOSED'] as const;
/** Damaged rows that are told one by one; `verify` finds all. */
const toldMax = 100;
/** Waits until the timers that an erasure has made void are gone. */
interface Drop extends PromiseWithResolvers<number> {
  readonly stream: string | undefined;
}

const batchLimits = Object.freeze({ count: timerBatchMax, bytes: timerBatchBytesMax });

export class TimerService {
  readonly #store: TimerStore;
  readonly #clock: TimerClock;
  readonly #table: TimerTable;
  readonly #orders = new TimerOrders();
  /** Wait until nothing is due. */
  readonly #looks: PromiseWithResolvers<void>[] = [];
  readonly #drops: Drop[] = [];
  /** Damaged rows that were told, by their sequences. */
  readonly #told = new Set<number>();
  #nextDueMs: number | undefined;
  #alarm: unknown;
  #working: Promise<void> | undefined;
  /** Something has happened since the work under way last looked. */
  #isAsked = false;
  /** Appends that failed in a row, and what the last failed for: it is tried again when the alarm goes. */
  #failures = 0;
  #failure: unknown;
  /** Nothing fires any more: the bus closes, or takes no appends. */
  #hasEnded = false;
  #isClosed = false;
  /** Orders, looks and erasures asked for so far. */
  #asked = 0;

  constructor(store: TimerStore, { clock, pendingMax }: TimerWorld = realWorld) {
    this.#store = store;
    this.#clock = clock;
    this.#table = new TimerTable(store, pendingMax);
  }

  get activity(): Activity {
    return { state: this.#state, messages: this.#asked };
  }

  get #state(): string {
    if (this.#isClosed) return 'closed';
    if (this.#working !== undefined) return 'working';
    if (this.#hasEnded) return 'failed';
    if (this.#failure !== undefined) return 'retrying';
    return this.#alarm === undefined ? 'resting' : 'waiting';
  }

  /** Begins to fire, if there is anything pending. Never throws. */
  start(): void {
    try {
      if (this.#store.read(firstDueMs) !== undefined) this.#wake();
    } catch (error) {
      this.#store.report(error);
    }
  }

  /**
   * Resolves when `order` is durable, with whether a timer of its key was pending before. `signal` ends the wait: {ABORTED}
   * `'nothing-written'` while the order's turn has not come, `'unknown'` afterwards.
   * @throws {TIMERS_FULL} {KEY_ERASED} {MASTER_KEY_REQUIRED} {STORE_CORRUPT} {STORE_CLOSED} and whatever a commit fails for.
   */
  async order(order: TimerOrder, signal: AbortSignal | undefined): Promise<boolean> {
    if (this.#isClosed) throw this.#closedError();
    if (order.kind === 'schedule' && order.subject !== undefined) this.#requireKeys();
    const answer = this.#orders.add(order, signal);
    this.#asked++;
    this.#wake();
    return answer;
  }

  /** Looks at the clock now. Resolves when nothing is due any more. @throws what keeps timers that are due from being appended. */
  fireDue(): Promise<void> {
    if (this.#isClosed) return Promise.reject(this.#closedError());
    const look = Promise.withResolvers<void>();
    this.#looks.push(look);
    this.#asked++;
    if (!this.#hasEnded) {
      this.#failure = undefined;
      this.#clearAlarm();
    }
    this.#wake();
    return look.promise;
  }

  /**
   * Takes out all timers whose key was erased and, of a stream that was, those that are stored plain. Resolves, when that is
   * durable, to how many there were. @throws {STORE_CLOSED} and whatever a commit fails for.
   */
  dropErased(stream: string | undefined): Promise<number> {
    if (this.#isClosed) return Promise.reject(this.#closedError());
    const drop: Drop = { ...Promise.withResolvers<number>(), stream };
    this.#drops.push(drop);
    this.#asked++;
    this.#wake();
    return drop.promise;
  }

  /** Fires nothing more, and resolves when what was being written, and the orders before, are settled. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#hasEnded = true;
    this.#clearAlarm();
    await this.#working;
  }

  #wake(): void {
    this.#isAsked = true;
    this.#working ??= this.#work();
  }

  /** Writes until there is nothing to write. Never rejects. */
  async #work(): Promise<void> {
    // A wait for the next try goes on: orders that come meanwhile must not put it off.
    if (this.#failure === undefined) this.#clearAlarm();
    // Whatever is ordered in the same turn of the event loop shares a write.
    await setImmediate();
    let hasFired = false;
    try {
      while (hasFired || this.#isAsked || !this.#orders.isEmpty || this.#drops.length > 0) {
        this.#isAsked = false;
        await this.#takeOrders();
        await this.#takeDrops();
        hasFired = await this.#fire();
      }
    } catch (error) {
      this.#store.report(error);
    }
    this.#working = undefined;
    this.#settleLooks();
    this.#setAlarm();
  }

  async #takeOrders(): Promise<void> {
    const taken = this.#orders.take(batchLimits.count, batchLimits.bytes);
    if (taken.length === 0) return;
    const answers = await this.#table.answersTo(taken.map(({ order }) => order));
    this.#orders.settle(taken, answers);
  }

  async #takeDrops(): Promise<void> {
    for (const drop of this.#drops.splice(0)) {
      try {
        drop.resolve(await this.#table.dropErased(drop.stream));
      } catch (error) {
        drop.reject(error);
      }
    }
  }

  /** Fires a batch of what is due. False when nothing is, or nothing can be. */
  async #fire(): Promise<boolean> {
    if (this.#hasEnded || this.#failure !== undefined) return false;
    try {
      const { timers, erased } = this.#readDue();
      if (timers.length + erased.length === 0) return false;
      if (erased.length > 0) await this.#table.dropUnfired(erased);
      if (timers.length > 0) await this.#table.fire(timers);
      this.#failures = 0;
      return true;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  #readDue(): Pick<DueTimers, 'timers' | 'erased'> {
    const { incarnation } = this.#store;
    const nowMs = this.#store.now();
    const { timers, erased, nextDueMs, damage } = this.#store.read((snapshot) =>
      readDue(snapshot, nowMs, incarnation, batchLimits),
    );
    for (const { place, error } of damage) {
      if (this.#told.has(place.sequence) || this.#told.size >= toldMax) continue;
      this.#told.add(place.sequence);
      this.#store.report(error);
    }
    this.#nextDueMs = nextDueMs;
    return { timers, erased };
  }

  /** What may pass is tried again: no space, or a damaged row on the way, which may be mended. The rest ends firing. */
  #failed(error: unknown): void {
    this.#failure = error;
    this.#failures++;
    this.#hasEnded ||= !isBusError(error, 'STORE_FULL') && !isBusError(error, 'STORE_CORRUPT');
    if (!toldByBus.some((code) => isBusError(error, code))) this.#store.report(error);
  }

  #setAlarm(): void {
    if (this.#hasEnded || this.#alarm !== undefined) return;
    const isRetry = this.#failure !== undefined;
    if (!isRetry && this.#nextDueMs === undefined) return;
    const waitMs = isRetry
      ? Math.min(timerRetryMaxMs, firstRetryMs * 2 ** (this.#failures - 1))
      : Math.min(timerLookMaxMs, Math.max(1, (this.#nextDueMs as number) - this.#store.now()));
    this.#alarm = this.#clock.setTimeout(() => {
      this.#alarm = undefined;
      this.#failure = undefined;
      this.#wake();
    }, waitMs);
  }

  #clearAlarm(): void {
    this.#clock.clearTimeout(this.#alarm);
    this.#alarm = undefined;
  }

  #settleLooks(): void {
    const failure = this.#isClosed ? this.#closedError() : this.#failure;
    for (const { resolve, reject } of this.#looks.splice(0)) {
      if (failure === undefined) resolve();
      else reject(failure);
    }
  }

  /** @throws {MASTER_KEY_REQUIRED} */
  #requireKeys(): void {
    if (this.#store.read(({ keys }) => keys !== undefined)) return;
    const { path } = this.#store;
    const message = 'an event that names a subject is sealed with a key of its own: open the store with `encryption`';
    throw new BusError('MASTER_KEY_REQUIRED', message, { path });
  }

  #closedError(): BusError<'STORE_CLOSED'> {
    return new BusError('STORE_CLOSED', 'the bus is closed', { path: this.#store.path });
  }
}
