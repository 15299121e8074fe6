/**
 * How far a long check has come, for people: a bar that is drawn over on a terminal, elsewhere a plain line now and then.
 */
import { grouped } from './printable.ts';

/** The part of a stream that is needed. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Milliseconds between two drawings of the bar, and between two plain lines. */
const redrawMs = 80;
const lineMs = 5_000;
const barWidth = 30;

export class Progress {
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  #shownMs: number;
  #isDrawn = false;

  /** `now` in milliseconds, from any start. */
  constructor(stream: ProgressStream, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#now = now;
    this.#shownMs = now();
  }

  show(done: number, total: number): void {
    const now = this.#now();
    if (now - this.#shownMs < (this.#stream.isTTY === true ? redrawMs : lineMs)) return;
    this.#shownMs = now;
    const share = total === 0 ? 1 : done / total;
    const text = `${grouped(done)} of ${grouped(total)} (${Math.floor(share * 100)} %)`;
    if (this.#stream.isTTY === true) {
      const bar = '█'.repeat(Math.floor(share * barWidth)).padEnd(barWidth, '░');
      this.#stream.write(`\r\u001b[2K${bar} ${text}`);
      this.#isDrawn = true;
    } else {
      this.#stream.write(`checked ${text}\n`);
    }
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.#isDrawn) this.#stream.write('\r\u001b[2K');
    this.#isDrawn = false;
  }
}
