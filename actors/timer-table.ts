/**
 * The writes to the table of timers, one after the other: orders, what fires, and what an erasure has made void.
 *
 * Whoever calls this waits for each before the next: what the table counts is known here, and never read twice. What the key
 * of one timer is refused for does not hold up the others.
 */
import type { TimerHead, TimerRow, TimerState } from '../src/codec/timer-row.ts';
import { BusError, isBusError } from '../src/errors.ts';
import { decideOrders, dropRows, fireRequest, type TimerAnswer, type TimerOrder } from '../src/log/timer-writes.ts';
import { countTimers, type ErasedTimers, readErased, readTimerState } from '../src/log/timers.ts';
import type { Snapshot } from '../src/storage/engine.ts';
import type { TimerStore } from './timer-store.ts';

export class TimerTable {
  readonly #store: TimerStore;
  readonly #pendingMax: number;
  #state: TimerState | undefined;

  constructor(store: TimerStore, pendingMax: number) {
    this.#store = store;
    this.#pendingMax = pendingMax;
  }

  /** What became of `orders`, durably. They share a write; where that is refused because of an erased key, each has its own. */
  async answersTo(orders: readonly TimerOrder[]): Promise<readonly TimerAnswer[]> {
    try {
      const { incarnation } = this.#store;
      const decided = this.#store.read((snapshot) =>
        decideOrders(snapshot, orders, this.#stateOf(snapshot), incarnation, this.#pendingMax),
      );
      if (decided.rows.length > 0) await this.#store.write(decided.rows);
      this.#state = decided.state;
      return decided.answers;
    } catch (error) {
      if (!isBusError(error, 'KEY_ERASED') || orders.length === 1) return orders.map(() => ({ error }));
      const answers: TimerAnswer[] = [];
      for (const order of orders) answers.push(...(await this.answersTo([order])));
      return answers;
    }
  }

  /**
   * Appends `timers` together; where a key was erased meanwhile, one by one, without those that it was the key of.
   * @throws whatever a commit fails for.
   */
  async fire(timers: readonly TimerRow[]): Promise<void> {
    try {
      const { request, state } = fireRequest(timers, this.#stateNow());
      await this.#store.append(request);
      this.#state = state;
    } catch (error) {
      if (!isBusError(error, 'KEY_ERASED')) throw error;
      if (timers.length === 1) await this.dropUnfired(timers);
      else for (const timer of timers) await this.fire([timer]);
    }
  }

  /** They were due, and what they would have appended is erased: that is told. */
  async dropUnfired(timers: readonly TimerHead[]): Promise<void> {
    await this.#drop(timers);
    for (const { key, stream } of timers) {
      const message = `the timer ${JSON.stringify(key)} did not fire: its event, for ${JSON.stringify(stream)}, was erased`;
      this.#store.report(new BusError('KEY_ERASED', message, { stream, subject: undefined }));
    }
  }

  /** Takes out what an erasure has made void, and gives how many there were. @throws whatever a commit fails for. */
  async dropErased(stream: string | undefined): Promise<number> {
    let dropped = 0;
    let from: ErasedTimers['next'];
    do {
      const { timers, next } = this.#store.read((snapshot) => readErased(snapshot, stream, from));
      if (timers.length > 0) await this.#drop(timers);
      dropped += timers.length;
      from = next;
    } while (from !== undefined);
    return dropped;
  }

  async #drop(timers: readonly TimerHead[]): Promise<void> {
    const { rows, state } = dropRows(timers, this.#stateNow());
    await this.#store.write(rows);
    this.#state = state;
  }

  #stateNow(): TimerState {
    return this.#state ?? this.#store.read((snapshot) => this.#stateOf(snapshot));
  }

  /** A damaged count is told and made again. */
  #stateOf(snapshot: Snapshot): TimerState {
    try {
      this.#state ??= readTimerState(snapshot);
    } catch (error) {
      if (!isBusError(error, 'STORE_CORRUPT')) throw error;
      this.#store.report(error);
      this.#state = countTimers(snapshot);
    }
    return this.#state;
  }
}
