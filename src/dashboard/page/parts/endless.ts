/**
 * A list that is asked for page by page, as one scrolls. What was there stays while something else is asked for, so that typing
 * into a filter does not flicker; answers that come too late are dropped.
 */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api.ts';
import { connection } from '../live.ts';
import { recalled, remember } from './list-memory.ts';

export interface EndlessPage<Row, Cursor> {
  readonly rows: readonly Row[];
  /** Where the next page begins; absent at the end. */
  readonly next?: Cursor | undefined;
}

export interface Endless<Row> {
  readonly rows: readonly Row[];
  /** Nothing has come yet for what is asked now; `rows` are those of before. */
  readonly isWaiting: boolean;
  readonly error?: ApiError | undefined;
  /** Asks for the next page, unless it is on its way; absent at the end. */
  readonly more?: (() => void) | undefined;
  /** The same, for a list that asks by itself: absent when the last page was nearly empty, although it was not the end. */
  readonly moreByItself?: (() => void) | undefined;
  /** Where the next page begins. */
  readonly reached?: string | number | undefined;
  /** It is not the end, but enough: one should look for something narrower. */
  readonly isFull: boolean;
  /** Asks once more for what failed: what is there stays. */
  readonly retry: () => void;
  /** From the beginning again. */
  readonly reload: () => void;
}

/** Rows kept: some 50 MB, and half of the height that browsers give an element. */
const endlessRowsMax = 200_000;

/** A page with fewer rows took the server all the time it may take: one should want the next. */
const sparseRows = 5;

interface Held<Row, Cursor> {
  readonly question: string;
  readonly isSparse?: boolean;
  readonly rows: readonly Row[];
  readonly next?: Cursor | undefined;
  readonly error?: ApiError | undefined;
}

/**
 * `question` says what is asked: the list begins anew when it changes. `load` rejects with an ApiError. With `isKept` who comes
 * back finds it as it was left.
 */
export function useEndless<Row, Cursor extends string | number>(
  question: string,
  load: (after: Cursor | undefined, signal: AbortSignal) => Promise<EndlessPage<Row, Cursor>>,
  { isKept = false }: { readonly isKept?: boolean } = {},
): Endless<Row> {
  const [round, setRound] = useState(0);
  const asked = `${round} ${question}`;
  const [before] = useState(() => (isKept ? recalled() : undefined));
  const [held, setHeld] = useState((before?.held as Held<Row, Cursor> | undefined) ?? { question: '', rows: [] });
  const onItsWay = useRef<AbortController | undefined>(undefined);
  const loader = useRef(load);
  loader.current = load;

  const isWaiting = held.question !== asked;

  function ask(before: readonly Row[], after: Cursor | undefined): void {
    const abort = new AbortController();
    onItsWay.current = abort;
    void loader.current(after, abort.signal).then(
      ({ rows, next }) => {
        const all = before.length === 0 ? rows : [...before, ...rows];
        settle(abort, { question: asked, rows: all, next, isSparse: rows.length < sparseRows });
      },
      (error: ApiError) => settle(abort, { question: asked, rows: before, next: after, error }),
    );
  }

  function settle(abort: AbortController, now: Held<Row, Cursor>): void {
    if (abort.signal.aborted) return;
    onItsWay.current = undefined;
    setHeld(now);
  }

  useLayoutEffect(() => {
    if (before !== undefined) scrollTo(0, before.scrollY);
  }, []);
  useEffect(() => {
    if (!isKept || isWaiting) return;
    // Whoever comes back has not asked again yet.
    const note = () => remember({ ...held, question: `0 ${question}` });
    note();
    addEventListener('scroll', note, { passive: true });
    return () => removeEventListener('scroll', note);
  }, [held, asked]);
  useEffect(() => {
    if (held.question !== asked) ask([], undefined);
    return () => {
      onItsWay.current?.abort();
      onItsWay.current = undefined;
    };
  }, [asked]);

  const reload = () => setRound((before) => before + 1);
  const retry = () => {
    if (held.next === undefined) return reload();
    if (onItsWay.current !== undefined) return;
    setHeld(({ error: _, ...before }) => before);
    ask(held.rows, held.next);
  };

  // What failed while the app did not answer is asked again when it does.
  const isLive = connection.value === 'live';
  useEffect(() => {
    if (isLive && !isWaiting && held.error !== undefined) retry();
  }, [isLive]);

  const isFull = held.rows.length >= endlessRowsMax;
  const hasMore = !isWaiting && held.next !== undefined && held.error === undefined && !isFull;
  const more = () => {
    if (onItsWay.current === undefined) ask(held.rows, held.next);
  };
  return {
    rows: held.rows,
    isWaiting,
    error: isWaiting ? undefined : held.error,
    isFull: isFull && held.next !== undefined,
    retry,
    reload,
    ...(hasMore && { more, reached: held.next, ...(!held.isSparse && { moreByItself: more }) }),
  };
}
