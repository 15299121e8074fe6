/**
 * What the app keeps from the page: its functions `redact` and `redactEntry`, asked with what is about to be shown.
 *
 * One that throws, or answers with what is none, hides what it was asked for, and is reported.
 */
import { isThenable } from '../thenable.ts';
import type { Metadata, StoredEvent } from '../types.ts';
import type { ProjectionEntry, ResolvedDashboardOptions } from './options.ts';

/** Data and metadata of an event as they may be shown. */
export interface ShownPayload {
  readonly data: unknown;
  readonly metadata: Metadata | undefined;
  /** Not as they are stored. */
  readonly isChanged: boolean;
}

export class Redaction {
  readonly #redact: ResolvedDashboardOptions['redact'];
  readonly #redactEntry: ResolvedDashboardOptions['redactEntry'];
  readonly #report: (error: unknown) => void;

  constructor(options: Pick<ResolvedDashboardOptions, 'redact' | 'redactEntry'>, report: (error: unknown) => void) {
    this.#redact = options.redact;
    this.#redactEntry = options.redactEntry;
    this.#report = report;
  }

  /** Entries are made of events: where these are redacted, nothing is shown of them unless the app says what. */
  get hidesEntries(): boolean {
    return this.#redact !== undefined && this.#redactEntry === undefined;
  }

  /** What `show` makes of what may be shown of `event`; `undefined` if nothing may. @throws {STORE_CORRUPT} {DECRYPTION_FAILED} */
  ofEvent<Shown>(event: StoredEvent, show: (payload: ShownPayload) => Shown): Shown | undefined {
    const { data, metadata } = event;
    const redact = this.#redact;
    if (redact === undefined) return show({ data, metadata, isChanged: false });
    return this.#guarded(() => {
      const given = atOnce('redact', redact({ ...event }));
      const isChanged = data !== given?.data || metadata !== given?.metadata;
      return given && show({ data: given.data, metadata: given.metadata, isChanged });
    });
  }

  /** The same for an entry. */
  ofEntry<Shown>(entry: ProjectionEntry, show: (value: unknown) => Shown): Shown | undefined {
    if (this.hidesEntries) return undefined;
    const redactEntry = this.#redactEntry;
    if (redactEntry === undefined) return show(entry.value);
    return this.#guarded(() => {
      const given = atOnce('redactEntry', redactEntry(entry));
      return given && show(given.value);
    });
  }

  #guarded<Shown>(ask: () => Shown | undefined): Shown | undefined {
    try {
      return ask();
    } catch (error) {
      this.#report(error);
      return undefined;
    }
  }
}

/** @throws {TypeError} for a promise */
function atOnce<Given>(option: string, given: Given | null): Given | undefined {
  if (!isThenable(given)) return given ?? undefined;
  // What it may fail with is nothing new.
  Promise.resolve(given).catch(() => undefined);
  throw new TypeError(`${option} must answer at once, it returned a promise: nothing is shown`);
}
