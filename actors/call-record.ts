/**
 * What a thread notes of the handler it runs, in shared memory: it can be read when the thread hangs, and when it is gone.
 *
 * One record for each round. Guarantees that the thread and whoever halts it agree: a call that was halted does not end as if
 * nothing were, and no call begins after that. Also counts messages, so that a thread does not run away from their reader.
 */
import { BusError } from '../src/errors.ts';

/** Bytes 0-3: state. 4-7: messages taken. 8-15, 16-23: first and last position of the call. 24-31: when it began. */
const recordBytes = 32;
const stateWord = 0;
const takenWord = 1;
const firstPlace = 1;
const lastPlace = 2;
const begunPlace = 3;
/** Other states count: 0 before the first call, odd while one runs, even between two. */
const halted = -1;
/** Messages on their way to the main thread; with more of them the thread waits. */
const messagesAheadMax = 1024;

/** The events of a call, by position. */
export interface CalledEvents {
  readonly first: number;
  readonly last: number;
}

export class CallRecord {
  /** To be passed on to the thread. */
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #numbers: Float64Array<SharedArrayBuffer>;
  #sent = 0;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(recordBytes)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
    this.#numbers = new Float64Array(memory);
  }

  /** In the thread: a call begins; all earlier ones of the round have succeeded. @throws {ABORTED} when it was halted. */
  begin({ first, last }: CalledEvents, isTimed: boolean): void {
    this.#numbers[firstPlace] = first;
    this.#numbers[lastPlace] = last;
    if (isTimed) this.#numbers[begunPlace] = monotonicMs();
    const state = Atomics.load(this.#words, stateWord);
    if (state !== halted && Atomics.compareExchange(this.#words, stateWord, state, state + 1) === state) return;
    throw new BusError('ABORTED', 'nobody waits for this handler any more', { outcome: 'nothing-written' });
  }

  /** In the thread: the call has ended, whatever it came to. One that was halted never gets beyond this. */
  end(): void {
    const state = Atomics.load(this.#words, stateWord);
    if (state !== halted && Atomics.compareExchange(this.#words, stateWord, state, state + 1) === state) return;
    Atomics.wait(this.#words, stateWord, halted);
  }

  /** In the thread: a message is about to be sent. Waits for the main thread, if that is far behind. */
  send(): void {
    for (;;) {
      const taken = Atomics.load(this.#words, takenWord);
      if (this.#sent - taken < messagesAheadMax) break;
      Atomics.wait(this.#words, takenWord, taken);
    }
    this.#sent++;
  }

  /** A message was taken. */
  take(): void {
    Atomics.add(this.#words, takenWord, 1);
    Atomics.notify(this.#words, takenWord);
  }

  /** Lets no further call begin. */
  halt(): void {
    Atomics.store(this.#words, stateWord, halted);
  }

  /** Halts a call that has taken `timeoutMs` already: then 0. Otherwise the milliseconds after which to look again. */
  haltLate(timeoutMs: number): number {
    const state = Atomics.load(this.#words, stateWord);
    if (state === halted || state % 2 === 0) return timeoutMs;
    const leftMs = (this.#numbers[begunPlace] as number) + timeoutMs - monotonicMs();
    if (leftMs > 0) return leftMs;
    return Atomics.compareExchange(this.#words, stateWord, state, halted) === state ? 0 : timeoutMs;
  }

  /** The call that began last. */
  get atHand(): CalledEvents | undefined {
    const [first, last] = [this.#numbers[firstPlace] as number, this.#numbers[lastPlace] as number];
    return first === 0 ? undefined : { first, last };
  }
}

/** The same in all threads, which `performance.now` is not. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
