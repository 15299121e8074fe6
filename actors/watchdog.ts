/**
 * Watches a counter that has to move while work is under way, and tells when it has stood still for too long.
 *
 * Rests without a timer while there is no work. Its timer does not keep the process alive: the work does.
 */

export interface WatchdogOptions {
  readonly progress: () => number;
  /** How long the counter may stand still. Milliseconds; told at most a fifth later. */
  readonly silenceMaxMs: number;
  readonly onSilence: () => void;
}

const looksPerSilence = 5;

export class Watchdog {
  readonly #options: WatchdogOptions;
  #timer: NodeJS.Timeout | undefined;
  #isWatching = false;
  #seen = 0;
  #silentLooks = 0;

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  watch(): void {
    this.#isWatching = true;
    this.#seen = this.#options.progress();
    this.#silentLooks = 0;
    // Left running over short rests: work comes and goes thousands of times a second.
    this.#timer ??= setInterval(() => this.#look(), this.#options.silenceMaxMs / looksPerSilence).unref();
  }

  rest(): void {
    this.#isWatching = false;
  }

  /** No timer is left behind. */
  close(): void {
    this.rest();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    if (!this.#isWatching) {
      this.close();
      return;
    }
    const progress = this.#options.progress();
    this.#silentLooks = progress === this.#seen ? this.#silentLooks + 1 : 0;
    this.#seen = progress;
    if (this.#silentLooks <= looksPerSilence) return;
    this.close();
    this.#options.onSilence();
  }
}
