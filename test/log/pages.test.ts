/** The iterators of reads, on page sources made for the occasion. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Page } from '#kernel/log/log-reader';
import { type PageSource, pagesOf } from '#kernel/log/pages';
import { collect, take } from '../kit/collect.ts';

const end = { done: true, value: undefined };

/** Gives `pages` one after the other, the last of them marked as such. */
function sourceOf(...pages: number[][]): () => PageSource<number> {
  return () => {
    let next = 0;
    return () => ({ items: [...(pages[next++] as number[])], isLast: next === pages.length });
  };
}

/** A source that waits to be told. */
function heldSource() {
  const held: PromiseWithResolvers<Page<number> | undefined>[] = [];
  return {
    open: () => () => {
      const turn = Promise.withResolvers<Page<number> | undefined>();
      held.push(turn);
      return turn.promise;
    },
    held,
  };
}

test('items come one by one, over empty pages and all', async () => {
  const pages = pagesOf(sourceOf([1, 2], [], [3], []), undefined);

  const items = await collect(pages);

  expect(items).toEqual([1, 2, 3]);
});

test('pages come as arrays, and none is empty', async () => {
  const pages = pagesOf(sourceOf([], [1, 2], [], [3], []), undefined);

  const arrays = await collect(pages.pages());

  expect(arrays).toEqual([[1, 2], [3]]);
});

test('each iteration starts anew', async () => {
  const pages = pagesOf(sourceOf([1], [2]), undefined);

  const both = [await collect(pages), await collect(pages)];

  expect(both).toEqual([
    [1, 2],
    [1, 2],
  ]);
});

test('the source is opened when the first page is asked for', async () => {
  let isOpen = false;
  const pages = pagesOf(() => {
    isOpen = true;
    return sourceOf([1])();
  }, undefined);

  const iterator = pages[Symbol.asyncIterator]();

  expect(isOpen).toBe(false);
  await iterator.next();
  expect(isOpen).toBe(true);
});

test('the event loop has its turn between two pages', async () => {
  const pages = pagesOf(sourceOf([1], [2], [3]), undefined);
  const seen: (number | string)[] = [];

  for await (const item of pages) {
    seen.push(item);
    void setImmediate().then(() => seen.push('turn'));
  }

  expect(seen).toEqual([1, 'turn', 2, 'turn', 3]);
});

test('the event loop has its turn between empty pages', async () => {
  let asked = 0;
  const pages = pagesOf(() => () => ({ items: [], isLast: ++asked === 1000 }), undefined);
  const turn = setImmediate('turn');

  const first = await Promise.race([turn, collect(pages)]);

  expect(first).toBe('turn');
});

describe.each(['item by item', 'page by page'] as const)('an iteration %s', (way) => {
  const iterate = (open: () => PageSource<number>, signal?: AbortSignal): AsyncIterator<number | number[]> => {
    const pages = pagesOf(open, signal);
    return (way === 'item by item' ? pages : pages.pages())[Symbol.asyncIterator]();
  };
  const as = (item: number) => (way === 'item by item' ? item : [item]);

  test('ends for good after its last page', async () => {
    const iterator = iterate(sourceOf([1]));

    const steps = [await iterator.next(), await iterator.next(), await iterator.next()];

    expect(steps).toEqual([{ done: false, value: as(1) }, end, end]);
  });

  test('answers calls of next that do not wait for each other, in order', async () => {
    const iterator = iterate(sourceOf([1], [], [2], [3]));

    const steps = await Promise.all(Array.from({ length: 5 }, () => iterator.next()));

    expect(steps).toEqual([
      { done: false, value: as(1) },
      { done: false, value: as(2) },
      { done: false, value: as(3) },
      end,
      end,
    ]);
  });

  test('ends for good when it is left', async () => {
    const iterator = iterate(sourceOf([1], [2], [3]));
    await iterator.next();

    const left = await iterator.return?.();

    expect(left).toEqual(end);
    expect(await iterator.next()).toEqual(end);
  });

  test('ends when it is left before it began, without opening its source', async () => {
    let isOpen = false;
    const iterator = iterate(() => {
      isOpen = true;
      return sourceOf([1])();
    });

    await iterator.return?.();

    expect(await iterator.next()).toEqual(end);
    expect(isOpen).toBe(false);
  });

  test('ends for good when it is left while a page is on its way', async () => {
    const { open, held } = heldSource();
    const iterator = iterate(open);
    const first = iterator.next();
    await expect.poll(() => held.length).toBe(1);

    const left = iterator.return?.();
    held[0]?.resolve({ items: [1, 2, 3], isLast: false });

    await Promise.allSettled([first, left]);
    expect(await iterator.next()).toEqual(end);
    expect(held).toHaveLength(1);
  });

  test('asks for no page that nobody wants', async () => {
    let asked = 0;
    const iterator = iterate(() => () => ({ items: [++asked], isLast: false }));

    await take(iterator, 3);
    await iterator.return?.();
    await setImmediate();

    expect(asked).toBe(3);
  });

  test('rejects once with what its source threw, and has ended then', async () => {
    const cause = new Error('damaged');
    let asked = 0;
    const iterator = iterate(() => () => {
      if (++asked === 2) throw cause;
      return { items: [asked], isLast: false };
    });

    const steps = await Promise.allSettled([iterator.next(), iterator.next()]);

    expect(steps).toEqual([
      { status: 'fulfilled', value: { done: false, value: as(1) } },
      { status: 'rejected', reason: cause },
    ]);
    expect(await iterator.next()).toEqual(end);
    expect(asked).toBe(2);
  });

  test('rejects with what opening its source threw', async () => {
    const cause = new Error('closed');
    const iterator = iterate(() => {
      throw cause;
    });

    await expect(iterator.next()).rejects.toBe(cause);
    expect(await iterator.next()).toEqual(end);
  });

  test('rejects when its signal is aborted before it begins', async () => {
    const iterator = iterate(sourceOf([1]), AbortSignal.abort('never'));

    await expect(iterator.next()).rejects.toMatchObject({
      code: 'ABORTED',
      detail: { outcome: 'nothing-written' },
      cause: 'never',
    });
    expect(await iterator.next()).toEqual(end);
  });

  test('rejects at the next page when its signal is aborted on the way', async () => {
    const controller = new AbortController();
    let asked = 0;
    const iterator = iterate(() => () => ({ items: [++asked], isLast: false }), controller.signal);
    await iterator.next();

    controller.abort(new Error('enough'));

    await expect(iterator.next()).rejects.toMatchObject({ code: 'ABORTED', cause: { message: 'enough' } });
    expect(await iterator.next()).toEqual(end);
    expect(asked).toBe(1);
  });

  test('rejects when its signal is aborted while a page is on its way', async () => {
    const controller = new AbortController();
    const { open, held } = heldSource();
    const iterator = iterate(open, controller.signal);
    const step = iterator.next();
    await expect.poll(() => held.length).toBe(1);

    controller.abort();
    held[0]?.resolve({ items: [1], isLast: false });

    await expect(step).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('is disposed of by leaving it', async () => {
    const iterator = iterate(sourceOf([1], [2])) as AsyncIterableIterator<unknown> & AsyncDisposable;
    await iterator.next();

    await iterator[Symbol.asyncDispose]();

    expect(await iterator.next()).toEqual(end);
  });
});

test('breaking out of a loop leaves the iteration', async () => {
  let asked = 0;
  const pages = pagesOf(() => () => ({ items: [++asked, ++asked], isLast: false }), undefined);
  const seen: number[] = [];

  for await (const item of pages) {
    seen.push(item);
    if (item === 3) break;
  }
  await setImmediate();

  expect(seen).toEqual([1, 2, 3]);
  expect(asked).toBe(4);
});

test('an item iterator can be iterated itself', async () => {
  const iterator = pagesOf(sourceOf([1, 2], [3]), undefined)[Symbol.asyncIterator]() as AsyncIterableIterator<number>;
  await iterator.next();

  const rest = await collect(iterator);

  expect(rest).toEqual([2, 3]);
});
