/**
 * What the app keeps from the page: its functions `redact`, `redactEntry` and `redactError`, asked with what is about to be shown.
 *
 * One that throws, or answers with what is none, hides what it was asked for, and is reported.
 */
import { codeOf, nameOf } from '../../actors/plain-error-name.ts';
import { isThenable } from '../thenable.ts';
import type { Metadata, StoredEvent } from '../types.ts';
import type { ErrorTexts, ProjectionEntry, ResolvedDashboardOptions } from './options.ts';
import { cut } from './shown-text.ts';

/** Data and metadata of an event as they may be shown. */
export interface ShownPayload {
  readonly data: unknown;
  readonly metadata: Metadata | undefined;
  /** Not as they are stored. */
  readonly isChanged: boolean;
}

/** An error as it may be shown. */
export interface ShownError {
  readonly name: string;
  readonly code?: string;
  readonly message: string;
  readonly stack?: string;
}

export type RedactionOptions = Pick<ResolvedDashboardOptions, 'redact' | 'redactEntry' | 'redactError'>;

export class Redaction {
  readonly #options: RedactionOptions;
  readonly #report: (error: unknown) => void;
  /** The live path looks at the same errors twenty times a second. */
  readonly #shownErrors = new WeakMap<object, ShownError>();

  constructor(options: RedactionOptions, report: (error: unknown) => void) {
    this.#options = options;
    this.#report = report;
  }

  /** Entries are made of events: where these are redacted, nothing is shown of them unless the app says what. */
  get hidesEntries(): boolean {
    const { redact, redactEntry } = this.#options;
    return redact !== undefined && redactEntry === undefined;
  }

  /** What `show` makes of what may be shown of `event`; `undefined` if nothing may. @throws {STORE_CORRUPT} {DECRYPTION_FAILED} */
  ofEvent<Shown>(event: StoredEvent, show: (payload: ShownPayload) => Shown): Shown | undefined {
    const { data, metadata } = event;
    const { redact } = this.#options;
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
    const { redactEntry } = this.#options;
    if (redactEntry === undefined) return show(entry.value);
    return this.#guarded(() => {
      const given = atOnce('redactEntry', redactEntry(entry));
      return given && show(given.value);
    });
  }

  /** What may be shown of `error`, in which nothing ever changes; `processor`: whose it is. */
  ofError(error: ErrorTexts, processor?: string): ShownError {
    const known = this.#shownErrors.get(error);
    if (known !== undefined) return known;
    const shown = this.#errorShown(error, processor);
    this.#shownErrors.set(error, shown);
    return shown;
  }

  #errorShown({ name, code, message, stack }: ErrorTexts, processor: string | undefined): ShownError {
    const { redact, redactError } = this.#options;
    const error = cutError({ name, code, message, stack });
    if (redactError === undefined) return redact === undefined ? error : withoutTexts(error);
    const asked = processor === undefined ? error : { ...error, processor };
    const shown = this.#guarded(() => {
      const given = atOnce('redactError', redactError(asked));
      return given && cutError(given);
    });
    return shown ?? withoutTexts(error);
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

/** Instead of a message. */
const hidden = 'hidden: see the option redactError';

/** What is never of an event. */
function withoutTexts({ name, code, message }: ShownError): ShownError {
  return { name: nameOf(name), ...codeOf(code), message: message === '' ? '' : hidden };
}

/** @throws {TypeError} for what is no text */
function cutError({ name, code, message, stack }: ErrorTexts): ShownError {
  return {
    name: cut(text(name)),
    ...(code !== undefined && { code: cut(text(code)) }),
    message: cut(text(message)),
    ...(stack !== undefined && { stack: cut(text(stack)) }),
  };
}

/** @throws {TypeError} */
function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`redactError must return texts, it returned ${typeof value}: message and stack are hidden`);
}

/** @throws {TypeError} for a promise */
function atOnce<Given>(option: string, given: Given | null): Given | undefined {
  if (!isThenable(given)) return given ?? undefined;
  // What it may fail with is nothing new.
  Promise.resolve(given).catch(() => undefined);
  throw new TypeError(`${option} must answer at once, it returned a promise: nothing is shown`);
}
