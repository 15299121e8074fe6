/**
 * What the page asks the server for once, and what it orders. Every failure becomes an {@link ApiError} that can be shown.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Failure } from '../wire.ts';
import { type Query, queryText } from './routes.ts';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** `'OFFLINE'`: there was no answer. */
  readonly code: string;
  /** The HTTP status; 0 without an answer. */
  readonly status: number;
  constructor(code: string, message: string, status: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = status;
  }
}

/** `path` is relative to the base: `'api/streams'`. Encode names in it. @throws {ApiError} */
export function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const text = queryText(query);
  return ask<T>(text === '' ? path : `${path}?${text}`, { signal: signal ?? null });
}

/** @throws {ApiError} */
export function post<T>(path: string, body: object, signal?: AbortSignal): Promise<T> {
  return ask<T>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-varvebus': '1' },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
}

/** What was asked for last stays in `data` until there is something newer. */
export interface Answer<T> {
  readonly data?: T;
  readonly error?: ApiError;
  readonly isLoading: boolean;
  readonly reload: () => void;
}

/** Asks as soon as `path` or the query changes, and not at all while `path` is `undefined`. */
export function useGet<T>(path: string | undefined, query: Query = {}): Answer<T> {
  const address = path === undefined ? undefined : `${path}?${queryText(query)}`;
  const [asked, setAsked] = useState(0);
  const [answer, setAnswer] = useState<Omit<Answer<T>, 'reload'>>({
    isLoading: address !== undefined,
  });
  const latest = useRef(query);
  latest.current = query;
  useEffect(() => {
    if (path === undefined || address === undefined) return;
    const abort = new AbortController();
    setAnswer(({ error: _, ...before }) => ({ ...before, isLoading: true }));
    void get<T>(path, latest.current, abort.signal).then(
      (data) => !abort.signal.aborted && setAnswer({ data, isLoading: false }),
      (error: ApiError) => !abort.signal.aborted && setAnswer({ error, isLoading: false }),
    );
    return () => abort.abort();
  }, [address, asked]);
  return { ...answer, reload: () => setAsked((times) => times + 1) };
}

async function ask<T>(address: string, init: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(new URL(address, document.baseURI), init);
  } catch (error) {
    throw new ApiError('OFFLINE', 'The server does not answer.', 0, { cause: error });
  }
  const body = await answer.json().catch(() => undefined);
  if (answer.ok && body !== undefined) return body as T;
  const failure = (body as Partial<Failure> | undefined)?.error;
  throw new ApiError(
    failure?.code ?? 'HTTP',
    failure?.message ?? `The server answered ${answer.status}.`,
    answer.status,
  );
}
