/**
 * Watches that a running processor gets on: tells once when it is stuck, and when it falls too far behind.
 *
 * It is told of positions once per round, never per event, and looks by itself on a timer that holds no process. Why
 * nothing moves makes no difference: a handler that does not end, a store that fails, a wait between tries. What rests on
 * purpose (paused, failed, stopped) is not watched.
 */
import { BusError } from '../src/errors.ts';
import type { LagPlace, MaxLagOptions, MonitorPolicy } from './monitor-options.ts';
import type { ProcessorHost } from './processor-names.ts';

/** Of the time after which a processor counts as stalled: between two looks. */
const looksPerStall = 4;
/** Between two looks at the lag of one that does nothing. */
const lagLookMs = 1000;

/** Tells of a lag once, also where several parts of one processor have it. */
export class LagAlarm {
  readonly #onExceeded: MaxLagOptions['onExceeded'];
  readonly #report: (error: unknown) => void;
  /** Parts that are too far behind now. */
  #raised = 0;

  constructor({ onExceeded }: MaxLagOptions, report: (error: unknown) => void) {
    this.#onExceeded = onExceeded;
    this.#report = report;
  }

  raise(lag: number, place: LagPlace): void {
    if (this.#raised++ === 0) void this.#call(lag, place);
  }

  lower(): void {
    this.#raised--;
  }

  async #call(lag: number, place: LagPlace): Promise<void> {
    try {
      await this.#onExceeded(lag, place);
    } catch (error) {
      this.#report(error);
    }
  }
}

export class ProgressMonitor {
  readonly #host: ProcessorHost;
  readonly #name: string;
  readonly #stalledMs: number;
  readonly #lagMax: number;
  readonly #alarm: LagAlarm | undefined;
  readonly #onChange: () => void;
  readonly #lookMs: number;
  #runs = 0;
  #timer: unknown;
  /** Unknown before the first is told. */
  #position: number | undefined;
  #hasMoved = false;
  /** At the last look. */
  #hadWork = false;
  /** Looks in a row before which there was something to do and nothing moved. */
  #stillLooks = 0;
  #isStalled = false;
  #isLagging = false;

  /** `onChange`: told when {@link isStalled} changes. */
  constructor(
    host: ProcessorHost,
    { name, stalledMs, maxLag }: MonitorPolicy & { readonly name: string },
    alarm = maxLag && new LagAlarm(maxLag, (error) => host.store.report(error)),
    onChange: () => void = () => undefined,
  ) {
    this.#host = host;
    this.#name = name;
    this.#stalledMs = stalledMs;
    this.#lagMax = maxLag?.events ?? Number.POSITIVE_INFINITY;
    this.#alarm = alarm;
    this.#onChange = onChange;
    this.#lookMs = Math.min(stalledMs / looksPerStall, maxLag === undefined ? Number.POSITIVE_INFINITY : lagLookMs);
  }

  /** Whether there was something to do for `stalledMs`, and nothing moved. */
  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** Watches until what is returned is called. */
  run(): () => void {
    if (this.#runs++ === 0) this.#lookAgain();
    return () => {
      if (--this.#runs === 0) this.#rest();
    };
  }

  /** Everything up to `position` is handled, where the store ends at `head`. */
  at(position: number, head: number): void {
    if (this.#runs === 0) return;
    if (position !== this.#position) {
      this.#position = position;
      this.moved();
    }
    if (this.#alarm !== undefined) this.#checkLag(head);
  }

  /** Something was done, which need not show in the position. */
  moved(): void {
    this.#hasMoved = true;
    if (this.#isStalled) this.#setStalled(false);
  }

  #lookAgain(): void {
    if (this.#lookMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#host.clock.setTimeout(() => {
      this.#look();
      this.#lookAgain();
    }, this.#lookMs);
  }

  #look(): void {
    const head = this.#head();
    const hasWork = head > (this.#position ?? 0);
    const isStill = hasWork && this.#hadWork && !this.#hasMoved;
    this.#stillLooks = isStill ? this.#stillLooks + 1 : 0;
    this.#hadWork = hasWork;
    this.#hasMoved = false;
    if (this.#alarm !== undefined) this.#checkLag(head);
    if (!this.#isStalled && this.#stillLooks * this.#lookMs >= this.#stalledMs) this.#stall(head);
  }

  #stall(head: number): void {
    const position = this.#position ?? 0;
    const [lag, processor, stalledMs] = [head - position, this.#name, this.#stalledMs];
    this.#host.store.report(
      new BusError(
        'PROCESSOR_STALLED',
        `the processor ${JSON.stringify(processor)} has not moved on from position ${position} for ${stalledMs} ms, ${lag} behind the head`,
        { processor, position, lag, stalledMs },
      ),
    );
    this.#setStalled(true);
  }

  #checkLag(head: number): void {
    const position = this.#position;
    if (position === undefined) return;
    const lag = head - position;
    if (!this.#isLagging && lag > this.#lagMax) {
      this.#isLagging = true;
      this.#alarm?.raise(lag, { processor: this.#name, position, head });
    } else if (this.#isLagging && lag < this.#lagMax / 2) {
      this.#isLagging = false;
      this.#alarm?.lower();
    }
  }

  #rest(): void {
    this.#host.clock.clearTimeout(this.#timer);
    this.#stillLooks = 0;
    this.#hadWork = false;
    this.#hasMoved = false;
    if (this.#isLagging) this.#alarm?.lower();
    this.#isLagging = false;
    if (this.#isStalled) this.#setStalled(false);
  }

  #setStalled(isStalled: boolean): void {
    this.#isStalled = isStalled;
    this.#stillLooks = 0;
    this.#onChange();
  }

  /** The head, as long as the store can tell. */
  #head(): number {
    try {
      return this.#host.store.head();
    } catch {
      // A closed store has none, and a processor on it is about to end.
      return 0;
    }
  }
}
