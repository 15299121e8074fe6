/**
 * Why a request is not answered as it wished: an HTTP status, a code for programs and a message for people.
 */
import { BusError } from '../errors.ts';
import type { Redaction } from './redaction.ts';

/** What is thrown while a request is handled, and shown to whoever made it. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

const statusByCode: ReadonlyMap<string, number> = new Map([
  ['STORE_CLOSED', 503],
  ['ABORTED', 503],
  ['STORE_FULL', 507],
  ['STORE_READ_ONLY', 403],
  ['UNSUPPORTED', 501],
  ['CHART_TOO_LARGE', 422],
  ['STREAM_NAME_INVALID', 400],
  ['PROCESSOR_STOPPED', 409],
  ['PROCESSOR_FAILED', 409],
  ['PROJECTION_SWITCHED', 409],
  ['CURSOR_MOVED', 409],
  ['KEY_ERASED', 409],
  ['DEAD_LETTERS_FULL', 409],
]);

/** These quote what a handler has thrown, or may: their messages are shown as those of any other error. */
const hasOwnWords = (code: string) => statusByCode.has(code) && code !== 'PROCESSOR_FAILED';

/** What `error` is answered with; one that nobody foresaw tells nothing of itself. */
export function refusalOf(error: unknown, redaction: Redaction): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof BusError || (error instanceof Error && error.name === 'BusError' && 'code' in error)) {
    const { code, message } = error as BusError;
    const shown = hasOwnWords(code) ? message : redaction.ofError({ name: 'BusError', code, message }).message;
    return new Refusal(statusByCode.get(code) ?? 500, code, shown);
  }
  return internal();
}

/** For what is reported elsewhere: it tells nothing of that. */
export function internal(): Refusal {
  return new Refusal(500, 'INTERNAL', 'the dashboard failed: see errors$ of the bus, or the log of its process');
}

export function dashboardClosed(): Refusal {
  return new Refusal(503, 'STORE_CLOSED', 'the dashboard is closed');
}

export function badRequest(message: string): Refusal {
  return new Refusal(400, 'BAD_REQUEST', message);
}

export function notFound(what: string): Refusal {
  return new Refusal(404, 'NOT_FOUND', `${what} is not here`);
}
