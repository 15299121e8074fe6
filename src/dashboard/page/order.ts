/**
 * An order to the server, from a dialog that asks: sent once, however often one presses, and not heard of any more when the dialog
 * is gone.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ActionDone } from '../wire.ts';
import { type ApiError, post } from './api.ts';

export interface Order<Body> {
  readonly isBusy: boolean;
  /** Why it was not done. */
  readonly error?: ApiError | undefined;
  readonly send: (body: Body) => void;
}

/** `onDone` is given what the server says of what it did. */
export function useOrder<Body extends object>(path: string, onDone: (text: string) => void): Order<Body> {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const abort = useRef(new AbortController());
  useEffect(() => () => abort.current.abort(), []);

  async function order(body: Body): Promise<void> {
    const { signal } = abort.current;
    setBusy(true);
    setError(undefined);
    try {
      const { text } = await post<ActionDone>(path, body, signal);
      if (!signal.aborted) onDone(text);
    } catch (failure) {
      if (signal.aborted) return;
      setError(failure as ApiError);
      setBusy(false);
    }
  }
  return {
    isBusy,
    error,
    send: (body) => {
      if (!isBusy) void order(body);
    },
  };
}
