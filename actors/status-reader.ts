/**
 * What the process that writes a store tells of itself, read in another one: its `status` file.
 *
 * Whoever may write in the directory may have written that file: what has not the shape of a status is none.
 */
import { StatusFileReader } from '../src/storage/status-file.ts';
import type { Bus } from './bus.ts';
import type { BusStatus } from './bus-status.ts';
import { isStatus } from './status-shape.ts';

export class StatusReader {
  readonly #file: StatusFileReader;
  #text: string | undefined;
  #status: BusStatus | undefined;

  constructor(directory: string) {
    this.#file = new StatusFileReader(directory);
  }

  /**
   * The bus of the process that writes the store, as it was a few tenths of a second ago at most; `undefined` when none does, or
   * it tells nothing that this user can read. The same object as long as nothing has changed. Takes some microseconds; more
   * than ten times a second there is never anything new.
   */
  read(): BusStatus | undefined {
    const text = this.#file.read();
    if (text !== this.#text) {
      this.#text = text;
      this.#status = text === undefined ? undefined : statusIn(text);
    }
    return this.#status;
  }
}

/** For a bus on a store that another process may write; `undefined` for one in memory. */
export function statusFileOf(bus: Bus): StatusReader | undefined {
  return bus.capabilities.processes ? new StatusReader(bus.info().path) : undefined;
}

function statusIn(text: string): BusStatus | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isStatus(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
