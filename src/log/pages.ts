/**
 * Asynchronous iteration over pages: the same read given one by one or array by array.
 *
 * Between two pages the event loop gets its turn, and the signal is looked at. An iterator ends for good when it was
 * left (`return`), aborted, or failed. Knows nothing of what the items are.
 */
import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import { BusError } from '../errors.ts';
import type { Pages } from '../types.ts';
import type { Page } from './log-reader.ts';

/** Gives the pages of one iteration, one after the other; `undefined` is the end. One that waits also ends when it was left. */
export type PageSource<Item> = () => Page<Item> | Promise<Page<Item> | undefined> | undefined;

/** @throws {TypeError} for what is no signal. @throws {ABORTED} */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`signal must be an AbortSignal, got ${inspect(signal)}`);
  }
  if (signal?.aborted) throw abortError(signal, 'nothing-written');
}

export function abortError(signal: AbortSignal, outcome: 'nothing-written' | 'unknown'): BusError<'ABORTED'> {
  return new BusError('ABORTED', 'the signal was aborted', { outcome }, { cause: signal.reason });
}

/** Each iteration calls `open` when its first page is asked for. Pages given out are never empty. */
export function pagesOf<Item>(
  open: (left: AbortSignal) => PageSource<Item>,
  signal: AbortSignal | undefined,
): Pages<Item> {
  const pages = () => new PageIterator(open, signal);
  return {
    pages: () => ({ [Symbol.asyncIterator]: pages }),
    [Symbol.asyncIterator]: () => new ItemIterator(pages()),
  };
}

/** Pages as a generator gives them, but for leaving: a generator would first wait for the page that is on its way. */
class PageIterator<Item> implements AsyncIterableIterator<Item[], undefined, undefined> {
  readonly #left = new AbortController();
  readonly #pages: AsyncGenerator<Item[], undefined, undefined>;

  constructor(open: (left: AbortSignal) => PageSource<Item>, signal: AbortSignal | undefined) {
    this.#pages = iteratePages(() => open(this.#left.signal), signal);
  }

  next(): Promise<IteratorResult<Item[], undefined>> {
    return this.#pages.next();
  }

  /** Tells the source that it was left, so that it ends a wait. */
  return(): Promise<IteratorResult<Item[], undefined>> {
    this.#left.abort();
    return this.#pages.return(undefined);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

async function* iteratePages<Item>(
  open: () => PageSource<Item>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Item[], undefined, undefined> {
  throwIfAborted(signal);
  const source = open();
  for (;;) {
    const page = await source();
    throwIfAborted(signal);
    if (page === undefined) return;
    if (page.items.length > 0) yield page.items;
    if (page.isLast) return;
    await setImmediate();
    throwIfAborted(signal);
  }
}

/** Items of pages, without an asynchronous generator's cost for each: within a page a step is one settled promise. */
class ItemIterator<Item> implements AsyncIterableIterator<Item, undefined, undefined> {
  readonly #pages: PageIterator<Item>;
  #page: readonly Item[] = [];
  #index = 0;
  #isLeft = false;
  /** The last step that had to wait for a page; later ones queue behind it. */
  #waiting: Promise<IteratorResult<Item, undefined>> | undefined;

  constructor(pages: PageIterator<Item>) {
    this.#pages = pages;
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    if (this.#waiting === undefined && this.#index < this.#page.length) return Promise.resolve(this.#take());
    const step = this.#waiting === undefined ? this.#turnPage() : this.#waiting.then(() => this.#turnPage());
    this.#waiting = step;
    const settle = () => {
      if (this.#waiting === step) this.#waiting = undefined;
    };
    step.then(settle, settle);
    return step;
  }

  async return(): Promise<IteratorResult<Item, undefined>> {
    this.#isLeft = true;
    this.#page = [];
    await this.#pages.return();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #take(): IteratorYieldResult<Item> {
    return { value: this.#page[this.#index++] as Item, done: false };
  }

  async #turnPage(): Promise<IteratorResult<Item, undefined>> {
    if (this.#index < this.#page.length) return this.#take();
    const { value, done } = await this.#pages.next();
    if (done === true || this.#isLeft) {
      this.#page = [];
      return { value: undefined, done: true };
    }
    this.#page = value;
    this.#index = 0;
    return this.#take();
  }
}
